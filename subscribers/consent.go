package subscribers

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"apta/subscribers/database"
)

// Consent is the evidence for an entry of the consent log.
type Consent struct {
	Source  string    // by which way it came, such as "one-click" or "import readers.csv"; no address
	Network string    // from which network, such as 192.0.2.0/24; empty where there is none
	Wording string    // the words agreed to, as they were shown; empty where there were none
	Agreed  time.Time // when, where that was not now but is being imported
}

// Entry is one line of the consent log.
type Entry struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"` // a Status or what was changed
	Source  string    `json:"source"`
	Agreed  time.Time `json:"agreed,omitzero"`
	Version string    `json:"version,omitempty"` // names the wording
	Wording string    `json:"wording,omitempty"`
	Network string    `json:"network,omitempty"`
	// Intact is false where the entry or one before it is not as it was written.
	Intact bool `json:"-"`
}

const insertConsent = `INSERT INTO consents (subscriber_id, id, at, what, source, agreed, wording, link) VALUES `

// log adds an entry to the log of a subscriber whose row the transaction has
// locked: two entries must not follow the same one.
func (s *Store) log(ctx context.Context, tx *sql.Tx, id database.ID, what string, c Consent) error {
	return s.logAll(ctx, tx, id, said{what, c})
}

// said is one thing to be written down.
type said struct {
	what string
	Consent
}

// logAll is log for several entries at once.
func (s *Store) logAll(ctx context.Context, tx *sql.Tx, id database.ID, all ...said) error {
	var last string
	err := tx.QueryRowContext(ctx, `SELECT link FROM consents WHERE subscriber_id = $1 ORDER BY id DESC LIMIT 1`, id).Scan(&last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	var wordings, entries, networks rowsOf
	for _, one := range all {
		version := wordingVersion(one.Wording)
		if version != "" {
			wordings.add(version, one.Wording)
		}
		e := s.entry(id, one.what, one.Consent, version)
		last = s.keys.link(last, &e)
		entries.add(e.subscriber, e.id, e.at, e.what, e.source, e.agreed, e.wording, last)
		if one.Network != "" {
			networks.add(id, e.id, one.Network)
		}
	}
	err = wordings.insert(ctx, tx, `INSERT INTO wordings (version, words) VALUES `, ` ON CONFLICT DO NOTHING`)
	if err == nil {
		err = entries.insert(ctx, tx, insertConsent, ``)
	}
	if err == nil {
		err = networks.insert(ctx, tx, `INSERT INTO consent_networks (subscriber_id, consent_id, network) VALUES `, ``)
	}
	return err
}

// rowsOf are the values of the rows of one small INSERT.
type rowsOf struct {
	values strings.Builder
	args   []any
}

func (r *rowsOf) add(args ...any) {
	for i := range args {
		r.values.WriteString([]string{", ($", ", $"}[min(i, 1)])
		r.values.WriteString(strconv.Itoa(len(r.args) + i + 1))
	}
	r.values.WriteByte(')')
	r.args = append(r.args, args...)
}

// insert inserts the rows between head and tail, where there are any.
func (r *rowsOf) insert(ctx context.Context, tx *sql.Tx, head, tail string) error {
	if len(r.args) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, head+strings.TrimPrefix(r.values.String(), ", ")+tail, r.args...)
	return err
}

func (s *Store) entry(id database.ID, what string, c Consent, version string) entryRow {
	return entryRow{subscriber: id, id: s.ids.Next(), at: database.Millis(s.now()), what: what, source: c.Source, agreed: untilMillis(c.Agreed), wording: version}
}

// entryRow is an entry as it is stored.
type entryRow struct {
	subscriber, id database.ID
	at             int64
	what, source   string
	agreed         int64
	wording        string
}

// said is what the link of an entry speaks of. Texts are quoted, so that no two
// entries read the same.
func (e *entryRow) said(last string) []byte {
	b := append(make([]byte, 0, 128), last...)
	for _, n := range [...]int64{int64(e.subscriber), int64(e.id), e.at, e.agreed} {
		b = strconv.AppendInt(append(b, ' '), n, 10)
	}
	for _, s := range [...]string{e.what, e.source, e.wording} {
		b = strconv.AppendQuote(append(b, ' '), s)
	}
	return b
}

// wordingVersion names words by their content.
func wordingVersion(words string) string {
	if words == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(words))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// Consents gives the consent log of a subscriber, the oldest entry first. An
// erased one's can still be read by their ID.
func (s *Store) Consents(ctx context.Context, id database.ID) ([]Entry, error) {
	rows, err := s.db.Query(ctx, `
SELECT c.id, c.at, c.what, c.source, c.agreed, c.wording, c.link, coalesce(w.words, ''), coalesce(n.network, '')
FROM consents c LEFT JOIN wordings w ON w.version = c.wording
	LEFT JOIN consent_networks n ON n.subscriber_id = c.subscriber_id AND n.consent_id = c.id
WHERE c.subscriber_id = $1 ORDER BY c.id`, id)
	if err != nil {
		return nil, fmt.Errorf("subscribers: consents: %w", err)
	}
	defer rows.Close()
	var list []Entry
	intact, last := true, ""
	for rows.Next() {
		row, e, link := entryRow{subscriber: id}, Entry{}, ""
		if err := rows.Scan(&row.id, &row.at, &row.what, &row.source, &row.agreed, &row.wording, &link, &e.Wording, &e.Network); err != nil {
			return nil, fmt.Errorf("subscribers: consents: %w", err)
		}
		// Entries from before the chain have no link, and none follows one that has.
		unchained := link == "" && last == ""
		intact = intact && (unchained || link == s.keys.link(last, &row)) && row.wording == wordingVersion(e.Wording)
		e.At, e.What, e.Source, e.Version, e.Intact = database.FromMillis(row.at), row.what, row.source, row.wording, intact
		if row.agreed != 0 {
			e.Agreed = database.FromMillis(row.agreed)
		}
		list, last = append(list, e), link
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("subscribers: consents: %w", err)
	}
	return list, nil
}

// String is the entry in one line.
func (e Entry) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s by %s", e.At.Format("2006-01-02 15:04:05Z"), e.What, e.Source)
	if e.Network != "" {
		fmt.Fprintf(&b, " from %s", e.Network)
	}
	if !e.Agreed.IsZero() {
		fmt.Fprintf(&b, ", agreed %s", e.Agreed.Format("2006-01-02 15:04:05Z"))
	}
	if e.Wording != "" {
		fmt.Fprintf(&b, ": %q (wording %s)", e.Wording, e.Version)
	}
	if !e.Intact {
		b.WriteString("  NOT AS IT WAS WRITTEN")
	}
	return b.String()
}
