package desk

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"apta/subscribers/database"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// passkeyFresh is how long after signing in somebody may add a passkey: a browser
// left open is not to be enough to come back for ever.
const passkeyFresh = 30 * time.Minute

// maxAnswer bounds a browser's answer to a challenge, in bytes.
const maxAnswer = 64 << 10

// passkeys gives the relying party of the desk's address; nil where that has no
// name, for passkeys belong to names.
func passkeys(base *url.URL, newsroom string) (*webauthn.WebAuthn, error) {
	if net.ParseIP(base.Hostname()) != nil {
		return nil, nil
	}
	return webauthn.New(&webauthn.Config{RPID: base.Hostname(), RPDisplayName: newsroom, RPOrigins: []string{base.Scheme + "://" + base.Host}})
}

func (d *Desk) passkeyRoutes() {
	if d.party == nil {
		return
	}
	d.mux.Handle("POST /desk/passkey/begin", d.open(d.askPasskey))
	d.mux.Handle("POST /desk/passkey", d.open(d.usePasskey))
	d.mux.Handle("POST /desk/me/passkey/begin", d.Require(Writer, d.askNewPasskey))
	d.mux.Handle("POST /desk/me/passkey", d.Require(Writer, d.addPasskey))
	d.mux.Handle("POST /desk/me/passkeys/{id}/remove", d.Require(Writer, d.removePasskey))
}

// pose sends a browser a challenge and remembers it.
func (d *Desk) pose(w http.ResponseWriter, r *http.Request, question any, asked *webauthn.SessionData) error {
	secret, err := d.Editors.challenge(r.Context(), asked)
	if err != nil {
		return err
	}
	d.setCookie(w, "passkey", secret, int(challengeLife.Seconds()))
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(question)
}

// answered gives the challenge that a request answers.
func (d *Desk) answered(w http.ResponseWriter, r *http.Request) (webauthn.SessionData, error) {
	c, err := r.Cookie(d.cookie("passkey"))
	if err != nil {
		return webauthn.SessionData{}, ErrLink
	}
	d.setCookie(w, "passkey", "", -1)
	r.Body = http.MaxBytesReader(w, r.Body, maxAnswer)
	return d.Editors.challenged(r.Context(), c.Value)
}

func (d *Desk) askNewPasskey(w http.ResponseWriter, r *http.Request) error {
	v := visiting(r.Context())
	if d.Now().Sub(v.since) > passkeyFresh {
		return errStale
	}
	k, err := d.Editors.holder(r.Context(), v.ID)
	if err != nil {
		return err
	}
	question, asked, err := d.party.BeginRegistration(k, webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementRequired),
		webauthn.WithExclusions(webauthn.Credentials(k.keys).CredentialDescriptors()))
	if err != nil {
		return err
	}
	return d.pose(w, r, question, asked)
}

func (d *Desk) addPasskey(w http.ResponseWriter, r *http.Request) error {
	v := visiting(r.Context())
	asked, err := d.answered(w, r)
	if err != nil {
		return err
	}
	if d.Now().Sub(v.since) > passkeyFresh {
		return errStale
	}
	k, err := d.Editors.holder(r.Context(), v.ID)
	if err != nil {
		return err
	}
	key, err := d.party.FinishRegistration(k, asked, r)
	if err != nil {
		return errors.Join(errForm, err)
	}
	if err := d.Editors.addPasskey(r.Context(), v.Editor, Session{Agent: short(r.UserAgent(), 300)}.Browser(), key); err != nil {
		return err
	}
	return d.goOn(w, "/desk/me?done=passkey")
}

func (d *Desk) removePasskey(w http.ResponseWriter, r *http.Request) error {
	id, err := database.ParseID(r.PathValue("id"))
	if err != nil {
		return ErrNoEditor
	}
	if err := d.Editors.RemovePasskey(r.Context(), From(r.Context()), id); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/me", "passkey_removed")
}

func (d *Desk) askPasskey(w http.ResponseWriter, r *http.Request) error {
	if err := d.Editors.count(r.Context(), map[string]int{limitName("passkey", d.network(r)): triesOfNetwork}); err != nil {
		return err
	}
	question, asked, err := d.party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return err
	}
	return d.pose(w, r, question, asked)
}

func (d *Desk) usePasskey(w http.ResponseWriter, r *http.Request) error {
	next := inside(r.URL.Query().Get("next"))
	asked, err := d.answered(w, r)
	if err != nil {
		return err
	}
	var who keyHolder
	_, key, err := d.party.FinishPasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		if len(handle) != 8 {
			return nil, ErrNoEditor
		}
		var err error
		who, err = d.Editors.holder(r.Context(), database.ID(binary.BigEndian.Uint64(handle)))
		return who, err
	}, asked, r)
	if err == nil && key.Authenticator.CloneWarning {
		err = errors.New("the passkey counts backwards: it was copied")
	}
	if err != nil {
		return errors.Join(ErrLink, d.Editors.Audit(r.Context(), who.Editor, "signin.refused", "passkey", d.network(r)))
	}
	secret, err := d.Editors.usePasskey(r.Context(), who.Editor, key, r.UserAgent(), d.network(r))
	if err != nil {
		return err
	}
	d.setSession(w, secret)
	return d.goOn(w, next)
}

// goOn tells the script where to go.
func (d *Desk) goOn(w http.ResponseWriter, next string) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]string{"next": next})
}
