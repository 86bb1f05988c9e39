package subscribers

import (
	"context"
	"database/sql"
	"fmt"
)

// Enrol is Add with the whole evidence of the consent: whoever calls it knows
// where and when somebody agreed to what. The subscriber is given as stored; of
// one who is Barred there is none. A *WishError names the field that is wrong.
func (s *Store) Enrol(ctx context.Context, sub Subscriber, c Consent) (stored Subscriber, out Outcome, err error) {
	w := Wishes{Name: sub.Name, Language: sub.Language, Format: sub.Format, Topics: sub.Topics, Every: sub.Every}
	if err := w.check(); err != nil {
		return sub, 0, fmt.Errorf("subscribers: enrol: %w", err)
	}
	sub.Language, sub.Topics = w.Language, w.Topics
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		stored, out, err = s.enrol(ctx, tx, sub, c)
		return err
	})
	if err != nil {
		err = fmt.Errorf("subscribers: enrol: %w", err)
	}
	return stored, out, err
}

func (s *Store) enrol(ctx context.Context, tx *sql.Tx, sub Subscriber, c Consent) (Subscriber, Outcome, error) {
	one := []arrival{{Subscriber: sub, agreed: c.Agreed}}
	s.prepare(one)
	a := &one[0]
	if bad, err := s.isSuppressed(ctx, tx, a.Email); err != nil || bad {
		return sub, Barred, err
	}
	in := newInserts(tx, s.db.Kind())
	defer in.close()
	added, err := s.insertSubscribers(ctx, in, []*arrival{a})
	switch {
	case err != nil:
	case added:
		if err = s.log(ctx, tx, a.ID, string(a.Status), c); err == nil {
			err = s.told(ctx, tx, a.ID, a.Status, c.Source)
		}
	default:
		err = s.meet(ctx, tx, []*arrival{a}, c.Source)
	}
	if err != nil {
		return sub, 0, err
	}
	stored, err := scanSubscriber(tx.QueryRowContext(ctx, selectSubscriber+`WHERE email = $1 AND newsletter = $2`, a.Email, s.newsletter))
	return stored, a.outcome, err
}
