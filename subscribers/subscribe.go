package subscribers

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"apta/subscribers/database"
)

// Application is somebody's wish to get the newsletter.
type Application struct {
	Email   string     // as ParseAddress gives it
	From    netip.Addr // of whoever asks; the zero Addr where it is not known
	Source  string     // such as "subscribe page"
	Wording string     // what they agreed to by asking, as it was shown
	Wishes
}

// Wishes are what a reader chooses. Zero values leave what is stored, or the
// newsletter's way, as it is.
type Wishes struct {
	Name     string   `json:"name,omitempty"`
	Language string   `json:"language,omitempty"` // BCP 47
	Format   string   `json:"format,omitempty"`   // html or text
	Topics   []string `json:"topics,omitempty"`
	Every    int      `json:"every_weeks,omitempty"`
}

// Subscribe takes an application and has a letter sent: to a stranger one that
// asks to confirm, to a subscriber one that says so. What it answers and how
// long it takes is the same for both. A *LimitError says that nothing is sent.
func (s *Store) Subscribe(ctx context.Context, a Application) error {
	return s.request(ctx, letterApply, a)
}

// LostLink has the link to their page sent to a subscriber, and nothing to
// anybody else. It answers like Subscribe.
func (s *Store) LostLink(ctx context.Context, email string, from netip.Addr) error {
	return s.request(ctx, letterLost, Application{Email: email, From: from})
}

// request does the same for everybody: whose address it is, is asked when the
// letter is written (NextLetter).
func (s *Store) request(ctx context.Context, kind string, a Application) error {
	if err := a.Wishes.check(); err != nil {
		return fmt.Errorf("subscribers: %w", err)
	}
	body, err := json.Marshal(request{Wishes: a.Wishes, Source: a.Source, Wording: a.Wording, Network: s.Network(a.From)})
	if err != nil {
		return fmt.Errorf("subscribers: %w", err)
	}
	err = s.db.InSharedTx(ctx, func(tx *sql.Tx) error {
		if err := s.spend(ctx, tx, a.Email, a.From); err != nil {
			return err
		}
		return s.putLetter(ctx, tx, kind, a.Email, 0, string(body))
	})
	var limit *LimitError
	if err != nil && !errors.As(err, &limit) {
		err = fmt.Errorf("subscribers: %w", err)
	}
	return err
}

// request is an application as it waits with its letter.
type request struct {
	Wishes
	Source  string `json:"source,omitempty"`
	Wording string `json:"wording,omitempty"`
	Network string `json:"network,omitempty"`
}

// apply writes an application down before its letter leaves, and says which
// letter it is to be.
func (s *Store) apply(ctx context.Context, tx *sql.Tx, email string, at int64, r request) (kind Kind, sub Subscriber, err error) {
	if bad, err := s.isSuppressed(ctx, tx, email); err != nil || bad {
		return "", sub, err
	}
	newcomer := []arrival{{Subscriber: Subscriber{Email: email, Name: r.Name, Language: r.Language, Format: r.Format, Topics: r.Topics, Every: r.Every, Status: Pending}}}
	s.prepare(newcomer)
	in := newInserts(tx, s.db.Kind())
	defer in.close()
	if _, err := s.insertSubscribers(ctx, in, []*arrival{&newcomer[0]}); err != nil {
		return "", sub, err
	}
	if sub, err = scanSubscriber(tx.QueryRowContext(ctx, selectSubscriber+`WHERE email = $1 AND newsletter = $2`, email, s.newsletter)); err != nil {
		return "", sub, err
	}
	switch sub.Status {
	case Active, Paused:
		return LetterKnown, sub, nil
	case Suppressed, Erased:
		return "", sub, nil
	}
	_, err = tx.ExecContext(ctx, `
INSERT INTO applications (subscriber_id, at, name, language, format, topics, every_weeks, source, wording, network)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (subscriber_id) DO UPDATE SET at = excluded.at, name = excluded.name, language = excluded.language, format = excluded.format,
	topics = excluded.topics, every_weeks = excluded.every_weeks, source = excluded.source, wording = excluded.wording, network = excluded.network`,
		sub.ID, at, r.Name, r.Language, r.Format, joinTopics(r.Topics), r.Every, r.Source, r.Wording, r.Network)
	if r.Language != "" {
		sub.Language = r.Language // the letter's; a name that a stranger gave stands in none
	}
	return LetterConfirm, sub, err
}

// ErrExpired marks a link that was good once: what it was to confirm is too old,
// or was settled otherwise.
var ErrExpired = errors.New("the link is no longer valid")

// Confirm makes the reader of a confirmation letter a subscriber. Doing it again
// changes nothing and is no error. ErrToken and ErrExpired say what is wrong
// with the link.
func (s *Store) Confirm(ctx context.Context, token string, c Consent) (sub Subscriber, err error) {
	claim, err := s.keys.Open(PurposeConfirm, token)
	if err != nil {
		return sub, err
	}
	err = s.db.InSharedTx(ctx, func(tx *sql.Tx) error {
		// The no-op update locks the row, so that two presses are one after the other.
		sub, err = scanSubscriber(tx.QueryRowContext(ctx, `UPDATE subscribers SET status = status WHERE id = $1 RETURNING `+subscriberColumns, claim.ID))
		if errors.Is(err, ErrNotFound) {
			if claim.Prove(0) != nil {
				return ErrToken
			}
			return ErrExpired // the application was deleted, or everything was
		}
		if err != nil {
			return err
		}
		if err := claim.Prove(sub.Generation); err != nil {
			return err
		}
		if sub.Status == Active || sub.Status == Paused {
			return nil
		}
		return s.admit(ctx, tx, &sub, c)
	})
	if err != nil && !errors.Is(err, ErrToken) && !errors.Is(err, ErrExpired) {
		err = fmt.Errorf("subscribers: confirm: %w", err)
	}
	return sub, err
}

// admit grants the open application of a subscriber, in few statements: many may
// confirm in the minute after an issue is praised somewhere.
func (s *Store) admit(ctx context.Context, tx *sql.Tx, sub *Subscriber, c Consent) error {
	var w Wishes
	var asked Consent
	var at int64
	var topics string
	err := tx.QueryRowContext(ctx, `DELETE FROM applications WHERE subscriber_id = $1 RETURNING at, name, language, format, topics, every_weeks, source, wording, network`, sub.ID).
		Scan(&at, &w.Name, &w.Language, &w.Format, &topics, &w.Every, &asked.Source, &asked.Wording, &asked.Network)
	asked.Agreed, w.Topics = database.FromMillis(at), splitTopics(topics)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !asked.Agreed.Add(s.rules.Open).After(s.now()) {
		return ErrExpired
	}
	if err != nil {
		return err
	}
	if bad, err := s.isSuppressed(ctx, tx, sub.Email); err != nil {
		return err
	} else if bad {
		return ErrExpired
	}
	w.over(sub)
	sub.Status, sub.PausedUntil = Active, time.Time{}
	if err := s.store(ctx, tx, sub); err != nil {
		return err
	}
	if err := s.logAll(ctx, tx, sub.ID, said{"asked", asked}, said{string(Active), c}); err != nil {
		return err
	}
	return s.told(ctx, tx, sub.ID, Active, c.Source)
}

// Reader finds whose link it is. Every reason why a link is not valid looks the
// same from outside: ErrToken. One who was erased is given as Erased, with
// nothing but an ID: their old mails' links are still known to be ours.
func (s *Store) Reader(ctx context.Context, p Purpose, token string) (Subscriber, error) {
	claim, err := s.keys.Open(p, token)
	if err != nil {
		return Subscriber{}, err
	}
	sub, err := s.ByID(ctx, claim.ID)
	gone := errors.Is(err, ErrNotFound)
	if err != nil && !gone {
		return Subscriber{}, err
	}
	// The proof is done for nobody too, so that its time tells nothing.
	if err := claim.Prove(sub.Generation); err != nil {
		return Subscriber{}, err
	}
	if gone {
		sub = Subscriber{ID: claim.ID, Status: Erased}
	}
	return sub, nil
}
