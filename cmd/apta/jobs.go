package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"apta/newsletter/jobs"

	"github.com/spf13/cobra"
)

func (a *app) jobsCommand() *cobra.Command {
	c := &cobra.Command{Use: "jobs", Short: "Look after the work that apta serve does in the background"}
	c.AddCommand(a.jobsList(), a.jobsRetry())
	return c
}

func (a *app) jobsList() *cobra.Command {
	var limit int
	var done, asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the jobs that wait, are being done, or were given up",
		Long: `List the jobs that wait, are being done, or were given up, the newest first. A
job that fails is tried again at growing intervals; one that failed twelve times
is discarded and waits for "apta jobs retry".`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			states := jobs.Open
			if done {
				states = []jobs.State{jobs.Completed}
			}
			list, err := r.jobs.List(c.Context(), limit, states...)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, list)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tJOB\tSTATE\tATTEMPT\tAT\tERROR")
			for _, j := range list {
				what := strings.TrimSuffix(j.Kind+" "+string(j.Args), " {}")
				fmt.Fprintf(w, "%d\t%s\t%s\t%d of %d\t%s\t%s\n", j.ID, what, j.State, j.Attempt, j.Attempts, j.At.In(a.cfg.zone).Format("2006-01-02 15:04:05"), j.Error)
			}
			return w.Flush()
		},
	}
	c.Flags().IntVar(&limit, "limit", 50, "at most this many")
	c.Flags().BoolVar(&done, "done", false, "those that were done in the last hour instead")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) jobsRetry() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "retry ID",
		Short: "Have a job done now that was given up or waits for its next attempt",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return &usageError{fmt.Errorf("%q is not the ID of a job (apta jobs list)", args[0])}
			}
			r, err := a.open(c.Context())
			if err != nil {
				return err
			}
			job, err := r.jobs.Retry(c.Context(), id)
			if errors.Is(err, jobs.ErrNotFound) {
				return fmt.Errorf("there is no job %d (apta jobs list shows those there are)", id)
			}
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(a.stdout, job)
			}
			fmt.Fprintf(a.stdout, "%s is done as soon as apta serve runs\n", job.Kind)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}
