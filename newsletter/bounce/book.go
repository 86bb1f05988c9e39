package bounce

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"apta/subscribers"
	"apta/subscribers/database"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// Schema is the tables of this package.
func Schema() database.Schema { return database.SchemaIn(schemaFiles, "bounce") }

// Policy says when soft bounces are enough: so many issues that did not arrive
// within so many days.
type Policy struct {
	Soft int
	Days int
}

// Book writes down what comes back and does to its reader what is due. Its methods
// are safe for concurrent use, by several processes too.
type Book struct {
	DB      *database.DB
	IDs     *database.IDs
	Keys    *subscribers.Keys
	Readers *subscribers.Store   // of any newsletter: reports name readers by ID
	Others  []*subscribers.Store // of the further newsletters, for providers that name an address only
	Policy  Policy
	Folder  Folder // where mails are kept for a person
	Now     func() time.Time
}

// Outcome is what a report did.
type Outcome string

// The outcomes.
const (
	DidBounce      Outcome = "bounced"      // the reader is sent nothing more
	DidCount       Outcome = "counted"      // one soft bounce, and not yet too many
	DidComplain    Outcome = "complained"   // the reader is sent nothing more
	DidUnsubscribe Outcome = "unsubscribed" // the reader asked for it by mail
	DidNothing     Outcome = "nothing"      // it says nothing about a reader, or changes nothing
	Unproved       Outcome = "unproved"     // nobody knows whose it is: kept for a person (fault B1)
	Unread         Outcome = "unread"       // it could not be read: kept for a person (fault B3)
)

// Entry is one report as it was written down.
type Entry struct {
	ID         database.ID        `json:"id"`
	Digest     string             `json:"digest"`
	At         time.Time          `json:"at"`
	Source     string             `json:"source"`
	Kind       Kind               `json:"kind"`
	Class      Class              `json:"class,omitempty"`
	Action     Action             `json:"action,omitempty"`
	Status     string             `json:"status,omitempty"`
	Code       int                `json:"code,omitempty"`
	Diagnostic string             `json:"diagnostic,omitempty"`
	Reader     database.ID        `json:"reader,omitzero"`
	Issue      database.ID        `json:"issue,omitzero"`
	Proof      string             `json:"proof,omitempty"`
	Outcome    Outcome            `json:"outcome"`
	Why        string             `json:"why,omitempty"`
	Before     subscribers.Status `json:"before,omitempty"`
	Undone     time.Time          `json:"undone,omitzero"`
	// Repeated is set where the report had been taken before: nothing was done.
	Repeated bool `json:"-"`
}

// Digest names a report by its bytes.
func Digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// Take reads a mail and acts on it. source says which way it came. What it can
// make nothing of goes to the folder before it is written down, so an error means
// that the mail is still with whoever gave it.
func (b *Book) Take(ctx context.Context, raw []byte, source string) (Entry, error) {
	digest := Digest(raw)
	report, err := Parse(raw)
	if err != nil {
		if kept := b.Folder.Keep(digest, raw); kept != nil {
			return Entry{}, kept
		}
		return b.enter(ctx, Entry{Digest: digest, Source: source, Kind: Other, Outcome: Unread, Why: err.Error()})
	}
	e, err := b.judge(ctx, report, Entry{Digest: digest, Source: source})
	if err != nil {
		return e, err
	}
	if e.Outcome == Unproved || e.Outcome == Unread {
		if err := b.Folder.Keep(digest, raw); err != nil {
			return e, err
		}
	}
	return b.enter(ctx, e)
}

// TakeReport acts on a report that a provider has sent in its own form. digest
// names the event: an event that is told twice acts once.
func (b *Book) TakeReport(ctx context.Context, r Report, digest, source string) (Entry, error) {
	e, err := b.judge(ctx, r, Entry{Digest: digest, Source: source})
	if err != nil {
		return e, err
	}
	return b.enter(ctx, e)
}

// judge fills in what a report says, whose it is, and what it would do.
func (b *Book) judge(ctx context.Context, r Report, e Entry) (Entry, error) {
	found, err := b.prove(ctx, r)
	if err != nil {
		return e, err
	}
	e.Kind, e.Reader, e.Issue, e.Proof = r.Kind, found.reader, found.issue, found.proof
	if len(r.Recipients) > 0 {
		to := r.about(found.address)
		e.Class, e.Action, e.Status, e.Code, e.Diagnostic = to.Class, to.Action, to.Status, to.Code, anonymous(to.Diagnostic)
		if r.Kind != Complaint && r.Kind != Unsubscribe {
			e.Kind = to.Kind
		}
	}
	if found.leaving && e.Kind != Complaint && e.Kind != Hard && e.Kind != Soft && e.Kind != AutoReply {
		e.Kind = Unsubscribe // whatever the mail says, it was sent to where one leaves
	}
	switch {
	case e.Kind == AutoReply:
		e.Outcome, e.Why = DidNothing, "an automatic answer is no bounce"
	case e.Kind == Other && (len(r.Recipients) > 0 || e.Proof != ""):
		e.Outcome, e.Why = DidNothing, "it reports no failure"
	case e.Kind == Other:
		e.Outcome, e.Why = Unread, "it is no report that is known"
	case e.Proof == "" && found.letter:
		e.Outcome, e.Why = DidNothing, "a letter to one person came back"
	case e.Proof == "":
		e.Outcome, e.Why = Unproved, "it carries no token of ours and names no mail that we sent"
	case e.Kind == Unsubscribe && !found.leaving && !r.Trusted:
		e.Outcome, e.Why = Unproved, "it was not sent to the address in List-Unsubscribe"
	case e.Action == Delayed:
		e.Outcome, e.Why = DidNothing, "the mail is still being tried"
	}
	return e, nil
}

// about gives the recipient whom a report concerns: the one with the reader's
// address, else the gravest.
func (r *Report) about(address string) Recipient {
	var worst Recipient
	for i, to := range r.Recipients {
		if address != "" && (same(to.Address, address) || same(to.Original, address)) {
			return to
		}
		if i == 0 || gravity[to.Kind] > gravity[worst.Kind] {
			worst = to
		}
	}
	return worst
}

// anonymous takes addresses out of a server's words.
func anonymous(s string) string { return clip(mailbox.ReplaceAllString(s, "…")) }

// enter writes an entry down and, where it is proved, does what it says.
func (b *Book) enter(ctx context.Context, e Entry) (Entry, error) {
	e.ID, e.At = b.IDs.Next(), database.FromMillis(database.Millis(b.Now()))
	err := b.DB.InTx(ctx, func(tx *sql.Tx) error {
		e.Repeated = false
		res, err := tx.ExecContext(ctx, `
INSERT INTO bounces (id, digest, at, source, kind, class, action, status, code, diagnostic, subscriber_id, issue_id, proof, outcome, why, before, undone)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, '', 0) ON CONFLICT DO NOTHING`,
			e.ID, e.Digest, database.Millis(e.At), e.Source, string(e.Kind), string(e.Class), string(e.Action), e.Status, e.Code, e.Diagnostic, e.Reader, e.Issue, e.Proof, string(e.Outcome), e.Why)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			e.Repeated = err == nil
			return err
		}
		if e.Outcome != "" {
			return nil // it does nothing
		}
		return b.act(ctx, tx, &e)
	})
	if err == nil && e.Repeated {
		repeated, err := b.byDigest(ctx, e.Digest)
		repeated.Repeated = true
		return repeated, err
	}
	if err != nil {
		return e, fmt.Errorf("bounce: enter: %w", err)
	}
	return e, nil
}

// act does what an entry says to its reader, and notes what that was.
func (b *Book) act(ctx context.Context, tx *sql.Tx, e *Entry) error {
	sub, err := b.Readers.Lock(ctx, tx, e.Reader)
	if errors.Is(err, subscribers.ErrNotFound) {
		e.Outcome, e.Why = DidNothing, "there is no such reader any more"
		return b.note(ctx, tx, e)
	}
	if err != nil {
		return err
	}
	e.Before = sub.Status
	to, did := subscribers.Bounced, DidBounce
	why := "hard bounce: " + string(e.Class)
	switch e.Kind {
	case Complaint:
		to, did, why = subscribers.Complained, DidComplain, "complaint by way of their provider"
	case Unsubscribe:
		to, did, why = subscribers.Unsubscribed, DidUnsubscribe, "mail to the address in List-Unsubscribe"
	case Soft:
		n, err := b.softs(ctx, tx, e.Reader)
		if err != nil {
			return err
		}
		if n < b.Policy.Soft || b.Policy.Soft == 0 {
			e.Outcome, e.Why = DidCount, fmt.Sprintf("soft bounce %d of %d in %d days", n, b.Policy.Soft, b.Policy.Days)
			return b.note(ctx, tx, e)
		}
		why = fmt.Sprintf("%d soft bounces in %d days, the last: %s", n, b.Policy.Days, e.Class)
	}
	e.Outcome, e.Why = did, why
	changed, err := b.Readers.SetStatusTx(ctx, tx, e.Reader, to, subscribers.Consent{Source: why + " (report " + e.ID.String() + ")"})
	if err != nil {
		return err
	}
	if !changed {
		e.Outcome, e.Why = DidNothing, "the reader is "+string(sub.Status)+" already"
	}
	return b.note(ctx, tx, e)
}

// softs counts the issues that have softly bounced off a reader lately, with the
// entry that is being made. Two reports of one mail are one.
func (b *Book) softs(ctx context.Context, tx *sql.Tx, reader database.ID) (n int, err error) {
	since := b.Now().AddDate(0, 0, -b.Policy.Days)
	err = tx.QueryRowContext(ctx, `
SELECT count(DISTINCT CASE WHEN issue_id = 0 THEN id ELSE issue_id END) FROM bounces
WHERE subscriber_id = $1 AND at > $2 AND kind = 'soft' AND action <> 'delayed' AND proof <> '' AND undone = 0`, reader, database.Millis(since)).Scan(&n)
	return n, err
}

func (b *Book) note(ctx context.Context, tx *sql.Tx, e *Entry) error {
	_, err := tx.ExecContext(ctx, `UPDATE bounces SET outcome = $1, why = $2, before = $3 WHERE id = $4`, string(e.Outcome), e.Why, string(e.Before), e.ID)
	return err
}
