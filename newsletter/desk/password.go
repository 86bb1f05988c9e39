package desk

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"apta/subscribers/database"

	"golang.org/x/crypto/argon2"
)

// cost is what guessing a password costs, and checking one.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// One of the sets that OWASP's password storage cheat sheet calls equal.
var usual = cost{memory: 46 << 10, passes: 1, threads: 1}

// checking bounds the memory that people at the door can make us use.
var checking = make(chan struct{}, 2)

// Bounds of a password, in characters.
const (
	passwordLeast = 10
	passwordMost  = 200
)

// Errors of a new password, for the form.
var (
	errShort = errors.New("a password has at least 10 characters")
	errLong  = errors.New("a password has at most 200 characters")
	errPlain = errors.New("a password is not one's own address or one character over and over")
)

// checkPassword says what is wrong with a new password. Length is what counts
// (NIST SP 800-63B, 3.1.1); rules for its characters only make people write it down.
func checkPassword(password string, e Editor) error {
	n := utf8.RuneCountInString(password)
	first, _ := utf8.DecodeRuneInString(password)
	local, _, _ := strings.Cut(e.Email, "@")
	switch {
	case n < passwordLeast:
		return errShort
	case n > passwordMost:
		return errLong
	case strings.Count(password, string(first)) == n, strings.EqualFold(password, e.Email), strings.EqualFold(password, local):
		return errPlain
	}
	return nil
}

// seal gives what is kept of a password: a PHC string.
func seal(ctx context.Context, password string) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	key, err := derive(ctx, password, salt, usual)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, usual.memory, usual.passes, usual.threads,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

func derive(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	select {
	case checking <- struct{}{}:
		defer func() { <-checking }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, 32), nil
}

// opens reports whether a password is the one that was sealed. Where none was,
// it takes as long and is false: an unknown address shows nothing.
func opens(ctx context.Context, sealed, password string) (bool, error) {
	c, salt, key, err := parseSeal(sealed)
	known := err == nil
	if !known {
		c, salt, key = usual, make([]byte, 16), make([]byte, 32)
	}
	got, err := derive(ctx, short(password, 4*passwordMost), salt, c)
	return known && subtle.ConstantTimeCompare(got, key) == 1, err
}

func parseSeal(sealed string) (c cost, salt, key []byte, err error) {
	parts := strings.Split(sealed, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errors.New("desk: no sealed password")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil {
		return c, nil, nil, err
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, nil, err
	}
	key, err = base64.RawStdEncoding.DecodeString(parts[5])
	return c, salt, key, err
}

// SetPassword gives an editor a new password, or none where it is empty, and
// signs them out everywhere but in one session.
func (s *Editors) SetPassword(ctx context.Context, e Editor, password string, but database.ID) error {
	sealed := ""
	if password != "" {
		if err := checkPassword(password, e); err != nil {
			return err
		}
		var err error
		if sealed, err = seal(ctx, password); err != nil {
			return err
		}
	}
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE editors SET password = $1 WHERE id = $2`, sealed, e.ID); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM editor_sessions WHERE editor = $1 AND id <> $2`, e.ID, but); err != nil {
			return err
		}
		return s.audit(ctx, tx, e, "password.change", e.Email, "")
	})
	if err != nil {
		return fmt.Errorf("desk: password of %s: %w", e.Email, err)
	}
	return nil
}

// SignIn signs an editor in by a password. Tries are counted before the password
// is looked at; ErrMany and ErrPassword are the same for addresses that are known
// and for those that are not.
func (s *Editors) SignIn(ctx context.Context, email, password, agent, network string) (secret string, err error) {
	email = strings.ToLower(strings.TrimSpace(short(email, 300)))
	if err := s.try(ctx, email, network); err != nil {
		if errors.Is(err, ErrMany) {
			err = errors.Join(err, s.Audit(ctx, Editor{Email: email}, "signin.stopped", email, network))
		}
		return "", err
	}
	var e Editor
	var sealed string
	err = s.db.QueryRow(ctx, `SELECT id, email, name, password FROM editors WHERE email = $1`, email).Scan(&e.ID, &e.Email, &e.Name, &sealed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("desk: sign in: %w", err)
	}
	good, err := opens(ctx, sealed, password)
	if err != nil {
		return "", fmt.Errorf("desk: sign in: %w", err)
	}
	if !good {
		return "", errors.Join(ErrPassword, s.Audit(ctx, Editor{Email: email}, "signin.refused", email, network))
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		if secret, err = s.begin(ctx, tx, e.ID, agent, network); err != nil {
			return err
		}
		return s.audit(ctx, tx, e, "signin.password", e.Email, network)
	})
	if err != nil {
		return "", fmt.Errorf("desk: sign in: %w", err)
	}
	return secret, nil
}
