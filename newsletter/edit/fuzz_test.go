package edit

import (
	"errors"
	"testing"

	"apta/newsletter"
	"apta/subscribers/database"
)

// random makes an edit of three bytes, of what is there and of what is not.
func random(i newsletter.Issue, items []newsletter.Item, kind, a, b byte, text string) Edit {
	id := func(n byte) database.ID { return database.ID(n % 11) } // 0 and 10 are nobody's
	item := items[int(a)%len(items)]
	strand := ""
	if n := len(i.Strands); n > 0 && int(b)%(n+1) < n {
		strand = i.Strands[int(b)%(n+1)].Name
	}
	other := ""
	if n := len(i.Strands); n > 0 {
		other = i.Strands[int(a)%n].Name
	}
	switch kind % 14 {
	case 0:
		return Take{Items: []newsletter.Item{item}, Strand: strand}
	case 1:
		return Out{Items: []newsletter.Item{item}}
	case 2:
		return Move{id(a), strand, 0}
	case 3:
		return Move{id(a), other, id(b)}
	case 4:
		return MoveStrand{other, strand}
	case 5:
		return Split{id(a)}
	case 6:
		return Merge{other, strand}
	case 7:
		return Headlines{Items: []newsletter.Item{item}, Before: id(b)}
	case 8:
		return Bridge{id(a), text}
	case 9:
		return Summary{id(a), text}
	case 10:
		return Anchor{id(a), text}
	case 11:
		return LockStrand{other, b%2 == 0}
	case 12:
		return Words{Worded[int(a)%len(Worded)], text}
	}
	return Pin{item, b%2 == 0}
}

// Whatever editors do, an issue stays sound, and an edit done twice is done once.
// Each third edit comes from an older revision.
func FuzzEdits(f *testing.F) {
	f.Add([]byte{2, 1, 0, 5, 2, 0, 6, 1, 2, 8, 3, 0, 9, 4, 0, 7, 6, 8}, "Meanwhile, *they* left.")
	f.Add([]byte{1, 5, 0, 0, 5, 1, 3, 6, 2, 4, 0, 2, 12, 0, 0}, "## 1. [x](y) <b>")
	f.Add([]byte{8, 1, 0, 8, 1, 0, 9, 1, 0, 10, 1, 0}, "И тогда")
	start, items, w := week(f)
	f.Fuzz(func(t *testing.T, ops []byte, text string) {
		base, now := start, start
		for n := 0; n+2 < len(ops) && n < 90; n += 3 {
			e := random(now, items, ops[n], ops[n+1], ops[n+2], text)
			from := now
			if n%9 == 6 {
				from = base
			}
			next, err := Rebase(from, now, e, w)
			if err != nil {
				var conflict *Conflict
				if !errors.Is(err, ErrGone) && !errors.Is(err, ErrWords) && !errors.As(err, &conflict) {
					t.Fatalf("%#v: %v", e, err)
				}
				continue
			}
			if err := Check(next); err != nil {
				t.Fatalf("%#v of %s: %v", e, shape(now), err)
			}
			if again, err := Rebase(from, next, e, w); err != nil || !Same(again, next) {
				t.Fatalf("%#v done twice: %v\n%s\n%s", e, err, shape(next), shape(again))
			}
			base, now = now, next
		}
	})
}
