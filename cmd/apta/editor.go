package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"apta/newsletter/desk"

	"github.com/spf13/cobra"
)

func (a *app) editorCommand() *cobra.Command {
	c := &cobra.Command{Use: "editor", Short: "Add, list and remove those who work at the desk"}
	c.AddCommand(a.editorAdd(), a.editorList(), a.editorRemove(), a.editorLink())
	return c
}

func (a *app) editorAdd() *cobra.Command {
	var name, role string
	c := &cobra.Command{
		Use:   "add ADDRESS",
		Short: "Invite somebody and print the link that lets them in",
		Long: `Invite somebody to the desk and print the link that lets them in, once, within
a week. Nothing is mailed. The roles are editor (makes issues), publisher
(approves and sends them too) and owner (decides about everything else).`,
		Example: "  apta editor add berik@news.example --name Berik --role publisher",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			as, err := desk.ParseRole(role)
			if err != nil {
				return &usageError{err}
			}
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			secret, err := r.editors(a).Invite(c.Context(), desk.Editor{}, desk.Editor{Email: args[0], Name: name, Role: as}, nil, nil)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s/desk/invited/%s\n", a.cfg.BaseURL, secret)
			return nil
		},
	}
	c.Flags().StringVar(&name, "name", "", "who they are")
	c.Flags().StringVar(&role, "role", "editor", "what they may do: editor, publisher or owner")
	return c
}

func (a *app) editorList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the editors",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			list, err := r.editors(a).List(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, list)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tADDRESS\tNAME\tROLE\tSINCE")
			for _, e := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.ID, e.Email, e.Name, e.Role, a.day(e.Created))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) editorRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ADDRESS|ID",
		Short: "Take an editor away and end their sessions at once",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, e, err := a.findEditor(c, args[0])
			if err != nil {
				return err
			}
			if err := r.editors(a).Remove(c.Context(), desk.Editor{}, e.ID); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "removed %s\n", e.Email)
			return nil
		},
	}
}

func (a *app) editorLink() *cobra.Command {
	return &cobra.Command{
		Use:   "link ADDRESS|ID",
		Short: "Print a link that signs an editor in, once, within a quarter of an hour",
		Long: `Print a link that signs an editor in, once, within a quarter of an hour, for who
has lost their password while no mail goes out. Whoever opens it is them.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, e, err := a.findEditor(c, args[0])
			if err != nil {
				return err
			}
			secret, err := r.editors(a).HandLink(c.Context(), e)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s/desk/link/%s\n", a.cfg.BaseURL, secret)
			return nil
		},
	}
}

func (a *app) findEditor(c *cobra.Command, ref string) (*rooms, desk.Editor, error) {
	r, err := a.open(c.Context())
	if err != nil {
		return nil, desk.Editor{}, err
	}
	e, err := r.editors(a).Find(c.Context(), ref)
	if errors.Is(err, desk.ErrNoEditor) {
		err = fmt.Errorf("there is no editor %q (apta editor list shows them)", ref)
	}
	return r, e, err
}
