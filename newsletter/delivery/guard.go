package delivery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrRestored marks a database that is an old copy: what was sent since then is
// not in its ledger, so nothing is sent until a person says so.
var ErrRestored = errors.New("the database is older than the last one used here")

// Guard notices that a database was restored from a copy, by a number that grows
// in the ledger and in a file outside it.
type Guard struct {
	ledger *Ledger
	file   string
}

// NewGuard makes a guard whose number is in a file.
func NewGuard(l *Ledger, file string) *Guard { return &Guard{ledger: l, file: file} }

// Pass is asked before anything is sent. It counts one further in the ledger and
// in the file, or gives ErrRestored.
func (g *Guard) Pass(ctx context.Context) error {
	seen, err := g.seen()
	if err != nil {
		return err
	}
	var count int64
	if err := g.ledger.db.QueryRow(ctx, `SELECT count FROM generation`).Scan(&count); err != nil {
		return fmt.Errorf("delivery: guard: %w", err)
	}
	if count < seen {
		return fmt.Errorf("%w: its ledger was opened %d times, this machine has seen %d", ErrRestored, count, seen)
	}
	return g.count(ctx)
}

// Accept says that the database is the one to go on with, old or not.
func (g *Guard) Accept(ctx context.Context) error {
	seen, err := g.seen()
	if err != nil {
		return err
	}
	if _, err := g.ledger.db.Exec(ctx, `UPDATE generation SET count = $1 WHERE count < $1`, seen); err != nil {
		return fmt.Errorf("delivery: guard: %w", err)
	}
	return g.count(ctx)
}

// count counts in the ledger first: a crash between the two leaves the file
// behind, which is harmless.
func (g *Guard) count(ctx context.Context) error {
	if _, err := g.ledger.db.Exec(ctx, `UPDATE generation SET count = count + 1`); err != nil {
		return fmt.Errorf("delivery: guard: %w", err)
	}
	var count int64
	if err := g.ledger.db.QueryRow(ctx, `SELECT count FROM generation`).Scan(&count); err != nil {
		return fmt.Errorf("delivery: guard: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(g.file), ".generation-")
	if err != nil {
		return fmt.Errorf("delivery: guard: %w", err)
	}
	defer os.Remove(temporary.Name()) // does nothing once it is renamed
	_, err = fmt.Fprintln(temporary, count)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return fmt.Errorf("delivery: guard: %w", err)
	}
	if err := os.Rename(temporary.Name(), g.file); err != nil {
		return fmt.Errorf("delivery: guard: %w", err)
	}
	return nil
}

func (g *Guard) seen() (int64, error) {
	text, err := os.ReadFile(g.file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("delivery: guard: %w", err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("delivery: guard: %s holds no number; remove it if you are sure that the database is the newest", g.file)
	}
	return n, nil
}
