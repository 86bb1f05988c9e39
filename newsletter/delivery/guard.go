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
	seen, restored, err := readCount(g.file)
	if err != nil {
		return err
	}
	if restored {
		return fmt.Errorf("%w: it was restored from a copy", ErrRestored)
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
	seen, _, err := readCount(g.file)
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
	return writeCount(g.file, count)
}

// Distrust has nothing sent from the database until a person accepts it, whatever
// the numbers say: for one that is put there from a copy. The file may have been
// lost together with the old machine, and an absent one refuses nothing.
func Distrust(file string) error {
	seen, _, err := readCount(file)
	if err != nil {
		return err
	}
	return writeState(file, fmt.Sprintf("%d %s", seen, restoredMark))
}

// restoredMark stands behind the number of a database that nobody accepted yet.
const restoredMark = "restored"

func writeCount(file string, count int64) error {
	return writeState(file, strconv.FormatInt(count, 10))
}

func writeState(file, text string) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), ".generation-")
	if err != nil {
		return fmt.Errorf("delivery: guard: %w", err)
	}
	defer os.Remove(temporary.Name()) // does nothing once it is renamed
	_, err = fmt.Fprintln(temporary, text)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return fmt.Errorf("delivery: guard: %w", err)
	}
	if err := os.Rename(temporary.Name(), file); err != nil {
		return fmt.Errorf("delivery: guard: %w", err)
	}
	return nil
}

func readCount(file string) (seen int64, restored bool, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("delivery: guard: %w", err)
	}
	number, restored := strings.CutSuffix(strings.TrimSpace(string(text)), " "+restoredMark)
	seen, err = strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("delivery: guard: %s holds no number; remove it if you are sure that the database is the newest", file)
	}
	return seen, restored, nil
}
