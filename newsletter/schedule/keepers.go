package schedule

import (
	"context"
	"errors"
	"fmt"
)

// Keepers keep the schedules of several newsletters, the main one first. Their
// jobs say whose they are; one that does not is from before there were several,
// and the main one's.
type Keepers []*Keeper

// Reckon is that of every keeper: what goes wrong with one keeps no other.
func (all Keepers) Reckon(ctx context.Context) (err error) {
	for _, k := range all {
		err = errors.Join(err, k.Reckon(ctx))
	}
	return err
}

// Assemble gives the job to its newsletter's keeper.
func (all Keepers) Assemble(ctx context.Context, job Assemble) error {
	k, err := all.of(job.Newsletter)
	if err != nil {
		return err
	}
	return k.Assemble(ctx, job)
}

// Send gives the job to its newsletter's keeper.
func (all Keepers) Send(ctx context.Context, job Send) error {
	k, err := all.of(job.Newsletter)
	if err != nil {
		return err
	}
	return k.Send(ctx, job)
}

// CutOff gives the job to its newsletter's keeper.
func (all Keepers) CutOff(ctx context.Context, job CutOff) error {
	k, err := all.of(job.Newsletter)
	if err != nil {
		return err
	}
	return k.CutOff(ctx, job)
}

func (all Keepers) of(newsletter string) (*Keeper, error) {
	for _, k := range all {
		if newsletter == "" || newsletter == k.opt.Newsletter {
			return k, nil
		}
	}
	return nil, fmt.Errorf("schedule: the newsletter %q is not configured", newsletter)
}
