package delivery

import (
	"context"
	"fmt"
	"strings"

	"apta/newsletter"
	"apta/newsletter/transport"
	"apta/subscribers/database"
)

// editions are the frozen messages of an issue by their variants. A nil one is
// of readers for whom the week has nothing.
type editions map[string]*transport.Edition

// editions reads every edition of an issue and signs it with the keys.
func (s *Sender) editions(ctx context.Context, issue database.ID, keys []transport.DKIM) (editions, error) {
	messages, err := s.store.Editions(ctx, issue)
	if err != nil {
		return nil, err
	}
	all := make(editions, len(messages))
	for variant, message := range messages {
		if string(message) == newsletter.NoEdition {
			all[variant] = nil
			continue
		}
		edition, err := transport.ParseEdition(message)
		if err != nil {
			return nil, fmt.Errorf("delivery: edition of issue %s: %w", issue, err)
		}
		if all[variant], err = edition.Sign(s.ledger.now(), keys...); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// of gives the edition of a variant. Who chose after the approval what nobody
// had chosen before gets the whole issue, in the format they want.
func (e editions) of(variant string) *transport.Edition {
	edition, frozen := e[variant]
	if !frozen && strings.HasPrefix(variant, "text") {
		edition, frozen = e["text"]
	}
	if !frozen {
		edition = e[""]
	}
	return edition
}
