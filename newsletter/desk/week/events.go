package week

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"apta/newsletter"
	"apta/newsletter/desk"
	"apta/subscribers/database"
)

const (
	mostStreams  = 500              // at the same time, over all issues
	streamLife   = 10 * time.Minute // then the browser opens another: a session may have ended
	lookEvery    = time.Second      // for what another process has stored
	writeWithin  = 10 * time.Second
	reconnecting = 2 * time.Second
)

// hub knows which screens look at which issue.
type hub struct {
	mu      sync.Mutex
	viewers map[database.ID][]*viewer
	all     int
	done    chan struct{}
	once    sync.Once
}

// viewer is one open screen.
type viewer struct {
	editor desk.Editor
	wake   chan struct{}
}

func (h *hub) close() { h.once.Do(func() { close(h.done) }) }

// join adds a screen; false is that there are too many.
func (h *hub) join(id database.ID, v *viewer) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all >= mostStreams {
		return false
	}
	if h.viewers == nil {
		h.viewers = map[database.ID][]*viewer{}
	}
	h.all++
	h.viewers[id] = append(h.viewers[id], v)
	h.wake(id)
	return true
}

func (h *hub) leave(id database.ID, v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all--
	h.viewers[id] = slices.DeleteFunc(h.viewers[id], func(other *viewer) bool { return other == v })
	if len(h.viewers[id]) == 0 {
		delete(h.viewers, id)
	}
	h.wake(id)
}

// tell has the screens of an issue look at it.
func (h *hub) tell(id database.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wake(id)
}

func (h *hub) wake(id database.ID) {
	for _, v := range h.viewers[id] {
		select {
		case v.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// others names who else looks at an issue, each once.
func (h *hub) others(id database.ID, me database.ID) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	names := []string{}
	for _, v := range h.viewers[id] {
		if v.editor.ID != me && !slices.Contains(names, v.editor.Name) {
			names = append(names, v.editor.Name)
		}
	}
	slices.Sort(names)
	return names
}

// news is what a stream tells a screen.
type news struct {
	Revision int      `json:"revision"`
	Author   string   `json:"author"`
	Said     string   `json:"said"` // what was done, in a sentence
	Status   string   `json:"status"`
	Here     []string `json:"here"` // who else looks at it
}

// events tells a screen what others do, as server-sent events.
func (s *Screen) events(w http.ResponseWriter, r *http.Request) error {
	issue, err := s.desk.Issue(r)
	if err != nil {
		return err
	}
	me := &viewer{desk.From(r.Context()), make(chan struct{}, 1)}
	if !s.hub.join(issue.ID, me) {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "too many screens are open", http.StatusServiceUnavailable)
		return nil
	}
	defer s.hub.leave(issue.ID, me)
	frame := s.desk.Frame(r, "", "")
	control := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would gather them
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	end := time.NewTimer(streamLife)
	defer end.Stop()
	control.SetReadDeadline(time.Time{})
	last, beat := "", 0
	for {
		text, err := s.newsOf(r, frame, issue.ID, me.editor)
		if err != nil {
			return nil // the browser opens another stream
		}
		if beat++; text != last || beat%20 == 0 {
			control.SetWriteDeadline(time.Now().Add(writeWithin))
			fmt.Fprintf(w, "retry: %d\ndata: %s\n\n", reconnecting.Milliseconds(), text)
			if control.Flush() != nil {
				return nil
			}
			last = text
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-s.hub.done:
			return nil
		case <-end.C:
			return nil
		case <-me.wake:
		case <-tick.C:
		}
	}
}

func (s *Screen) newsOf(r *http.Request, f desk.Frame, id database.ID, me desk.Editor) (string, error) {
	last, err := s.Store.LastRevision(r.Context(), id)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(news{Revision: last.Number, Author: last.Author, Said: said(f, last), Here: s.hub.others(id, me.ID)})
	return string(text), err
}

// said is a revision in a sentence.
func said(f desk.Frame, r newsletter.Revision) string {
	author := r.Author
	if author == "" {
		author = f.Words["week_assembly"]
	}
	text := author + " " + f.Word("week_did_", r.What)
	if r.About != "" {
		text += ": " + r.About
	}
	return text
}
