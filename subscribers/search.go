package subscribers

import (
	"context"
	"strings"
	"unicode"

	"apta/subscribers/database"
)

// Search gives the newsletter's subscribers whose address or name has a text in it,
// the latest first, at most limit of them, beginning behind the ID before (0 is
// the latest). status "" is any. Of letters beyond ASCII the text is looked for as
// it is written, in small letters, and with a capital: neither database folds them
// everywhere.
func (s *Store) Search(ctx context.Context, text string, status Status, before database.ID, limit int) ([]Subscriber, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	text = strings.TrimSpace(text)
	lower := strings.ToLower(text)
	return s.list(ctx, selectSubscriber+`WHERE id < $1 AND newsletter = $2 AND ($3 = '' OR status = $3)
	AND ($4 = '' OR lower(email) LIKE $5 ESCAPE '!' OR lower(name) LIKE $5 ESCAPE '!' OR name LIKE $6 ESCAPE '!' OR name LIKE $7 ESCAPE '!')
ORDER BY id DESC LIMIT $8`,
		before, s.newsletter, string(status), text, within(lower), within(text), within(capital(lower)), limit)
}

// within is the pattern of a text anywhere in another.
func within(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}

func capital(text string) string {
	for i, c := range text {
		return string(unicode.ToUpper(c)) + text[i+len(string(c)):]
	}
	return text
}
