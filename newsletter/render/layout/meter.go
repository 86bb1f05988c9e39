package layout

import (
	"errors"
	"fmt"
	"html/template"
	"strings"
	"text/template/parse"
	"time"
)

// Bounds of one filling in.
const (
	maxTime   = 2 * time.Second
	maxSteps  = 200_000 // times around a loop, and templates begun
	maxString = 64 << 10
)

// meter counts what one filling in takes.
type meter struct {
	steps int
	until time.Time
}

func (m *meter) start() { m.steps, m.until = 0, time.Now().Add(maxTime) }

// tickName is the function that meterTree puts into every loop and every template.
const tickName = "tick"

func (m *meter) tick() (string, error) {
	m.steps++
	if m.steps > maxSteps {
		return "", fmt.Errorf("it goes around its loops more than %d times", maxSteps)
	}
	if m.steps%64 == 0 && time.Now().After(m.until) {
		return "", fmt.Errorf("it takes longer than %v", maxTime)
	}
	return "", nil
}

// functions are all that a template can call besides comparisons. docs/templates.md lists them.
func (m *meter) functions() map[string]any {
	return map[string]any{tickName: m.tick, "raw": raw, "print": join}
}

// names are the same functions for parsing.
var names = (&meter{}).functions()

// raw lets a constant of a template stand as it is: html/template drops comments,
// and Outlook's conditional ones are meant to arrive.
func raw(s string) template.HTML { return template.HTML(s) }

// join takes the place of the built-in print: a template that doubles a string
// in a loop would otherwise fill the memory.
func join(parts ...any) (string, error) {
	var b strings.Builder
	for _, p := range parts {
		s := ""
		switch p := p.(type) {
		case string:
			s = p
		case template.HTML:
			return "", errors.New("print takes no HTML")
		default:
			s = fmt.Sprint(p)
		}
		if b.Len()+len(s) > maxString {
			return "", fmt.Errorf("print gives more than %d KB", maxString>>10)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// allowed are the functions that a template may name. The built-in ones that are
// missing call others (call), fill memory (printf, println, js) or are
// html/template's own matter (html, urlquery).
var allowed = map[string]bool{"and": true, "or": true, "not": true, "len": true, "index": true, "slice": true,
	"eq": true, "ne": true, "lt": true, "le": true, "gt": true, "ge": true, "raw": true, "print": true}

// tickNode is an assignment, which writes nothing and which the escaper leaves alone.
var tickNode = func() parse.Node {
	trees, err := parse.Parse("tick", "{{$tick := "+tickName+"}}", "", "", names)
	if err != nil {
		panic(err) // a constant that does not parse
	}
	return trees["tick"].Root.Nodes[0]
}()

// meterTrees refuses functions that are not for templates, templates that use
// themselves, and puts a tick into every loop and at the beginning of every template.
func meterTrees(trees []*parse.Tree) []error {
	var problems []error
	calls := map[string]*walker{}
	for _, t := range trees {
		if t == nil || t.Root == nil {
			continue
		}
		w := &walker{tree: t}
		w.list(t.Root)
		t.Root.Nodes = append([]parse.Node{tickNode.Copy()}, t.Root.Nodes...)
		calls[t.Name] = w
	}
	for name, w := range calls {
		w.acyclic(calls, name, map[string]bool{})
		problems = append(problems, w.problem)
	}
	return problems
}

// acyclic refuses a template that comes back to itself: it would not end.
func (w *walker) acyclic(all map[string]*walker, name string, seen map[string]bool) {
	var reaches func(at string) bool
	reaches = func(at string) bool {
		if at == name {
			return true
		}
		if seen[at] || all[at] == nil {
			return false
		}
		seen[at] = true
		for _, c := range all[at].calls {
			if reaches(c.Name) {
				return true
			}
		}
		return false
	}
	for _, c := range w.calls {
		if reaches(c.Name) {
			w.bad(c, "the template %q uses itself", name)
			return
		}
	}
}

type walker struct {
	tree    *parse.Tree
	depth   int
	calls   []*parse.TemplateNode
	problem error
}

// maxDepth is how deep loops and conditions may stand in each other.
const maxDepth = 30

func (w *walker) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	if w.depth++; w.depth > maxDepth {
		w.bad(l, "loops and conditions stand more than %d deep in each other", maxDepth)
		return
	}
	for _, n := range l.Nodes {
		w.node(n)
	}
	w.depth--
}

// bad keeps the first problem.
func (w *walker) bad(n parse.Node, format string, args ...any) {
	if w.problem == nil {
		where, _ := w.tree.ErrorContext(n)
		w.problem = errors.New(counted(where + ": " + fmt.Sprintf(format, args...)))
	}
}

func (w *walker) node(n parse.Node) {
	switch n := n.(type) {
	case *parse.ActionNode:
		w.pipe(n.Pipe)
	case *parse.IfNode:
		w.branch(&n.BranchNode)
	case *parse.WithNode:
		w.branch(&n.BranchNode)
	case *parse.RangeNode:
		w.branch(&n.BranchNode)
		n.List.Nodes = append([]parse.Node{tickNode.Copy()}, n.List.Nodes...)
	case *parse.TemplateNode:
		w.calls = append(w.calls, n)
		w.pipe(n.Pipe)
	case *parse.ListNode:
		w.list(n)
	}
}

func (w *walker) branch(b *parse.BranchNode) {
	w.pipe(b.Pipe)
	w.list(b.List)
	w.list(b.ElseList)
}

func (w *walker) pipe(p *parse.PipeNode) {
	if p == nil {
		return
	}
	for _, c := range p.Cmds {
		for _, arg := range c.Args {
			switch arg := arg.(type) {
			case *parse.PipeNode:
				w.pipe(arg)
			case *parse.ChainNode:
				if inner, ok := arg.Node.(*parse.PipeNode); ok {
					w.pipe(inner)
				}
			case *parse.IdentifierNode:
				if !allowed[arg.Ident] {
					w.bad(arg, "a template has no function %q (docs/templates.md lists those there are)", arg.Ident)
				}
			}
		}
	}
}
