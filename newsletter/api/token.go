package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"embed"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"apta/subscribers/database"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// Schema is the tables of this package.
func Schema() database.Schema { return database.SchemaIn(schemaFiles, "api") }

// Scope is what a token is good for.
type Scope string

// The scopes a token may have. Public marks routes that want no token.
const (
	Read          Scope = "read"           // see issues and how far they are
	Send          Scope = "send"           // approve, hold and send issues, and steer their sends
	Items         Scope = "items"          // store items
	ReadersRead   Scope = "readers:read"   // see readers, their consents, and the suppression list
	ReadersWrite  Scope = "readers:write"  // add, change, unsubscribe, erase and suppress readers
	WebhooksWrite Scope = "webhooks:write" // make webhooks, which hear of issues, and of readers by their IDs
	Public        Scope = ""
)

// Scopes lists every scope of a token.
var Scopes = [...]Scope{Send, Read, Items, ReadersRead, ReadersWrite, WebhooksWrite}

// ParseScopes reads scopes parted by commas.
func ParseScopes(text string) (list []Scope, err error) {
	for part := range strings.SplitSeq(text, ",") {
		s := Scope(strings.TrimSpace(part))
		if !slices.Contains(Scopes[:], s) {
			return nil, fmt.Errorf("api: %q is no scope: they are %s", s, strings.ReplaceAll(join(Scopes[:]), ",", ", "))
		}
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list, nil
}

// Token is what is known of a token: everything but itself.
type Token struct {
	ID      database.ID `json:"id"`
	Name    string      `json:"name"`
	Scopes  []Scope     `json:"scopes"`
	Created time.Time   `json:"created"`
	Expires time.Time   `json:"expires,omitzero"`
	Used    time.Time   `json:"used,omitzero"` // to the minute
	Revoked time.Time   `json:"revoked,omitzero"`
}

// May reports whether the token is good for a scope.
func (t Token) May(s Scope) bool { return slices.Contains(t.Scopes, s) }

// prefix begins every token, so that scanners of repositories and logs know one.
const prefix = "apta_"

// secretBytes is how many random bytes a token has.
const secretBytes = 32

// spelling has no characters that a double click stops at.
var spelling = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Reasons why a token is not good.
var (
	ErrToken     = errors.New("the token is not known, or was revoked")
	ErrExpired   = errors.New("the token has expired")
	ErrNoToken   = errors.New("there is no such token")
	ErrNameTaken = errors.New("there is a token of that name: revoke it first, or take another name")
)

// Tokens keeps tokens. Its methods are safe for concurrent use.
type Tokens struct {
	db     *database.DB
	ids    *database.IDs
	now    func() time.Time
	random io.Reader
}

// NewTokens keeps tokens in a migrated database; random nil means the system's.
func NewTokens(db *database.DB, ids *database.IDs, now func() time.Time, random io.Reader) *Tokens {
	if random == nil {
		random = rand.Reader
	}
	return &Tokens{db: db, ids: ids, now: now, random: random}
}

// Create makes a token that expires after so long; 0 is never. secret is what
// its holder sends with each request; it cannot be shown again.
func (s *Tokens) Create(ctx context.Context, name string, scopes []Scope, lasts time.Duration) (secret string, t Token, err error) {
	raw := make([]byte, secretBytes)
	if _, err := io.ReadFull(s.random, raw); err != nil {
		return "", Token{}, fmt.Errorf("api: create token: %w", err)
	}
	t = Token{ID: s.ids.Next(), Name: name, Scopes: scopes, Created: s.now().UTC().Truncate(time.Millisecond)}
	expires := int64(0)
	if lasts > 0 {
		t.Expires = t.Created.Add(lasts)
		expires = database.Millis(t.Expires)
	}
	hash := sha256.Sum256(raw)
	_, err = s.db.Exec(ctx, `INSERT INTO api_tokens (id, name, hash, scopes, created, expires, used, revoked) VALUES ($1, $2, $3, $4, $5, $6, 0, 0)`,
		t.ID, name, hash[:], join(scopes), database.Millis(t.Created), expires)
	if database.IsUnique(err) {
		err = ErrNameTaken
	}
	if err != nil {
		return "", Token{}, fmt.Errorf("api: create token %q: %w", name, err)
	}
	return prefix + spelling.EncodeToString(raw), t, nil
}

func join(scopes []Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

const selectToken = `SELECT id, name, scopes, created, expires, used, revoked, hash FROM api_tokens `

func scanToken(row interface{ Scan(...any) error }) (t Token, hash []byte, err error) {
	var scopes string
	var created int64
	var until [3]int64
	if err := row.Scan(&t.ID, &t.Name, &scopes, &created, &until[0], &until[1], &until[2], &hash); err != nil {
		return t, nil, err
	}
	for part := range strings.SplitSeq(scopes, ",") {
		t.Scopes = append(t.Scopes, Scope(part))
	}
	t.Created = database.FromMillis(created)
	for i, at := range []*time.Time{&t.Expires, &t.Used, &t.Revoked} {
		if until[i] != 0 {
			*at = database.FromMillis(until[i])
		}
	}
	return t, hash, nil
}

// useEvery is how exactly it is known when a token was used last: a write for
// each request would be the dearest part of it.
const useEvery = time.Minute

// Find gives the token of a secret, or ErrToken or ErrExpired. It is looked for
// by its hash, whose order in the index says nothing about the secret.
func (s *Tokens) Find(ctx context.Context, secret string) (Token, error) {
	text, ok := strings.CutPrefix(secret, prefix)
	raw, err := spelling.DecodeString(text)
	if !ok || err != nil || len(raw) != secretBytes {
		return Token{}, ErrToken
	}
	want := sha256.Sum256(raw)
	t, hash, err := scanToken(s.db.QueryRow(ctx, selectToken+`WHERE hash = $1`, want[:]))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Token{}, ErrToken
	case err != nil:
		return Token{}, fmt.Errorf("api: find token: %w", err)
	case subtle.ConstantTimeCompare(hash, want[:]) != 1 || !t.Revoked.IsZero():
		return Token{}, ErrToken
	case !t.Expires.IsZero() && !s.now().Before(t.Expires):
		return Token{}, ErrExpired
	}
	if now := s.now(); now.Sub(t.Used) >= useEvery {
		_, err := s.db.Exec(ctx, `UPDATE api_tokens SET used = $1 WHERE id = $2 AND used <= $3`, database.Millis(now), t.ID, database.Millis(now.Add(-useEvery)))
		if err != nil {
			return Token{}, fmt.Errorf("api: note the use of token %q: %w", t.Name, err)
		}
	}
	return t, nil
}

// List gives every token, revoked ones too, the oldest first.
func (s *Tokens) List(ctx context.Context) (list []Token, err error) {
	rows, err := s.db.Query(ctx, selectToken+`ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("api: list tokens: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		t, _, err := scanToken(rows)
		if err != nil {
			return nil, fmt.Errorf("api: list tokens: %w", err)
		}
		list = append(list, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("api: list tokens: %w", err)
	}
	return list, nil
}

// Revoke ends the token of a name, or of an ID, at once.
func (s *Tokens) Revoke(ctx context.Context, ref string) error {
	id, err := database.ParseID(ref)
	if err != nil {
		id = 0
	}
	res, err := s.db.Exec(ctx, `UPDATE api_tokens SET revoked = $1 WHERE revoked = 0 AND (name = $2 OR id = $3)`, database.Millis(s.now()), ref, id)
	if err != nil {
		return fmt.Errorf("api: revoke token %q: %w", ref, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("api: revoke token %q: %w", ref, errors.Join(ErrNoToken, err))
	}
	return nil
}
