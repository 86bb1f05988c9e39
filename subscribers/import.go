package subscribers

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"

	"apta/subscribers/database"
)

// Report says what an import did, or would do. Its numbers add up to the records
// of the file.
type Report struct {
	Added      int // new; as what the file says they are
	Changed    int // stored already: a name or language was filled in, or they left by what the file says
	Present    int // stored already, and nothing new was said of them
	Duplicates int // twice in the file: the first counts, unless a later one says that they left
	Left       int // had left, bounced or complained; not brought back
	Suppressed int // on the suppression list; not stored
	Refused    int // lines that were wrong; each was reported
}

// ImportOptions say how a file is read.
type ImportOptions struct {
	Source  string            // of the consents
	Columns map[string]string // the header of the column that holds a field, where it has a name of its own
	DryRun  bool              // report only
	// Digest names the content of the file. An import of the same content that was
	// broken off is gone on with where it stopped; empty is from the start.
	Digest  string
	Bad     func(line int, err error) // is told every line that is refused, in order
	Resumed func(line int)            // is told the line after which an import goes on; may be nil
}

// source gives the records of a file one by one. A *lineError spoils one of them.
type source interface {
	next() (arrival, error)
}

// lineError is what is wrong with a line; other errors are the file's.
type lineError struct {
	line   int
	reason error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.reason) }

// Import adds the subscribers of a file: a CSV with a header as listmonk,
// Mailchimp, Buttondown, Substack, Ghost and our own export write it, or JSON as
// listmonk's API and our own export do. A wrong line is reported and the rest is
// added. Nobody who left is brought back, and no wish of a reader is changed;
// those of whom the file says that they left are sent nothing more.
func (s *Store) Import(ctx context.Context, r io.Reader, opt ImportOptions) (rep Report, err error) {
	if opt.Digest != "" && s.newsletter != "" {
		opt.Digest = s.newsletter + " " + opt.Digest // another newsletter's import of the same file is another
	}
	from, err := open(r, opt.Columns)
	if err != nil {
		return rep, err
	}
	im := &importing{store: s, opt: opt, seed: maphash.MakeSeed(), seen: make(map[uint64]struct{})}
	if err := im.resume(ctx); err != nil {
		return rep, fmt.Errorf("subscribers: import: %w", err)
	}
	err = s.db.Loading(ctx, func() error { return im.run(ctx, from) })
	if err == nil {
		err = im.done(ctx)
	}
	if err != nil {
		err = fmt.Errorf("subscribers: import: %w", err)
	}
	return im.report, err
}

// run reads one batch while the one before it is stored.
func (im *importing) run(ctx context.Context, from source) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan *batch)
	go im.read(ctx, from, batches)
	for b := range batches {
		if err == nil {
			err = im.take(ctx, b)
		}
		if err == nil {
			err = b.err
		}
		if err != nil {
			cancel()
		}
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	return err
}

// importBatch is how many records one transaction stores. An index over
// addresses in no order is written all over by each, so that small ones would
// write it many times; larger ones keep others from writing for too long.
const importBatch = 20_000

// importRefusals is how many refused lines are kept until they are reported.
const importRefusals = 1000

// batch is some records of a file, in order.
type batch struct {
	arrivals []arrival
	refused  []*lineError
	again    int   // addresses that the file had before
	last     int   // line that was read
	err      error // that ended the reading
	ready    ready
}

// importing is one run of Import.
type importing struct {
	store  *Store
	opt    ImportOptions
	report Report
	after  int // the line after which an import goes on
	seed   maphash.Seed
	seen   map[uint64]struct{} // hashes of the addresses that were read, for reading only
}

// maxSeen bounds the memory that remembering addresses takes. Those that a longer
// file has twice count as already there.
const maxSeen = 4 << 20

// again reports whether the file had the address before; that somebody left is
// news once more. Of a million addresses two have the same hash in one file of
// forty million.
func (im *importing) again(a *arrival) bool {
	known := im.note(a.Email)
	if a.Status.gone() {
		a.later = known
		return im.note(a.Email + " left")
	}
	return known
}

func (im *importing) note(text string) (known bool) {
	key := maphash.String(im.seed, text)
	if _, known = im.seen[key]; !known && len(im.seen) < maxSeen {
		im.seen[key] = struct{}{}
	}
	return known
}

// read cuts the file into batches, until it ends or ctx does.
func (im *importing) read(ctx context.Context, from source, batches chan<- *batch) {
	defer close(batches)
	for more := true; more; {
		b := &batch{}
		for ctx.Err() == nil && len(b.arrivals)+b.again < importBatch && len(b.refused) < importRefusals {
			a, err := from.next()
			var refused *lineError
			switch {
			case errors.As(err, &refused):
				if b.last = refused.line; b.last > im.after {
					b.refused = append(b.refused, refused)
				}
				continue
			case err != nil:
				if more = false; !errors.Is(err, io.EOF) {
					b.err = err
				}
			default:
				b.last = a.line
				again := im.again(&a)
				if a.line <= im.after {
					continue
				}
				if again {
					b.again++
				} else {
					b.arrivals = append(b.arrivals, a)
				}
				continue
			}
			break
		}
		b.ready = im.store.ready(b.arrivals, im.opt.Source)
		select {
		case batches <- b:
		case <-ctx.Done():
			return
		}
	}
}

// take reports and stores a batch.
func (im *importing) take(ctx context.Context, b *batch) error {
	for _, r := range b.refused {
		im.opt.Bad(r.line, r.reason)
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	var report Report
	tally := func() {
		report = im.report
		report.Refused += len(b.refused)
		report.Duplicates += b.again
		for i := range b.arrivals {
			report.count(b.arrivals[i].outcome)
		}
	}
	if im.opt.DryRun {
		if err := im.foresee(ctx, b.ready); err != nil {
			return err
		}
		tally()
		im.report = report
		return nil
	}
	err := im.store.db.InBulkTx(ctx, func(tx *sql.Tx, bulk database.Bulk) error {
		if err := im.store.addAll(ctx, tx, bulk, b.ready); err != nil {
			return err
		}
		tally()
		return im.remember(ctx, tx, b.last, report)
	})
	if err == nil {
		im.report = report
	}
	return err
}

func (rep *Report) count(o Outcome) {
	switch o {
	case Added:
		rep.Added++
	case Changed:
		rep.Changed++
	case Present:
		rep.Present++
	case Left:
		rep.Left++
	case Barred:
		rep.Suppressed++
	}
}

// foresee settles the outcomes as addAll would, and stores nothing.
func (im *importing) foresee(ctx context.Context, r ready) error {
	q := reading{im.store.db}
	for some := range slices.Chunk(r.byEmail, insertRows) {
		welcome, err := im.store.bar(ctx, q, some)
		if err != nil {
			return err
		}
		if len(welcome) == 0 {
			continue
		}
		stored, err := im.store.holders(ctx, q, welcome)
		if err != nil {
			return err
		}
		for _, a := range welcome {
			if sub := stored[a.Email]; sub != nil {
				a.outcome = judge(sub, a)
			} else if a.later {
				a.outcome = Changed // whom an earlier line of the file adds
			}
		}
	}
	return nil
}

// resume looks for an import of the same content that was broken off.
func (im *importing) resume(ctx context.Context) error {
	if im.opt.Digest == "" || im.opt.DryRun {
		return nil
	}
	var report string
	err := im.store.db.QueryRow(ctx, `SELECT line, report FROM imports WHERE digest = $1`, im.opt.Digest).Scan(&im.after, &report)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(report), &im.report)
	}
	if err == nil && im.opt.Resumed != nil {
		im.opt.Resumed(im.after)
	}
	return err
}

func (im *importing) remember(ctx context.Context, tx *sql.Tx, line int, report Report) error {
	if im.opt.Digest == "" {
		return nil
	}
	text, err := json.Marshal(report)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO imports (digest, line, report, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (digest) DO UPDATE SET line = excluded.line, report = excluded.report, at = excluded.at`,
		im.opt.Digest, max(line, im.after), string(text), database.Millis(im.store.now()))
	return err
}

func (im *importing) done(ctx context.Context) error {
	if im.opt.Digest == "" || im.opt.DryRun {
		return nil
	}
	_, err := im.store.db.Exec(ctx, `DELETE FROM imports WHERE digest = $1`, im.opt.Digest)
	return err
}
