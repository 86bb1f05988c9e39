package week

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/render/check"
	"apta/subscribers/database"
)

// mind is what assembly thinks of an issue as it stands: what its items are, and
// why it would put each where it would.
type mind struct {
	Material
	wording *assemble.Wording
	reasons assemble.Reasons
	err     error // why the week cannot be assembled, where it cannot
	items   map[string]assemble.ItemReason
	bridges map[string]assemble.BridgeReason
	strands map[string]assemble.StrandReason

	mu       sync.Mutex
	revision int // of which these are
	all      int
	each     []int
	lacks    []check.Finding // what of the mail some mail programs do not do
}

// sizes gives the bytes of an issue's mail in HTML, and of each of its strands in
// it, and looks what mail programs make of that mail. They take longer to find than all else on the screen.
func (m *mind) sizes(s *Screen, o open) (all int, each []int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.revision == o.issue.Revision {
		return m.all, m.each, nil
	}
	mail, err := s.Renderer.Mail(o.issue, o.room.Masthead())
	if err != nil {
		return 0, nil, err
	}
	paragraphs, err := s.Renderer.Paragraphs(o.issue)
	if err != nil {
		return 0, nil, err
	}
	m.each = nil
	for _, text := range paragraphs {
		m.each = append(m.each, len(text))
	}
	findings, err := check.Mail(mail)
	if err != nil {
		return 0, nil, err
	}
	m.lacks = slices.DeleteFunc(findings, func(f check.Finding) bool { return f.Support != check.Unsupported })
	m.all, m.revision = len(mail.HTML), o.issue.Revision
	return m.all, m.each, nil
}

// lacking gives what sizes has found some mail programs not to do.
func (m *mind) lacking() []check.Finding {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lacks
}

// minds keeps the last few: the reasons of a week take as long to find as the
// week to assemble, and only change with its items or locks.
type minds struct {
	mu    sync.Mutex
	known map[database.ID]thought
	turn  []database.ID
}

type thought struct {
	mark string
	*mind
}

const mostMinds = 8

func (m *minds) of(ctx context.Context, room Newsroom, issue newsletter.Issue) (*mind, error) {
	material, err := room.Material(ctx, issue)
	if err != nil {
		return nil, err
	}
	mark := markOf(material, issue)
	m.mu.Lock()
	have, found := m.known[issue.ID]
	m.mu.Unlock()
	if found && have.mark == mark {
		return have.mind, nil
	}
	made := think(material)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[database.ID]thought{}
	}
	m.known[issue.ID] = thought{mark, made}
	m.turn = append(slices.DeleteFunc(m.turn, func(id database.ID) bool { return id == issue.ID }), issue.ID)
	if len(m.turn) > mostMinds {
		delete(m.known, m.turn[0])
		m.turn = m.turn[1:]
	}
	return made, nil
}

// markOf is the same as long as the same would be thought: the items are, and
// what the draft keeps of an editor's.
func markOf(m Material, issue newsletter.Issue) string {
	h := fnv.New128a()
	for i := range m.Items {
		it := &m.Items[i]
		fmt.Fprintf(h, "%d %d %d %s\x00%s\x00%s\x00%s\x00%s\x00%v\n", it.ID, it.Order, it.Others, it.Title, it.Summary, it.Theme, it.Place, it.Bridge, it.Latest)
	}
	fmt.Fprintf(h, "%d %v %v %v", issue.ID, issue.Locks, issue.Pins, issue.Excluded)
	for _, s := range issue.Strands {
		fmt.Fprintf(h, "%s %v", s.Name, s.Locked)
		for _, p := range s.Items {
			fmt.Fprintf(h, " %d %v", p.ID, p.Locked)
		}
	}
	return string(h.Sum(nil))
}

func think(m Material) *mind {
	t := &mind{Material: m, wording: assemble.NewWording(m.Items, m.Style), items: map[string]assemble.ItemReason{},
		bridges: map[string]assemble.BridgeReason{}, strands: map[string]assemble.StrandReason{}}
	_, t.reasons, t.err = assemble.Compose(m.Items, m.Window, m.Style, m.Past)
	for _, r := range t.reasons.Items {
		t.items[r.URL] = r
	}
	for _, r := range t.reasons.Bridges {
		t.bridges[r.URL] = r
	}
	for _, r := range t.reasons.Strands {
		t.strands[r.Name] = r
	}
	return t
}
