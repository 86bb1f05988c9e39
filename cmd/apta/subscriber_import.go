package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"apta/subscribers"

	"github.com/spf13/cobra"
)

func (a *app) subscriberImport() *cobra.Command {
	var named map[string]string
	var dry bool
	c := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Add the subscribers of a CSV with a header, or of JSON",
		Long: `Add the subscribers of a CSV with a header, or of JSON. Files of listmonk,
Mailchimp, Buttondown, Substack and Ghost are taken as they are, and so is what
apta subscriber export writes. A CSV's columns are found by name: email, name (or
first and last name), language, format, status, topics, every_weeks, paused_until;
--map names those that are called otherwise, and the keys of JSON, where a.b is b
inside a. Columns are parted by commas, semicolons or tabs; in UTF-8.

Wrong lines are reported with their number, the rest is added, and the exit status
is 1. Nobody who left is brought back, and what readers chose stays. An import of a
file that was broken off goes on where it stopped.`,
		Example: `  apta subscriber import readers.csv --dry-run
  apta subscriber import readers.csv --map "email=Email Address,name=Wie heißen Sie?"
  apta subscriber import - < readers.csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, name, size, err := a.input(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			opt := subscribers.ImportOptions{
				Source: "import " + name, Columns: named, DryRun: dry,
				Bad:     func(line int, err error) { fmt.Fprintf(a.stderr, "%s:%d: %v\n", name, line, err) },
				Resumed: func(line int) { fmt.Fprintf(a.stderr, "going on after line %d, where it stopped\n", line) },
			}
			if opt.Digest, err = digest(in); err != nil {
				return err
			}
			bar := a.byteBar("importing", size)
			defer bar.Finish()
			defer debug.SetGCPercent(debug.SetGCPercent(60)) // fewer peaks of memory for a few hundredths of the time
			rep, err := r.subscribers.Import(c.Context(), bar.NewProxyReader(in), opt)
			bar.Finish()
			if errors.Is(err, subscribers.ErrNoEmail) {
				return fmt.Errorf("%s:1: %w; --map \"email=NAME OF THE COLUMN\" says which it is", name, err)
			}
			a.printImport(rep, dry)
			if err == nil && rep.Refused > 0 {
				err = errReported
			}
			return err
		},
	}
	c.Flags().StringToStringVar(&named, "map", nil, "field=column or key that is called otherwise")
	c.Flags().BoolVar(&dry, "dry-run", false, "report what would be done, and store nothing")
	return c
}

func (a *app) printImport(rep subscribers.Report, dry bool) {
	added, changed := "added", "changed"
	if dry {
		added, changed = "would be added", "would be changed"
	}
	fmt.Fprintf(a.stdout, "%d %s, %d %s, %d already there, %d twice in the file, %d not brought back because they left, %d suppressed, %d refused\n",
		rep.Added, added, rep.Changed, changed, rep.Present, rep.Duplicates, rep.Left, rep.Suppressed, rep.Refused)
}

// digest names the content of a file that can be read twice; of others, which
// cannot be gone on with, it is empty.
func digest(in io.Reader) (string, error) {
	f, ok := in.(io.ReadSeeker)
	if !ok {
		return "", nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", nil // a pipe
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
