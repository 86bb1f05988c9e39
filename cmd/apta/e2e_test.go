package main

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"apta/newsletter/transport/smtptest"
	"apta/subscribers"

	gomail "github.com/wneessen/go-mail"
)

// TestJourneysInABrowser runs the program's own site and letters, and has
// e2e/journey.mjs go through them in Debian's Chromium as readers do.
func TestJourneysInABrowser(t *testing.T) { browse(t, "journey.mjs") }

// TestFault_W1_AScannerInABrowser follows every link of a letter with JavaScript,
// and makes up input events besides.
func TestFault_W1_AScannerInABrowser(t *testing.T) { browse(t, "scanner.mjs") }

func browse(t *testing.T, script string) {
	wants(t)
	npm(t, "playwright-core")
	listener := openPort(t)
	site := "http://" + listener.Addr().String()
	n := openNewsroom(t, func(c *Config) {
		c.BaseURL = site
		c.Newsletter.Name, c.Newsletter.Newsroom, c.Newsletter.Postal = "Week in Review", "Orda", "Almaty, Kazakhstan"
		c.Subscribe.ProofOfWork = 14
		c.Newsletter.Topics = []string{"Courts", "Harbour", "Schools", "War in Ukraine"}
	})
	n.app.now = time.Now
	n.serveUntilTheEnd(t, listener)
	helper := httptest.NewServer(witness(n))
	defer helper.Close()
	runScript(t, script, "APTA_SITE="+site, "APTA_WITNESS="+helper.URL)
}

// witness tells a script what a browser cannot see: the letters that the relay
// took for an address, and its subscriber's status.
func witness(n *newsroom) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /letters", func(w http.ResponseWriter, r *http.Request) {
		list := []map[string]string{}
		for _, m := range n.relay.Messages() {
			if m.To != "<"+r.FormValue("to")+">" {
				continue
			}
			letter, err := opened(m)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			list = append(list, letter)
		}
		json.NewEncoder(w).Encode(list)
	})
	mux.HandleFunc("GET /reader", func(w http.ResponseWriter, r *http.Request) {
		sub, err := n.rooms.subscribers.ByEmail(r.Context(), r.FormValue("email"))
		if err != nil && !errors.Is(err, subscribers.ErrNotFound) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		unsubscribe := ""
		if sub.ID != 0 {
			unsubscribe = "/u/" + url.PathEscape(n.rooms.keys.Token(subscribers.PurposeUnsubscribe, sub.ID, sub.Generation))
		}
		json.NewEncoder(w).Encode(map[string]any{"subscriber": sub, "unsubscribe": unsubscribe})
	})
	return mux
}

// opened is a letter as a mail program shows it.
func opened(m smtptest.Message) (map[string]string, error) {
	msg, err := gomail.EMLToMsgFromString(m.Data)
	if err != nil {
		return nil, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(strings.Join(msg.GetGenHeader(gomail.HeaderSubject), " "))
	if err != nil {
		return nil, err
	}
	letter := map[string]string{"subject": subject}
	for _, part := range msg.GetParts() {
		body, err := part.GetContent()
		if err != nil {
			return nil, err
		}
		letter[string(part.GetContentType())] = string(body)
	}
	return letter, nil
}
