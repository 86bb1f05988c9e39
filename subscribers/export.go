package subscribers

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// topicMark parts topics in a cell of a CSV.
const topicMark = "|"

// ExportCSV writes every subscriber. A cell that a spreadsheet would take for a
// formula begins with an apostrophe.
func (s *Store) ExportCSV(ctx context.Context, w io.Writer) error {
	const stamp = "2006-01-02T15:04:05Z"
	out := csv.NewWriter(w)
	out.Write([]string{"email", "name", "language", "format", "status", "topics", "every_weeks", "paused_until", "created"})
	err := s.Each(ctx, func(sub Subscriber) error {
		until := ""
		if !sub.PausedUntil.IsZero() {
			until = sub.PausedUntil.Format(stamp)
		}
		row := []string{sub.Email, sub.Name, sub.Language, sub.Format, string(sub.Status), strings.Join(sub.Topics, topicMark), strconv.Itoa(sub.Every), until, sub.Created.Format(stamp)}
		for i := range row {
			row[i] = defuse(row[i])
		}
		return out.Write(row)
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

// ExportJSONL writes every subscriber as one line of JSON.
func (s *Store) ExportJSONL(ctx context.Context, w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return s.Each(ctx, func(sub Subscriber) error { return enc.Encode(sub) })
}

// formula are the characters that make a spreadsheet reckon with a cell.
const formula = "=+-@\t\r"

func defuse(cell string) string {
	if cell != "" && strings.IndexByte(formula, cell[0]) >= 0 {
		return "'" + cell
	}
	return cell
}

// fuse undoes defuse, so that an export can be imported again.
func fuse(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte(formula, cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}
