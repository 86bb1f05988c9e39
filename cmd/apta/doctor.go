package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/doctor"
	"apta/newsletter/transport"
	"apta/subscribers"
	"apta/subscribers/database"

	"github.com/spf13/cobra"
)

// DoctorConfig is what apta doctor cannot see by itself.
type DoctorConfig struct {
	SendsFrom  []string `toml:"sends_from"`
	Resolver   string   `toml:"resolver"`
	TimeServer string   `toml:"time_server"`
}

// statusError ends the program with a status of its own, after all was said.
type statusError struct{ status int }

func (e statusError) Error() string { return fmt.Sprint("status ", e.status) }

// What apta doctor's exit status says, besides 0 for good and for notes.
const (
	statusWarnings = 3
	statusFailures = 4
)

func (a *app) doctorCommand() *cobra.Command {
	var asJSON, all bool
	var resolver string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether mails can arrive and the machine is well, and say what to do",
		Long: `Look whether mails can arrive and the machine is well: SPF, DKIM, DMARC, MX and the
names of addresses, the relays' and the site's TLS, one-click unsubscription, the
form of a mail, clock, disk, database, backup and schedule, and what Gmail, Yahoo
and Outlook ask of bulk senders. For what is wrong in DNS the record to publish is
printed. Nothing is changed and nobody is sent anything.

Exit status: 0 where all is good or worth a note, 3 for warnings, 4 for failures.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			options, err := a.doctorOptions(c.Context(), r)
			if err != nil {
				return err
			}
			if resolver != "" {
				options.DNS.Server = resolver
			}
			report := doctor.Run(c.Context(), options)
			if asJSON {
				err = writeJSON(a.stdout, report)
			} else {
				printReport(a.stdout, report, all)
			}
			switch {
			case err != nil:
				return err
			case report.Worst == doctor.Failure:
				return statusError{statusFailures}
			case report.Worst == doctor.Warning:
				return statusError{statusWarnings}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&all, "all", false, "print what is good too")
	c.Flags().StringVar(&resolver, "resolver", "", "ask this DNS server, host:port (default doctor.resolver, or the machine's)")
	return c
}

func printReport(w io.Writer, r doctor.Report, all bool) {
	counts := map[doctor.Severity]int{}
	for _, f := range r.Findings {
		counts[f.Severity]++
		if f.Severity == doctor.Good && !all {
			continue
		}
		fmt.Fprintf(w, "%-8s %s: %s: %s\n", strings.ToUpper(f.Severity.String()), f.Check, f.About, f.Says)
		if f.Why != "" {
			fmt.Fprintf(w, "         %s\n", f.Why)
		}
		if f.Do != "" {
			fmt.Fprintf(w, "         -> %s\n", f.Do)
		}
		for _, record := range f.Publish {
			fmt.Fprintf(w, "            %s\n", record)
		}
	}
	fmt.Fprintf(w, "%d good, %d notes, %d warnings, %d failures\n", counts[doctor.Good], counts[doctor.Note], counts[doctor.Warning], counts[doctor.Failure])
}

// doctorOptions is the configuration as the doctor knows it.
func (a *app) doctorOptions(ctx context.Context, r *rooms) (doctor.Options, error) {
	c := a.cfg
	if c.from.Address == "" {
		return doctor.Options{}, c.errNoFrom()
	}
	keys, err := c.dkimKeys()
	if err != nil {
		return doctor.Options{}, err
	}
	o := doctor.Options{
		From: c.from.Address, ReturnPath: c.letterReturnPath(), BaseURL: c.BaseURL, Keys: keys, SendsFrom: c.Doctor.SendsFrom,
		DNS: doctor.DNS{Server: c.Doctor.Resolver}, TimeServer: c.Doctor.TimeServer,
		Probe: "/u/" + r.keys.Token(subscribers.PurposeUnsubscribe, 0, 0), Sample: func() ([]byte, error) { return a.signedSample(ctx, r, keys) },
		Postal: c.Newsletter.Postal, Schedule: c.cron, Integrity: r.db.CheckIntegrity, Now: a.now,
		Complains: func(ctx context.Context) (int, int, error) {
			counts, err := r.subscribers.Count(ctx)
			return counts[subscribers.Complained], counts[subscribers.Active] + counts[subscribers.Complained], err
		},
	}
	for _, relay := range c.relays() {
		server, err := relay.transport(c)
		if err != nil {
			return o, err
		}
		o.Relays = append(o.Relays, server)
	}
	if r.db.Kind() == database.SQLite {
		o.Folder = filepath.Dir(c.Database)
		o.Size = func(ctx context.Context) int64 { n, _ := r.db.Size(ctx); return n } // 0 where it cannot be seen
		o.Backup = func() (time.Time, bool) { _, at, ok := c.newestBackup(); return at, ok }
	}
	return o, nil
}

// signedSample is a mail as it would leave, of an issue that says nothing.
func (a *app) signedSample(ctx context.Context, r *rooms, keys []transport.DKIM) ([]byte, error) {
	window := a.cfg.slotWindow(a.now())
	issue := newsletter.Issue{Newsletter: a.cfg.Newsletter.Slug, Week: window.Name, From: window.From, To: window.To, Language: a.cfg.Newsletter.Language,
		Title: "A sample", Subject: "A sample", Strands: []newsletter.Strand{{Text: "A sample."}}}
	edition, err := a.freeze(ctx, r, issue, false)
	if err != nil {
		return nil, err
	}
	if edition, err = edition.Sign(a.now(), keys...); err != nil {
		return nil, err
	}
	return edition.Append(nil, a.sampleReader(issue, "reader@example.org"))
}
