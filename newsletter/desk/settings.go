package desk

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"apta/newsletter/api"
)

func (d *Desk) settingRoutes() {
	d.mux.Handle("GET /desk/settings", d.Require(Owner, d.showSettings))
	d.mux.Handle("POST /desk/settings/relay", d.Require(Owner, d.testRelay))
	d.mux.Handle("GET /desk/style", d.Require(Owner, d.showStyle))
	d.mux.Handle("POST /desk/style", d.Require(Owner, d.saveStyle))
	d.mux.Handle("GET /desk/tokens", d.Require(Owner, d.showTokens))
	d.mux.Handle("POST /desk/tokens", d.Require(Owner, d.createToken))
	d.mux.Handle("POST /desk/tokens/{id}/revoke", d.Require(Owner, d.revokeToken))
}

type settingsView struct {
	Frame
	Choosing
	Relays   []Relay
	Settings []Setting
	HasStyle bool
	Tested   string // the relay that was asked
	Result   string // what it said; empty where it is in order
}

func (d *Desk) showSettings(w http.ResponseWriter, r *http.Request) error {
	return d.writeSettings(w, r, settingsView{})
}

func (d *Desk) writeSettings(w http.ResponseWriter, r *http.Request, v settingsView) error {
	n := d.chosen(r)
	v.Frame, v.Choosing, v.Relays, v.HasStyle = d.Frame(r, "settings", "place_settings"), d.choosing(r, n), n.Relays, n.Style != nil
	if n.Settings != nil {
		v.Settings = n.Settings()
	}
	return d.Write(w, r, http.StatusOK, "settings.html", v)
}

// testRelay opens a connection to a relay, with encryption and sign-in as they are
// configured, and sends nothing.
func (d *Desk) testRelay(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	for _, relay := range d.chosen(r).Relays {
		if relay.Name != form.Get("name") {
			continue
		}
		v := settingsView{Tested: relay.Name}
		if err := relay.Test(r.Context()); err != nil {
			v.Result = err.Error()
		}
		return d.writeSettings(w, r, v)
	}
	return d.nothing(w, r)
}

type styleView struct {
	Frame
	Choosing
	Name, Text string
	Problems   []string
}

func (d *Desk) showStyle(w http.ResponseWriter, r *http.Request) (err error) {
	n := d.chosen(r)
	if n.Style == nil {
		return d.nothing(w, r)
	}
	v := styleView{Frame: d.Frame(r, "settings", "style_title"), Choosing: d.choosing(r, n)}
	if v.Name, v.Text, err = n.Style.Read(); err != nil {
		return err
	}
	return d.Write(w, r, http.StatusOK, "style.html", v)
}

// saveStyle stores the words of assembly once they are in order: what is wrong is
// said with its line, and nothing is stored.
func (d *Desk) saveStyle(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	n := d.chosen(r)
	if n.Style == nil {
		return d.nothing(w, r)
	}
	v := styleView{Frame: d.Frame(r, "settings", "style_title"), Choosing: d.choosing(r, n), Text: strings.ReplaceAll(form.Get("text"), "\r\n", "\n")}
	if v.Name, _, err = n.Style.Read(); err != nil {
		return err
	}
	if err := n.Style.Save(v.Text); err != nil {
		v.Problems = strings.Split(err.Error(), "\n")
		return d.Write(w, r, http.StatusUnprocessableEntity, "style.html", v)
	}
	if err := d.Audit(r, "style.save", v.Name); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/style?in="+n.Slug, "saved")
}

type tokensView struct {
	Frame
	Tokens  []api.Token
	Scopes  []api.Scope
	Secret  string // of the one that was made just now
	Problem string
}

func (d *Desk) showTokens(w http.ResponseWriter, r *http.Request) error {
	return d.writeTokens(w, r, http.StatusOK, tokensView{})
}

func (d *Desk) writeTokens(w http.ResponseWriter, r *http.Request, status int, v tokensView) (err error) {
	v.Frame, v.Scopes = d.Frame(r, "tokens", "place_tokens"), api.Scopes[:]
	if v.Tokens, err = d.Tokens.List(r.Context()); err != nil {
		return err
	}
	return d.Write(w, r, status, "tokens.html", v)
}

// createToken makes a token and shows it, once.
func (d *Desk) createToken(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	scopes, err := api.ParseScopes(strings.Join(form["scope"], ","))
	name := short(strings.TrimSpace(form.Get("name")), 100)
	if err != nil || name == "" {
		return d.writeTokens(w, r, http.StatusUnprocessableEntity, tokensView{Problem: d.Words(r)["token_wrong"]})
	}
	lasts := map[string]time.Duration{"30": 30 * 24 * time.Hour, "90": 90 * 24 * time.Hour, "365": 365 * 24 * time.Hour}[form.Get("days")]
	secret, _, err := d.Tokens.Create(r.Context(), name, scopes, lasts)
	if errors.Is(err, api.ErrNameTaken) {
		return d.writeTokens(w, r, http.StatusConflict, tokensView{Problem: d.Words(r)["token_taken"]})
	}
	if err != nil {
		return err
	}
	if err := d.Audit(r, "token.create", name+" ("+strings.Join(form["scope"], ", ")+")"); err != nil {
		return err
	}
	return d.writeTokens(w, r, http.StatusOK, tokensView{Secret: secret})
}

func (d *Desk) revokeToken(w http.ResponseWriter, r *http.Request) error {
	if err := d.Tokens.Revoke(r.Context(), r.PathValue("id")); err != nil && !errors.Is(err, api.ErrNoToken) {
		return err
	}
	if err := d.Audit(r, "token.revoke", r.PathValue("id")); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/tokens", "revoked")
}
