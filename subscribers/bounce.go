package subscribers

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"apta/subscribers/database"
)

// Lock reads a subscriber's row inside a transaction and keeps it from changing
// until that ends. ErrNotFound where there is none.
func (s *Store) Lock(ctx context.Context, tx *sql.Tx, id database.ID) (Subscriber, error) {
	sub, err := scanSubscriber(tx.QueryRowContext(ctx, `UPDATE subscribers SET status = status WHERE id = $1 RETURNING `+subscriberColumns, id))
	if err != nil && !errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("subscribers: lock %s: %w", id, err)
	}
	return sub, err
}

// SetStatusTx is SetStatus inside a caller's transaction: what is known of a
// bounce and what it does to its reader are one thing.
func (s *Store) SetStatusTx(ctx context.Context, tx *sql.Tx, id database.ID, to Status, c Consent) (changed bool, err error) {
	if to == Erased || to == Suppressed || to == Pending {
		return false, fmt.Errorf("subscribers: %s is not a status to be set", to)
	}
	if changed, err = s.change(ctx, tx, id, to, time.Time{}, c); err == nil && changed && to == Active {
		err = s.told(ctx, tx, id, to, c.Source)
	}
	if err != nil {
		return false, fmt.Errorf("subscribers: make %s %s: %w", id, to, err)
	}
	return changed, nil
}

// messageTag is how many octets of a tag a Message-ID carries: 80 bits.
const messageTag = 10

// MessageTag proves that we made a Message-ID. IDs alone can be guessed, since
// readers who came together have neighbouring ones.
func (k *Keys) MessageTag(issue, reader database.ID) string {
	f := k.forms.Get().(*form)
	defer k.forms.Put(f)
	return folded.EncodeToString(f.tag(Purpose("message "+issue.String()), reader, 0)[:messageTag])
}

// IsMessageTag reports whether MessageTag gave a tag; capitals make no difference.
func (k *Keys) IsMessageTag(tag string, issue, reader database.ID) bool {
	raw, err := folded.DecodeString(strings.ToLower(tag))
	if err != nil || len(raw) != messageTag || len(tag) != folded.EncodedLen(messageTag) {
		return false
	}
	f := k.forms.Get().(*form)
	defer k.forms.Put(f)
	return subtle.ConstantTimeCompare(raw, f.tag(Purpose("message "+issue.String()), reader, 0)[:messageTag]) == 1
}
