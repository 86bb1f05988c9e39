package delivery

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
	"apta/subscribers/database"
)

// A power cut takes what was not synced yet. With synchronous=FULL that is at
// most the last transaction of the write-ahead log, whole or in part: everything
// before it was on disk before it began.
func TestFault_L5_PowerCut(t *testing.T) {
	readers, cuts := size(3000, 20_000), size(4, 40)
	file := filepath.Join(t.TempDir(), "apta.db")
	d, s := crashDesk(t, file, readers), server(t, nil)
	d.db.Close() // the process under test is alone with its files, as it would be
	opt := processOptions{Database: file, Port: s.Port(), Lease: 300 * time.Millisecond}
	for n := range cuts {
		p := startProcess(t, opt)
		waitCount(t, s, readers*(n+1)/(cuts+2))
		time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
		p.kill()
		cutTail(t, file+"-wal", n%2 == 0)
		d.reopen(t, file)
		var said string
		if err := d.db.QueryRow(context.Background(), `PRAGMA integrity_check`).Scan(&said); err != nil || said != "ok" {
			t.Fatalf("after cut %d the database says %q (%v)", n+1, said, err)
		}
		d.counts(t)
		d.db.Close()
	}
	d.reopen(t, file)
	startProcess(t, opt)
	d.waitDone(t)
	// The kill leaves one doubtful message a connection. The cut may take back a
	// commit that was synced just before the kill, and with it one more.
	d.judge(t, s, readers, 2*cuts*connections)
}

func (d *desk) reopen(t *testing.T, file string) {
	t.Helper()
	db, err := database.Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	d.db, d.ledger = db, NewLedger(db, time.Now)
}

// cutTail takes the last transaction of a write-ahead log, from a random byte on:
// gone, or, torn, overwritten with rubbish. The format is that of
// https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
func cutTail(t *testing.T, file string, torn bool) {
	t.Helper()
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const header, frameHeader = 32, 24
	if len(log) < header {
		return // just reset: there is no tail
	}
	frame := frameHeader + int(binary.BigEndian.Uint32(log[8:]))
	var before, last int // where the last two commits end
	for at := header; at+frame <= len(log); at += frame {
		if string(log[at+8:at+16]) != string(log[16:24]) {
			break // the salts of an older log
		}
		if binary.BigEndian.Uint32(log[at+4:]) != 0 {
			before, last = last, at+frame
		}
	}
	if before == 0 {
		return
	}
	from := before + rand.IntN(last-before)
	if !torn {
		if err := os.Truncate(file, int64(from)); err != nil {
			t.Fatal(err)
		}
		return
	}
	for i := from; i < last; i++ {
		log[i] = byte(rand.Uint32())
	}
	if err := os.WriteFile(file, log, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A database that can be read only stops the sending before the first body, with
// an error that names the file, and nothing is lost.
func TestFault_L4_ReadOnlyDatabase(t *testing.T) {
	readers := 200
	file := filepath.Join(t.TempDir(), "apta.db")
	d := crashDesk(t, file, readers)
	s := server(t, func(smtptest.Stage, string) smtptest.Action { return smtptest.Action{} })
	if _, err := d.db.Exec(context.Background(), `PRAGMA query_only = 1`); err != nil {
		t.Fatal(err)
	}
	if err := d.sender(s, fast).Work(context.Background(), d.issue.ID); err == nil {
		t.Error("sending went on without a ledger to write in")
	} else {
		t.Log(err)
	}
	if n := s.Count(); n != 0 {
		t.Errorf("%d messages left that are written down nowhere", n)
	}
	if _, err := d.db.Exec(context.Background(), `PRAGMA query_only = 0`); err != nil {
		t.Fatal(err)
	}
	d.work(t, d.sender(s, fast))
	d.judge(t, s, readers, 0)
}
