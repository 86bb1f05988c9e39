package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"apta/newsletter/intake/feeds"
	"apta/newsletter/metrics"
	"apta/subscribers/database"
)

// registerHealth adds what machines ask: whether the process lives, whether it
// can do its work, and, where that is allowed, the figures.
func (a *app) registerHealth(mux *http.ServeMux, r *rooms) {
	r.metrics = a.figures(r)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, q *http.Request) {
		if err := ready(q.Context(), r.db); err != nil {
			// Why is for the log: anybody may ask here.
			r.log.Error("not ready", "err", err)
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	token, err := a.cfg.metricsToken()
	if err != nil {
		r.log.Error("there are no figures on this address", "err", err)
	}
	if token == "" {
		return
	}
	figures := r.metrics.Handler()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, q *http.Request) {
		said, bearer := strings.CutPrefix(q.Header.Get("Authorization"), "Bearer ")
		if !bearer || !sameSecret(said, token) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
			http.Error(w, "a token is needed (metrics.token)", http.StatusUnauthorized)
			return
		}
		figures.ServeHTTP(w, q)
	})
}

// sameSecret takes the same time whatever is said, its length included.
func sameSecret(said, secret string) bool {
	a, b := sha256.Sum256([]byte(said)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func (c *Config) metricsToken() (string, error) {
	if c.Metrics.TokenFile == "" {
		return c.Metrics.Token, nil
	}
	token, err := readSecret("metrics.token_file", c.Metrics.TokenFile)
	if err == nil && len(token) < 16 {
		err = fmt.Errorf("metrics.token_file: %s holds %d characters, at least 16 are needed", c.Metrics.TokenFile, len(token))
	}
	if err != nil {
		return "", err
	}
	return token, nil
}

// ready gives an error where the database does not answer, or is no longer of
// this version.
func ready(ctx context.Context, db *database.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	versions, err := db.Versions(ctx, schemas()...)
	if err != nil {
		return err
	}
	if err := database.CheckNewer(versions); err != nil {
		return err
	}
	if database.Due(versions) {
		return errors.New("the tables are older than this version")
	}
	return nil
}

func (a *app) figures(r *rooms) *metrics.Metrics {
	var relays []string
	for _, relay := range a.cfg.relays() {
		relays = append(relays, relay.Name)
	}
	return metrics.New(metrics.Sources{
		Database: r.db, Ledger: r.ledger, Jobs: r.jobs, Subscribers: r.subscribers, Notices: r.notices, Feeds: feeds.NewStore(r.db, r.ids, a.now), Relays: relays,
		Backup: func() (time.Time, bool) {
			_, at, ok := a.cfg.newestBackup()
			return at, ok
		},
		NextSlot: func() time.Time { return a.cfg.cron.Next(a.now()) }, Now: a.now,
	}, version(), r.log)
}

// serveMetrics gives the figures on an address of their own, where one is set.
func (a *app) serveMetrics(ctx context.Context, r *rooms) error {
	if a.cfg.Metrics.Listen == "" {
		return nil
	}
	listener, err := net.Listen("tcp", a.cfg.Metrics.Listen)
	if err != nil {
		return fmt.Errorf("metrics.listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", r.metrics.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// withHeaders gives every answer, errors of the server's own included, the
// headers that keep a browser from doing what no page of ours wants. A page
// that needs more than nothing says so itself.
func (a *app) withHeaders(next http.Handler) http.Handler {
	https := strings.HasPrefix(a.cfg.BaseURL, "https://")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}
