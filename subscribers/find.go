package subscribers

import (
	"context"
	"fmt"
	"strings"

	"apta/subscribers/database"
)

// Search says which subscribers are looked for. Zero values leave nobody out.
type Search struct {
	Email  string // the whole address, as ParseAddress gives it
	Text   string // a part of the address or name; capitals of ASCII letters make no difference
	Status Status
	After  database.ID // those who came behind this one
}

// Find gives at most limit of the newsletter's subscribers that are looked for,
// in the order they came. Looking for a Text reads the whole table.
func (s *Store) Find(ctx context.Context, q Search, limit int) ([]Subscriber, error) {
	where, args := `id > $1 AND newsletter = $2`, []any{q.After, s.newsletter}
	add := func(condition string, value any) {
		args = append(args, value)
		where += strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(args)))
	}
	if q.Email != "" {
		add(` AND email = ?`, q.Email)
	}
	if q.Status != "" {
		add(` AND status = ?`, string(q.Status))
	}
	if q.Text != "" {
		pattern := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Text) + "%"
		// What PostgreSQL makes small differs with its locale, so capitals are looked
		// for as they are too.
		add(` AND (email LIKE ? ESCAPE '\' OR name LIKE ? ESCAPE '\'`, pattern)
		add(` OR lower(email) LIKE ? ESCAPE '\' OR lower(name) LIKE ? ESCAPE '\')`, lowerASCII(pattern))
	}
	args = append(args, limit)
	return s.list(ctx, fmt.Sprintf(selectSubscriber+`WHERE %s ORDER BY id LIMIT $%d`, where, len(args)), args...)
}

// lowerASCII does what SQLite's lower does.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
