package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"apta/newsletter/render"
	"apta/newsletter/render/check"
	"apta/templates"

	"github.com/spf13/cobra"
)

func (a *app) templateCommand() *cobra.Command {
	c := &cobra.Command{Use: "template", Short: "Make mail templates of your own",
		Long: `Make mail templates of your own: export the shipped ones, change them, check them,
and name their folder in newsletter.templates. docs/templates.md says what a
template sees and can call.`}
	c.AddCommand(a.templateExport(), a.templateCheck())
	return c
}

func (a *app) templateExport() *cobra.Command {
	return &cobra.Command{
		Use:     "export DIR",
		Short:   "Write the shipped mail templates into a new folder",
		Example: "  apta template export look",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, shipped := args[0], templates.Email()
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			entries, err := fs.ReadDir(shipped, ".")
			if err != nil {
				return err
			}
			for _, e := range entries {
				text, err := fs.ReadFile(shipped, e.Name())
				if err != nil {
					return err
				}
				// O_EXCL: what somebody has changed is not written over.
				f, err := os.OpenFile(filepath.Join(dir, e.Name()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
				if errors.Is(err, fs.ErrExist) {
					return fmt.Errorf("%s is there already: export into a new folder", filepath.Join(dir, e.Name()))
				}
				if err != nil {
					return err
				}
				_, err = f.Write(text)
				if err := errors.Join(err, f.Close()); err != nil {
					return err
				}
			}
			fmt.Fprintf(a.stdout, "wrote %d files; a file that you do not change can be deleted, then the shipped one is used\n", len(entries))
			return nil
		},
	}
}

func (a *app) templateCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check DIR",
		Short: "Try a folder of mail templates on sample mails",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := render.New()
			if err != nil {
				return err
			}
			if err := r.UseFolder(args[0]); err != nil {
				return err
			}
			m := render.SampleMasthead()
			m.Templates = args[0]
			mail, err := r.Mail(render.SampleIssue(m.Language), m)
			if err != nil {
				return err
			}
			findings, err := check.Mail(mail)
			if err != nil {
				return err
			}
			wrong := false
			for _, f := range findings {
				if f.Level != check.Note {
					wrong = wrong || f.Level == check.Error
					fmt.Fprintf(a.stdout, "%s: %s\n", f.Level, f.Text)
				}
			}
			if wrong {
				return errReported
			}
			fmt.Fprintln(a.stdout, "the templates are in order")
			return nil
		},
	}
}
