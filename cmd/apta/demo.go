package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"apta/newsletter"
	"apta/subscribers"

	"github.com/spf13/cobra"
)

// demoItems is a week of an invented newsroom.
//
//go:embed demo/items.jsonl
var demoItems []byte

// The invented newsroom's week and readers.
const demoWeek = "2026-W24"

var demoReaders = []subscribers.Subscriber{
	{Email: "lena@readers.example", Name: "Lena Sørum"},
	{Email: "тимур@почта.example", Name: "Тимур", Language: "ru"},
	{Email: "desk@library.example", Format: "text"},
}

func (a *app) demoCommand() *cobra.Command {
	var dir string
	var stay bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Do the whole job once, on this machine, with a sample week",
		Long: `Do the whole job once, on this machine, with a sample week: store its items and
three subscribers, assemble the review, approve it, and send it to an SMTP inbox
that the demo starts itself. Nothing leaves the machine.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if dir == "" {
				var err error
				if dir, err = os.MkdirTemp("", "apta-demo-"); err != nil {
					return err
				}
			} else if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			return a.demo(c.Context(), dir, stay)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder for the database and the mails (default a new temporary one)")
	c.Flags().BoolVar(&stay, "serve", false, "keep the public pages open until interrupted")
	return c
}

func (a *app) demo(ctx context.Context, dir string, stay bool) error {
	inbox, err := openInbox()
	if err != nil {
		return err
	}
	defer inbox.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	if a.cfg, err = demoConfig(dir, inbox.Addr(), listener.Addr().String()); err != nil {
		return err
	}
	r, err := a.open(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, "Storing a week of The Quay Post, an invented newsroom ...")
	if err := a.importItems(ctx, bytes.NewReader(demoItems), "the sample week", int64(len(demoItems))); err != nil {
		return err
	}
	if _, err := r.subscribers.AddAll(ctx, slices.Clone(demoReaders), "demo"); err != nil {
		return err
	}
	issue, err := a.demoIssue(ctx, r)
	if err != nil {
		return err
	}
	if err := a.send(ctx, r, issue, true); err != nil {
		return err
	}
	if err := a.showInbox(dir, inbox, issue); err != nil {
		return err
	}
	if stay {
		fmt.Fprintf(a.stdout, "\nThe public page: %s (Ctrl-C ends the demo)\n", a.cfg.masthead().IssueURL(issue))
		return a.serve(ctx, r, listener)
	}
	return nil
}

// demoIssue assembles the sample week and approves it. A folder that was used
// before has the issue already.
func (a *app) demoIssue(ctx context.Context, r *rooms) (newsletter.Issue, error) {
	w, err := newsletter.ParseWeek(demoWeek, a.cfg.zone)
	if err != nil {
		return newsletter.Issue{}, err
	}
	issue, err := r.newsletter.Issue(ctx, a.cfg.Newsletter.Slug, demoWeek)
	if err == nil {
		return issue, nil
	}
	if issue, err = a.compose(ctx, r, w); err != nil {
		return issue, err
	}
	if issue, err = r.newsletter.SaveIssue(ctx, issue); err != nil {
		return issue, err
	}
	fmt.Fprintf(a.stdout, "Assembled %s: %s (%d paragraphs, %d headlines)\n", issue.Week, issue.Title, len(issue.Strands), len(issue.Latest))
	if _, err := a.approve(ctx, r, issue, "the demo"); err != nil {
		return issue, err
	}
	fmt.Fprintf(a.stdout, "Sending to %d subscribers ...\n", len(demoReaders))
	return r.newsletter.Issue(ctx, issue.Newsletter, issue.ID.String())
}

// demoConfig is the configuration of the invented newsroom.
func demoConfig(dir, smtp, site string) (*Config, error) {
	c := defaults()
	c.file = "the demo"
	host, port, err := net.SplitHostPort(smtp)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Sscan(port, &c.SMTP.Port); err != nil {
		return nil, err
	}
	c.SMTP.Host, c.SMTP.TLS, c.SMTP.Auth, c.SMTP.Connections = host, "none", "none", 2
	c.BaseURL, c.Listen = "http://"+site, site
	c.Newsletter.Name, c.Newsletter.Newsroom = "Week in Review", "The Quay Post"
	c.Newsletter.Postal = "4 Ropewalk, Haverhythe"
	c.Mail.From = "The Quay Post <weekly@quaypost.example>"
	c.Schedule.Zone = "Europe/Berlin"
	for _, problem := range c.check() {
		return nil, problem
	}
	c.resolvePaths(filepath.Join(dir, "apta.toml"))
	return &c, nil
}

// showInbox writes what arrived to files and says where they are.
func (a *app) showInbox(dir string, inbox *inbox, issue newsletter.Issue) error {
	messages := inbox.Messages()
	fmt.Fprintf(a.stdout, "\nThe inbox on %s took %d messages:\n", inbox.Addr(), len(messages))
	look := ""
	for i, m := range messages {
		name := fmt.Sprintf("message-%d", i+1)
		text, html, err := m.parts()
		if err != nil {
			return err
		}
		exts := ".eml,.txt" // who wants plain text has no other part
		if html != "" {
			exts, look = ".eml,.html,.txt", cmp.Or(look, filepath.Join(dir, name))
		}
		for ext, body := range map[string]string{".eml": m.data, ".html": html, ".txt": text} {
			if body == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name+ext), []byte(body), 0o644); err != nil {
				return err
			}
		}
		fmt.Fprintf(a.stdout, "  to %-24s %s{%s}\n", m.to, filepath.Join(dir, name), exts)
	}
	fmt.Fprintf(a.stdout, "\nLook at the mail:  %s\nat its text:       %s\nat the public page: apta demo --serve --dir %s\n",
		"file://"+look+".html", look+".txt", dir)
	return nil
}
