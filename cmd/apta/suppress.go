package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"apta/subscribers"

	"github.com/spf13/cobra"
)

func (a *app) suppressCommand() *cobra.Command {
	c := &cobra.Command{Use: "suppress", Short: "Keep addresses from ever being mailed"}
	c.AddCommand(a.suppressAdd(), a.suppressRemove(), a.suppressList(), a.suppressExport(), a.suppressImport())
	return c
}

func (a *app) suppressAdd() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "add ADDRESS…",
		Short:   "Put addresses on the suppression list",
		Example: "  apta suppress add reader@example.org --reason complaint",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			for _, arg := range args {
				email, err := subscribers.ParseAddress(arg)
				if err != nil {
					return &usageError{err}
				}
				added, err := r.subscribers.Suppress(c.Context(), email, reason, "command line")
				if err != nil {
					return err
				}
				if added {
					fmt.Fprintf(a.stdout, "%s will not be mailed\n", email)
				} else {
					fmt.Fprintf(a.stdout, "%s is suppressed already\n", email)
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&reason, "reason", "asked for", "why, for the list")
	return c
}

func (a *app) suppressRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ADDRESS",
		Short: "Take an address off the suppression list; its reader may subscribe again",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			email, err := subscribers.ParseAddress(args[0])
			if err != nil {
				return &usageError{err}
			}
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			removed, err := r.subscribers.Unsuppress(c.Context(), email, "command line")
			if err != nil {
				return err
			}
			if !removed {
				return fmt.Errorf("%s is not on the suppression list", email)
			}
			fmt.Fprintf(a.stdout, "%s may subscribe again\n", email)
			return nil
		},
	}
}

func (a *app) suppressList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List what is suppressed; addresses are known by their keyed hashes only",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			return r.subscribers.EachSuppression(c.Context(), func(e subscribers.Suppression) error {
				_, err := fmt.Fprintf(a.stdout, "%s  %s  %s, by %s\n", e.Hash, e.At.Format("2006-01-02 15:04:05Z"), e.Reason, e.Source)
				return err
			})
		},
	}
}

func (a *app) suppressExport() *cobra.Command {
	return &cobra.Command{
		Use:     "export",
		Short:   "Write the suppression list to standard output, one JSON object a line",
		Example: "  apta suppress export > suppressed.jsonl",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			enc := json.NewEncoder(a.stdout)
			return r.subscribers.EachSuppression(c.Context(), func(e subscribers.Suppression) error { return enc.Encode(e) })
		},
	}
}

func (a *app) suppressImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE|-",
		Short: "Put a list on the suppression list: addresses, or what export wrote",
		Long: `Put a list on the suppression list: one address a line, of which only a hash is
kept, or what apta suppress export wrote. The latter holds hashes that only an
installation with the same secret can use.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, name, _, err := a.input(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			list, wrong, err := a.readSuppressions(in, name, r.subscribers)
			if err != nil {
				return err
			}
			added, err := r.subscribers.SuppressHashes(c.Context(), list)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%d added, %d already there, %d refused\n", added, len(list)-added, wrong)
			if wrong > 0 {
				return errReported
			}
			return nil
		},
	}
}

func (a *app) readSuppressions(in io.Reader, name string, store *subscribers.Store) (list []subscribers.Suppression, wrong int, err error) {
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.EqualFold(line, "email") {
			continue
		}
		e := subscribers.Suppression{Reason: "imported", Source: "import " + name, At: a.now()}
		var bad error
		if line[0] == '{' {
			if bad = json.Unmarshal([]byte(line), &e); bad == nil && len(e.Hash) != len(store.HashOf("a@example.org")) {
				bad = errors.New("it has no hash")
			}
		} else {
			var email string
			if email, bad = subscribers.ParseAddress(line); bad == nil {
				e.Hash = store.HashOf(email)
			}
		}
		if bad != nil {
			wrong++
			fmt.Fprintf(a.stderr, "%s:%d: %v\n", name, n, bad)
			continue
		}
		list = append(list, e)
	}
	if err := lines.Err(); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	return list, wrong, nil
}
