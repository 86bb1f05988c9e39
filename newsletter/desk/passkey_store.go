package desk

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"apta/subscribers/database"

	"github.com/go-webauthn/webauthn/webauthn"
)

// Passkey is one of an editor's, without what checks it.
type Passkey struct {
	ID            database.ID
	Name          string // of the browser in which it was made
	Created, Used time.Time
}

// keyHolder is an editor as WebAuthn knows them.
type keyHolder struct {
	Editor
	keys []webauthn.Credential
}

func (k keyHolder) WebAuthnID() []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(k.ID))
}
func (k keyHolder) WebAuthnName() string                       { return k.Email }
func (k keyHolder) WebAuthnDisplayName() string                { return k.Name }
func (k keyHolder) WebAuthnCredentials() []webauthn.Credential { return k.keys }

// keyHash names a passkey: its own ID is of any length.
func keyHash(id []byte) []byte {
	sum := sha256.Sum256(id)
	return sum[:]
}

// holder gives an editor with their passkeys.
func (s *Editors) holder(ctx context.Context, id database.ID) (k keyHolder, err error) {
	if k.Editor, err = scanEditor(s.db.QueryRow(ctx, selectEditor+`WHERE id = $1`, id)); err != nil {
		return k, err
	}
	rows, err := s.db.Query(ctx, `SELECT credential FROM editor_passkeys WHERE editor = $1`, id)
	if err != nil {
		return k, fmt.Errorf("desk: passkeys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		var c webauthn.Credential
		if err := rows.Scan(&text); err != nil {
			return k, fmt.Errorf("desk: passkeys: %w", err)
		}
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return k, fmt.Errorf("desk: passkeys: %w", err)
		}
		k.keys = append(k.keys, c)
	}
	if err := rows.Err(); err != nil {
		return k, fmt.Errorf("desk: passkeys: %w", err)
	}
	return k, nil
}

// Passkeys gives an editor's, the oldest first.
func (s *Editors) Passkeys(ctx context.Context, editor database.ID) (list []Passkey, err error) {
	rows, err := s.db.Query(ctx, `SELECT id, name, created, used FROM editor_passkeys WHERE editor = $1 ORDER BY id`, editor)
	if err != nil {
		return nil, fmt.Errorf("desk: passkeys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p Passkey
		var created, used int64
		if err := rows.Scan(&p.ID, &p.Name, &created, &used); err != nil {
			return nil, fmt.Errorf("desk: passkeys: %w", err)
		}
		p.Created, p.Used = database.FromMillis(created), database.FromMillis(used)
		list = append(list, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("desk: passkeys: %w", err)
	}
	return list, nil
}

func (s *Editors) addPasskey(ctx context.Context, e Editor, name string, c *webauthn.Credential) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	now := database.Millis(s.now())
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO editor_passkeys (hash, id, editor, name, credential, created, used) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
			keyHash(c.ID), s.ids.Next(), e.ID, name, string(text), now)
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, e, "passkey.add", name, "")
	})
	if err != nil {
		return fmt.Errorf("desk: add a passkey: %w", err)
	}
	return nil
}

// RemovePasskey takes one of an editor's passkeys away.
func (s *Editors) RemovePasskey(ctx context.Context, e Editor, id database.ID) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM editor_passkeys WHERE id = $1 AND editor = $2`, id, e.ID); err != nil {
			return err
		}
		return s.audit(ctx, tx, e, "passkey.remove", id.String(), "")
	})
	if err != nil {
		return fmt.Errorf("desk: remove a passkey: %w", err)
	}
	return nil
}

// usePasskey signs in whoever has shown a passkey, and keeps what it counts.
func (s *Editors) usePasskey(ctx context.Context, e Editor, c *webauthn.Credential, agent, network string) (secret string, err error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE editor_passkeys SET credential = $1, used = $2 WHERE hash = $3 AND editor = $4`, string(text), database.Millis(s.now()), keyHash(c.ID), e.ID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrLink, err) // it was removed meanwhile
		}
		if secret, err = s.begin(ctx, tx, e.ID, agent, network); err != nil {
			return err
		}
		return s.audit(ctx, tx, e, "signin.passkey", e.Email, network)
	})
	if err != nil {
		return "", fmt.Errorf("desk: sign in by a passkey: %w", err)
	}
	return secret, nil
}

// challengeLife is how long a browser may take to answer a challenge.
const challengeLife = 5 * time.Minute

// challenge keeps what a browser was asked; the secret goes into its cookie. It is
// answered once.
func (s *Editors) challenge(ctx context.Context, asked *webauthn.SessionData) (secret string, err error) {
	text, err := json.Marshal(asked)
	if err != nil {
		return "", err
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		secret, err = s.addLink(ctx, tx, "challenge", Editor{}, []byte{}, string(text), challengeLife)
		return err
	})
	return secret, err
}

func (s *Editors) challenged(ctx context.Context, secret string) (asked webauthn.SessionData, err error) {
	var text string
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `DELETE FROM editor_links WHERE hash = $1 AND kind = 'challenge' AND expires > $2 RETURNING next`, hashOf(secret), database.Millis(s.now())).Scan(&text)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return asked, ErrLink
	}
	if err != nil {
		return asked, fmt.Errorf("desk: challenge: %w", err)
	}
	return asked, json.Unmarshal([]byte(text), &asked)
}
