package desk

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A stream of events ends before the server's time-out for writing and the browser
// asks for the next: so a sign-out ends it, and a restart waits for nobody.
const (
	liveFor   = 40 * time.Second
	liveEvery = time.Second
)

// live tells a page how a send goes, by server-sent events: "line" with the part
// that changes, and "turn" where the issue stands elsewhere and the page's buttons
// are no longer the right ones.
func (d *Desk) live(w http.ResponseWriter, r *http.Request) error {
	if _, err := d.Issue(r); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no")
	flush := http.NewResponseController(w)
	stands, until := "", time.Now().Add(liveFor)
	settled, at := -1, time.Now()
	fmt.Fprint(w, "retry: 1000\n\n")
	for wait := time.Duration(0); time.Now().Before(until); {
		select {
		case <-r.Context().Done():
			return nil
		case <-time.After(wait):
		}
		began := time.Now()
		if _, err := d.visitor(r); err != nil {
			return nil // signed out
		}
		i, err := d.Issue(r)
		if err != nil {
			return nil
		}
		l, err := d.Line(r, i)
		if err != nil {
			d.Log.Error("a live line ended", "issue", i.ID, "err", err)
			return nil
		}
		c := l.Report.Counts
		if now := c.Total - c.Waiting(); settled >= 0 && began.After(at) {
			l.Rate = float64(now-settled) / began.Sub(at).Seconds()
		}
		settled, at = c.Total-c.Waiting(), began
		now := string(l.Issue.Status)
		if l.Report.Send != nil {
			now += string(l.Report.Send.State)
		}
		event := "line"
		if stands != "" && stands != now {
			event = "turn"
		}
		stands = now
		if err := d.tell(w, event, l); err != nil {
			return nil
		}
		if err := flush.Flush(); err != nil {
			return nil
		}
		if event == "turn" && !l.Live() {
			return nil
		}
		// Counting a large ledger is not to be all that the database does.
		wait = max(liveEvery, 10*time.Since(began))
	}
	return nil
}

// tell writes one event: the part of the line that changes.
func (d *Desk) tell(w http.ResponseWriter, event string, l Line) error {
	var b bytes.Buffer
	if err := d.pages.ExecuteTemplate(&b, "line-live", l); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, strings.ReplaceAll(strings.TrimSpace(b.String()), "\n", "\ndata: "))
	return err
}
