package delivery

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// mark is what the journal says of one delivery.
type mark struct {
	id       int64
	was      State // in the row of the ledger, which the journal overrules
	state    State
	attempts int
	doubts   int
	until    int64
	at       int64 // Unix milliseconds
	code     int
	why      string
}

// errJournal marks a journal that this program did not write.
var errJournal = errors.New("delivery: the journal cannot be read")

// appendMarks writes marks as the journal keeps them: the time, then each mark as
// varints, its ID counted from the chunk's first.
func appendMarks(b []byte, first, at int64, marks []mark) []byte {
	b = binary.AppendVarint(b, at)
	for i := range marks {
		m := &marks[i]
		b = binary.AppendVarint(b, m.id-first)
		b = append(b, byte(m.was)<<4|byte(m.state))
		b = binary.AppendUvarint(b, uint64(m.attempts))
		b = binary.AppendUvarint(b, uint64(m.doubts))
		b = binary.AppendVarint(b, m.until)
		b = binary.AppendUvarint(b, uint64(m.code))
		b = binary.AppendUvarint(b, uint64(len(m.why)))
		b = append(b, m.why...)
	}
	return b
}

// readMarks reads what appendMarks wrote and hands on each mark.
func readMarks(b []byte, first int64, each func(mark)) error {
	r := varints{rest: b}
	at := r.signed()
	for len(r.rest) > 0 && !r.bad {
		m := mark{at: at, id: first + r.signed()}
		states := r.take(1)
		if r.bad {
			break
		}
		m.was, m.state = State(states[0]>>4), State(states[0]&15)
		m.attempts, m.doubts, m.until, m.code = int(r.unsigned()), int(r.unsigned()), r.signed(), int(r.unsigned())
		m.why = string(r.take(r.unsigned()))
		if m.was > Skipped || m.state > Skipped || r.bad {
			return errJournal
		}
		each(m)
	}
	if r.bad {
		return errJournal
	}
	return nil
}

// varints reads from a blob; bad is set where it ends too soon.
type varints struct {
	rest []byte
	bad  bool
}

func (r *varints) signed() int64 {
	v, n := binary.Varint(r.rest)
	r.skip(n)
	return v
}

func (r *varints) unsigned() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.skip(n)
	return v
}

func (r *varints) skip(n int) {
	if n <= 0 {
		r.rest, r.bad = nil, true
		return
	}
	r.rest = r.rest[n:]
}

func (r *varints) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.rest, r.bad = nil, true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// latest keeps the last mark of each delivery.
type latest map[int64]mark

func (l latest) add(m mark) { l[m.id] = m }

// sorted gives the marks in the order of their IDs.
func (l latest) sorted() []mark {
	marks := make([]mark, 0, len(l))
	for _, id := range slices.Sorted(maps.Keys(l)) {
		marks = append(marks, l[id])
	}
	return marks
}
