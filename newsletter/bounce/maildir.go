package bounce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Maildir reads the mails that a server puts into a folder of that form: those in
// new/ are taken and moved to cur/ as seen, so nothing is deleted.
type Maildir struct {
	Dir   string
	Book  *Book
	Every time.Duration // between two looks
	Log   *slog.Logger
}

// Run looks until ctx ends.
func (m *Maildir) Run(ctx context.Context) error {
	for said := ""; ; {
		n, err := m.Look(ctx)
		switch {
		case err != nil && ctx.Err() == nil && err.Error() != said: // once, not every few seconds
			said = err.Error()
			m.Log.Error("bounces: maildir", "dir", m.Dir, "error", err)
		case err == nil:
			said = ""
		}
		if n > 0 {
			m.Log.Info("bounces: maildir", "dir", m.Dir, "read", n)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(m.Every):
		}
	}
}

// Look takes what is in new/ now, and says how many mails that were. One that
// cannot be taken stays there, and the others are taken.
func (m *Maildir) Look(ctx context.Context) (taken int, err error) {
	entries, err := os.ReadDir(filepath.Join(m.Dir, "new"))
	if err != nil {
		return 0, fmt.Errorf("bounce: maildir: %w", err)
	}
	for _, e := range entries {
		if ctx.Err() != nil {
			return taken, ctx.Err()
		}
		if strings.HasPrefix(e.Name(), ".") || !e.Type().IsRegular() {
			continue
		}
		path := filepath.Join(m.Dir, "new", e.Name())
		raw, rerr := readBounded(path)
		if errors.Is(rerr, fs.ErrNotExist) {
			continue // another process was quicker
		}
		if rerr == nil {
			_, rerr = m.Book.Take(ctx, raw, "maildir")
		}
		if rerr == nil {
			rerr = os.MkdirAll(filepath.Join(m.Dir, "cur"), 0o700)
		}
		if rerr == nil {
			rerr = os.Rename(path, filepath.Join(m.Dir, "cur", e.Name()+":2,S"))
		}
		if rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("bounce: maildir: %s: %w", e.Name(), rerr))
			continue
		}
		taken++
	}
	return taken, err
}

// readBounded reads a mail, of a too large one just so much that it is seen to be.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}
