package newsletter

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"apta/subscribers/database"
)

// wordsForm counts the ways in which issues' words were made; rows of an older
// form are made anew. Raise it with every change of Words or searchable.
const wordsForm = 1

// maxWords bounds what is kept of one issue, in bytes: PostgreSQL takes no more
// than a megabyte in all.
const maxWords = 400 << 10

// Terms gives the words that a query asks for, folded: at most twelve, none
// longer than any real word.
func Terms(query string) []string {
	const maxTerms, maxLength = 12, 64
	var terms []string
	for w := range Words(strings.ToValidUTF8(query, " ")) {
		if r := []rune(w.Folded); len(r) > maxLength {
			w.Folded = string(r[:maxLength])
		}
		if w.Folded != "" {
			terms = append(terms, w.Folded)
		}
		if len(terms) == maxTerms {
			break
		}
	}
	return terms
}

// Search finds the public issues in a language that have all the terms, as whole words or as
// beginnings of words, the best match first. A term is one that Terms gave.
func (s *Store) Search(ctx context.Context, newsletter, language string, terms []string, limit int) ([]PublicIssue, error) {
	if len(terms) == 0 {
		return nil, nil
	}
	// A term has letters, marks and digits only, so nothing in it ends a quoted word.
	join, suffix, quote := " ", "*", `"`
	query := publicColumns + `JOIN issue_index ON issue_index.rowid = issues.id ` + publicOnly +
		`AND issue_index MATCH $3 ORDER BY bm25(issue_index, 5.0, 1.0), window_to DESC, id DESC LIMIT $4`
	if s.db.Kind() == database.PostgreSQL {
		join, suffix, quote = " & ", ":*", "'"
		query = publicColumns + `JOIN issue_words ON issue_id = issues.id CROSS JOIN to_tsquery('simple', $3) AS wanted ` + publicOnly +
			`AND vector @@ wanted ORDER BY ts_rank(vector, wanted) DESC, window_to DESC, id DESC LIMIT $4`
	}
	parts := make([]string, len(terms))
	for i, t := range terms {
		parts[i] = quote + t + quote + suffix
	}
	return s.public(ctx, query, newsletter, language, strings.Join(parts, join), limit)
}

// IndexPublic writes down the words of the public issues that search does not
// know as they are now, and gives their number. Where there is none it only reads.
func (s *Store) IndexPublic(ctx context.Context, newsletter string) (int, error) {
	const atOnce = 100
	total := 0
	for {
		issues, err := s.public(ctx, selectPublic+`AND NOT EXISTS
	(SELECT 1 FROM issue_words w WHERE w.issue_id = issues.id AND w.revision = issues.revision AND w.form = $3) ORDER BY id LIMIT $4`, newsletter, "", wordsForm, atOnce)
		if err != nil || len(issues) == 0 {
			return total, err
		}
		err = s.db.InTx(ctx, func(tx *sql.Tx) error {
			for _, i := range issues {
				title, body := searchable(i.Issue)
				_, err := tx.ExecContext(ctx, `INSERT INTO issue_words (issue_id, revision, form, title, body) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (issue_id) DO UPDATE SET revision = excluded.revision, form = excluded.form, title = excluded.title, body = excluded.body`,
					i.ID, i.Revision, wordsForm, title, body)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return total, fmt.Errorf("newsletter: index: %w", err)
		}
		total += len(issues)
	}
}

// searchable gives the words of an issue's title, and of its paragraphs and headlines.
func searchable(i Issue) (title, body string) {
	var t, b strings.Builder
	fold(&t, i.Title)
	for _, s := range i.Strands {
		fold(&b, s.Text)
	}
	for _, h := range i.Latest {
		fold(&b, h.Title)
	}
	return t.String(), b.String()
}

// fold adds the words of a text, each with a blank behind it.
func fold(b *strings.Builder, text string) {
	for w := range Words(text) {
		if b.Len()+len(w.Folded) > maxWords {
			return
		}
		b.WriteString(w.Folded)
		b.WriteByte(' ')
	}
}
