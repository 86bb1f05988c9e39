// Package metrics says in figures how a newsroom's program does, in the form
// that Prometheus reads. What the database knows is asked of it when somebody
// looks, at most four times a minute, so that nothing is counted twice or
// forgotten by a restart; only what happens to this process is counted along.
package metrics

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is one program's figures. No address, name or link is a label of any.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	open     prometheus.Gauge
}

// New makes the figures of a program of a version.
func New(s Sources, version string, log *slog.Logger) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "apta_http_requests_total", Help: "Requests that were answered."}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "apta_http_request_seconds", Help: "How long answers took.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2, 10, 60}}, []string{"route"}),
		open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "apta_http_requests_open", Help: "Requests that are being answered."}),
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "apta_build_info", Help: "Always 1; the label says the version.", ConstLabels: prometheus.Labels{"version": version}}, func() float64 { return 1 })
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests, m.seconds, m.open, build, newRoom(s, log))
	return m
}

// Handler answers with all figures.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
}

// Measure counts what a handler answers, by the route and never by the address:
// that may be a reader's own link.
func (m *Metrics) Measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.open.Inc()
		defer m.open.Dec()
		began, seen := time.Now(), &watched{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		route := r.Pattern // set by the mux
		if route == "" {
			route = "none"
		}
		if seen.status == 0 {
			seen.status = http.StatusOK
		}
		m.requests.WithLabelValues(route, strconv.Itoa(seen.status)).Inc()
		m.seconds.WithLabelValues(route).Observe(time.Since(began).Seconds())
	})
}

// watched remembers the status.
type watched struct {
	http.ResponseWriter
	status int
}

func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is below.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
