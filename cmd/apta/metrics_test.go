package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/go-yaml"
)

// figuresOf reads what /metrics says to who has the token.
func figuresOf(t *testing.T, server *httptest.Server, token string) string {
	t.Helper()
	req, err := http.NewRequest("GET", server.URL+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(resp.StatusCode, "\n", string(body))
}

// sentNewsroom is a newsroom after a week, with its pages.
func sentNewsroom(t *testing.T, set func(*Config)) (*newsroom, *httptest.Server) {
	t.Helper()
	n := newNewsroom(t, set)
	n.at(t, "2024-10-15T12:00:00+05:00")
	n.tick(t)
	n.item(t, "2024-10-16T12:00:00+05:00")
	n.at(t, "2024-10-18T09:00:00+05:00")
	n.tick(t)
	handler, err := n.handler(n.rooms)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return n, server
}

func TestFiguresAreForWhoHasTheToken(t *testing.T) {
	const token = "0123456789abcdef-token"
	_, server := sentNewsroom(t, func(c *Config) { c.Metrics.Token = token })
	for _, wrong := range []string{"", "x", token[:len(token)-1], token + "x"} {
		if got := figuresOf(t, server, wrong); !strings.HasPrefix(got, "401") {
			t.Errorf("with %q: %.60s", wrong, got)
		}
	}
	got := figuresOf(t, server, token)
	for _, want := range []string{`state="accepted"} 1` + "\n", `apta_deliveries_written_total{state="accepted"} 1`, `apta_subscribers{status="active"} 1`,
		`apta_relay_ok{relay="smtp",state="as usual"} 1`, `apta_queue_waiting{queue="letters"} 0`, `apta_jobs{state="discarded"} 0`, `apta_sends{state="done"} 1`} {
		if !strings.Contains(got, want) {
			t.Errorf("the figures lack %s", want)
		}
	}
	if strings.Contains(got, "example.org") {
		t.Error("the figures name an address")
	}
	none, server := sentNewsroom(t, nil)
	if got := figuresOf(t, server, none.cfg.Metrics.Token); !strings.HasPrefix(got, "404") {
		t.Errorf("where nobody is to read them: %.60s", got)
	}
}

// What the dashboard and the alert rules ask for is there.
func TestDashboardAndAlertsKnowTheFigures(t *testing.T) {
	const token = "0123456789abcdef-token"
	n, server := sentNewsroom(t, func(c *Config) { c.Metrics.Token = token })
	if err := os.MkdirAll(n.cfg.Backup.Folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := n.backup(t.Context(), n.cfg, n.cfg.Backup.Folder+"/apta-20241018T000000Z.db"); err != nil {
		t.Fatal(err)
	}
	if _, err := pageAt(server.URL + "/healthz"); err != nil {
		t.Fatal(err)
	}
	figures := figuresOf(t, server, token)
	var known []string
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(figures, -1) {
		known = append(known, m[1])
		if m[2] == "histogram" {
			known = append(known, m[1]+"_bucket", m[1]+"_sum", m[1]+"_count")
		}
	}
	dashboard, err := os.ReadFile("../../docs/ops/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(dashboard, &board); err != nil {
		t.Fatal(err)
	}
	alerts, err := os.ReadFile("../../docs/ops/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(alerts, &rules); err != nil {
		t.Fatal(err)
	}
	asked := map[string]string{}
	for _, p := range board.Panels {
		for _, e := range p.Targets {
			asked[p.Title+": "+e.Expr] = e.Expr
		}
	}
	for _, r := range rules.Groups[0].Rules {
		if r.Annotations["summary"] == "" || r.Annotations["look"] == "" {
			t.Errorf("%s says nothing", r.Alert)
		}
		asked[r.Alert] = r.Expr
	}
	if len(asked) < 30 {
		t.Errorf("only %d questions were found", len(asked))
	}
	for where, expr := range asked {
		names := regexp.MustCompile(`\b(apta|process)_[a-z_]+`).FindAllString(expr, -1)
		if len(names) == 0 && expr != `up{job="apta"} == 0` {
			t.Errorf("%s asks for nothing", where)
		}
		for _, name := range names {
			if !slices.Contains(known, name) {
				t.Errorf("%s asks for %s, which there is not", where, name)
			}
		}
		if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
			t.Errorf("%s: unbalanced", where)
		}
	}
}

func TestReady(t *testing.T) {
	n, server := sentNewsroom(t, nil)
	ask := func() string {
		body, err := pageAt(server.URL + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	if got := ask(); got != "200 OK\nready\n" {
		t.Error(got)
	}
	if _, err := n.rooms.db.Exec(t.Context(), `UPDATE schema_version SET version = 99 WHERE owner = 'delivery'`); err != nil {
		t.Fatal(err)
	}
	if got := ask(); !strings.HasPrefix(got, "503") {
		t.Error(got)
	}
	n.rooms.db.Close()
	if got := ask(); !strings.HasPrefix(got, "503") || strings.Contains(got, "closed") {
		t.Error(got)
	}
	if got, err := pageAt(server.URL + "/healthz"); err != nil || !strings.HasPrefix(got, "200") {
		t.Error(got, err)
	}
}
