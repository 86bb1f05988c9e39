package bounce

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Folder keeps the mails that a person has to look at, one file each, named by
// its digest.
type Folder struct {
	Dir  string
	Most int // files; 0 is as many as come
}

// ErrFull says that the folder holds as many mails as it may. Whoever brought the
// mail keeps it and comes again, so it is not lost.
var ErrFull = errors.New("bounce: the folder of unread mails is full: look at them with apta bounce unread, and remove what is done with")

// Keep stores a mail. One that is there already is left alone.
func (f Folder) Keep(digest string, raw []byte) error {
	path := f.Path(digest)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return fmt.Errorf("bounce: keep: %w", err)
	}
	if f.Most > 0 {
		list, err := f.List()
		if err != nil {
			return err
		}
		if len(list) >= f.Most {
			return ErrFull
		}
	}
	tmp, err := os.CreateTemp(f.Dir, ".new-*")
	if err != nil {
		return fmt.Errorf("bounce: keep: %w", err)
	}
	_, err = tmp.Write(raw)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("bounce: keep: %w", err)
	}
	return nil
}

// Path is where a mail of that digest is, or would be.
func (f Folder) Path(digest string) string {
	return filepath.Join(f.Dir, filepath.Base(digest)+".eml")
}

// Kept is one mail in the folder.
type Kept struct {
	Digest  string    `json:"digest"`
	File    string    `json:"file"`
	Size    int64     `json:"size"` // octets
	At      time.Time `json:"at"`
	Subject string    `json:"subject,omitempty"`
	Why     string    `json:"why,omitempty"`
}

// List gives what is in the folder.
func (f Folder) List() (list []Kept, err error) {
	entries, err := os.ReadDir(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bounce: unread: %w", err)
	}
	for _, e := range entries {
		digest, ok := strings.CutSuffix(e.Name(), ".eml")
		info, err := e.Info()
		if !ok || err != nil || !info.Mode().IsRegular() {
			continue
		}
		list = append(list, Kept{Digest: digest, File: filepath.Join(f.Dir, e.Name()), Size: info.Size(), At: info.ModTime().UTC()})
	}
	return list, nil
}
