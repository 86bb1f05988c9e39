package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// ErrNotFound marks a job that is not there, or is there no longer: jobs that
// were done are forgotten after an hour, those that were given up after a week.
var ErrNotFound = errors.New("there is no such job")

// Job is one job as people see it.
type Job struct {
	ID       int64           `json:"id"`
	Kind     string          `json:"kind"`
	Args     json.RawMessage `json:"args"`
	State    State           `json:"state"`
	Attempt  int             `json:"attempt"`  // how often it was begun
	Attempts int             `json:"attempts"` // how often it may be
	At       time.Time       `json:"at"`       // when it is next done; when it began, or was over
	Error    string          `json:"error,omitempty"`
}

// State says where a job stands, in River's words.
type State string

// A job that failed too often is discarded and waits for a person.
const (
	Available State = "available"
	Scheduled State = "scheduled"
	Running   State = "running"
	Retryable State = "retryable"
	Completed State = "completed"
	Discarded State = "discarded"
	Cancelled State = "cancelled"
)

// Open are the states of jobs that are not done.
var Open = []State{Available, Scheduled, Running, Retryable, Discarded}

// List gives the jobs that are in one of the states, the newest first.
func (e *Engine) List(ctx context.Context, limit int, states ...State) ([]Job, error) {
	client, err := e.client()
	if err != nil {
		return nil, err
	}
	params := river.NewJobListParams().First(limit).OrderBy(river.JobListOrderByID, river.SortOrderDesc)
	in := make([]rivertype.JobState, len(states))
	for i, s := range states {
		in[i] = rivertype.JobState(s)
	}
	found, err := client.JobList(ctx, params.States(in...))
	if err != nil {
		return nil, fmt.Errorf("jobs: list: %w", err)
	}
	list := make([]Job, len(found.Jobs))
	for i, row := range found.Jobs {
		list[i] = asJob(row)
	}
	return list, nil
}

// Retry has a job done now that waits for a later attempt or was given up.
func (e *Engine) Retry(ctx context.Context, id int64) (Job, error) {
	client, err := e.client()
	if err != nil {
		return Job{}, err
	}
	row, err := client.JobRetry(ctx, id)
	if errors.Is(err, rivertype.ErrNotFound) {
		return Job{}, fmt.Errorf("jobs: retry %d: %w", id, ErrNotFound)
	}
	if err != nil {
		return Job{}, fmt.Errorf("jobs: retry %d: %w", id, err)
	}
	return asJob(row), nil
}

func asJob(row *rivertype.JobRow) Job {
	j := Job{ID: row.ID, Kind: row.Kind, Args: row.EncodedArgs, State: State(row.State), Attempt: row.Attempt, Attempts: row.MaxAttempts, At: row.ScheduledAt.UTC()}
	switch {
	case row.FinalizedAt != nil:
		j.At = row.FinalizedAt.UTC()
	case row.State == rivertype.JobStateRunning && row.AttemptedAt != nil:
		j.At = row.AttemptedAt.UTC()
	}
	if n := len(row.Errors); n > 0 && row.State != rivertype.JobStateCompleted {
		j.Error = row.Errors[n-1].Error
	}
	return j
}
