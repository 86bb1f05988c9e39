package bounce

import (
	"context"
	"errors"
	"slices"
	"strings"

	"apta/subscribers"
	"apta/subscribers/database"
)

// found is whose a report is.
type found struct {
	reader, issue database.ID
	proof         string // "" where nobody knows
	address       string // the reader's
	leaving       bool   // it was sent to the address that unsubscribes
	letter        bool   // it was sent to where letters to one person come back
}

// prove finds out whose a report is. What it says of recipients proves nothing,
// for anybody can write that.
func (b *Book) prove(ctx context.Context, r Report) (f found, err error) {
	letter := false
	for _, address := range r.Addresses {
		letter = letter || slices.Contains(pieces(address), Letter)
		if f, err = b.byToken(ctx, address); err != nil || f.proof != "" {
			break
		}
	}
	if err != nil {
		return f, err
	}
	f.letter = letter
	if r.Trusted && f.proof == "" {
		defer func() {
			if err == nil && f.proof == "" {
				f, err = b.byAddress(ctx, r)
			}
		}()
	}
	if r.MessageID == "" {
		return f, nil
	}
	issue, reader, tag := messageParts(r.MessageID)
	switch {
	case issue == 0, f.proof != "" && f.reader != reader:
	case f.proof != "":
		f.issue = issue
	default:
		return b.byMessage(ctx, r, issue, reader, tag)
	}
	return f, nil
}

// Letter stands in the return path of a letter to one person, who may be no reader
// yet: that one did not arrive says nothing about a subscription.
const Letter = "letter"

// pieces are the words of an address's local part.
func pieces(address string) []string {
	local, _, _ := strings.Cut(address, "@")
	return strings.FieldsFunc(strings.ToLower(local), func(r rune) bool { return strings.ContainsRune("+-=._/", r) })
}

// byToken looks for a token of ours in an address.
func (b *Book) byToken(ctx context.Context, address string) (found, error) {
	for _, word := range pieces(address) {
		for _, purpose := range []subscribers.Purpose{subscribers.PurposeReturn, subscribers.PurposeUnsubscribe} {
			claim, err := b.Keys.OpenFolded(purpose, word)
			if err != nil {
				continue
			}
			sub, err := b.Readers.ByID(ctx, claim.ID)
			if errors.Is(err, subscribers.ErrNotFound) {
				continue
			}
			if err != nil {
				return found{}, err
			}
			if claim.Prove(sub.Generation) == nil {
				return found{reader: sub.ID, proof: "token", address: sub.Email, leaving: purpose == subscribers.PurposeUnsubscribe}, nil
			}
		}
	}
	return found{}, nil
}

// messageParts takes one of our Message-IDs apart: issue.reader.tag@domain, and
// issue.reader@domain of before there were tags.
func messageParts(id string) (issue, reader database.ID, tag string) {
	local, _, _ := strings.Cut(id, "@")
	parts := strings.Split(local, ".")
	if len(parts) != 2 && len(parts) != 3 {
		return 0, 0, ""
	}
	issue, err := database.ParseID(parts[0])
	if err != nil {
		return 0, 0, ""
	}
	if reader, err = database.ParseID(parts[1]); err != nil {
		return 0, 0, ""
	}
	if len(parts) == 3 {
		tag = parts[2]
	}
	return issue, reader, tag
}

// byAddress finds the reader whom a provider names that has proved who it is.
func (b *Book) byAddress(ctx context.Context, r Report) (found, error) {
	if len(r.Recipients) != 1 {
		return found{}, nil
	}
	address, err := subscribers.ParseAddress(r.Recipients[0].Address)
	if err != nil {
		return found{}, nil
	}
	for _, readers := range append([]*subscribers.Store{b.Readers}, b.Others...) {
		sub, err := readers.ByEmail(ctx, address)
		if err == nil {
			return found{reader: sub.ID, proof: "provider", address: sub.Email, leaving: r.Kind == Unsubscribe}, nil
		}
		if !errors.Is(err, subscribers.ErrNotFound) {
			return found{}, err
		}
	}
	return found{}, nil
}

// byMessage believes a Message-ID that carries our tag. One of the old form can be
// guessed, so it counts only where the report also knows the reader's address.
func (b *Book) byMessage(ctx context.Context, r Report, issue, reader database.ID, tag string) (found, error) {
	tagged := tag != "" && b.Keys.IsMessageTag(tag, issue, reader)
	if tag != "" && !tagged {
		return found{}, nil
	}
	sub, err := b.Readers.ByID(ctx, reader)
	if errors.Is(err, subscribers.ErrNotFound) {
		if tagged {
			return found{reader: reader, issue: issue, proof: "message-id"}, nil
		}
		return found{}, nil
	}
	if err != nil {
		return found{}, err
	}
	f := found{reader: reader, issue: issue, proof: "message-id", address: sub.Email}
	if tagged {
		return f, nil
	}
	for _, to := range r.Recipients {
		if same(to.Address, sub.Email) || same(to.Original, sub.Email) {
			f.proof = "message-id and address"
			return f, nil
		}
	}
	return found{}, nil
}
