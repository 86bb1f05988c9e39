package subscribers

import (
	"context"
	"fmt"
)

// Variant is a form of an issue that some readers want. An issue is rendered
// once for each, not once a reader.
type Variant struct {
	Topics []string // none is all of them
	Text   bool     // plain text only
}

// Key names a variant; that of the whole issue in HTML is empty.
func (v Variant) Key() string {
	format := "html"
	if v.Text {
		format = "text"
	}
	return VariantKey(format, joinTopics(v.Topics))
}

// VariantKey is the key of a reader's variant, made of the columns format and
// topics of their row.
func VariantKey(format, topics string) string {
	if format != "text" {
		format = "html"
	}
	switch {
	case topics != "":
		return format + "\n" + topics
	case format == "text":
		return format
	}
	return ""
}

// Variants gives the variants that readers want, those that most want first, at
// most limit of them. Who is paused is counted too: they may be back by then.
func (s *Store) Variants(ctx context.Context, limit int) (list []Variant, err error) {
	rows, err := s.db.Query(ctx, `
SELECT format, topics FROM subscribers WHERE newsletter = $2 AND (status = 'active' OR status = 'paused')
GROUP BY format, topics ORDER BY count(*) DESC, format, topics LIMIT $1`, limit, s.newsletter)
	if err != nil {
		return nil, fmt.Errorf("subscribers: variants: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var format, topics string
		if err := rows.Scan(&format, &topics); err != nil {
			return nil, fmt.Errorf("subscribers: variants: %w", err)
		}
		list = append(list, Variant{Topics: splitTopics(topics), Text: format == "text"})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("subscribers: variants: %w", err)
	}
	return list, nil
}
