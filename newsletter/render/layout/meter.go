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

// meterTree refuses functions that are not for templates, and puts a tick into
// every loop and at the beginning of every template.
func meterTree(t *parse.Tree) error {
	if t == nil || t.Root == nil {
		return nil
	}
	w := walker{tree: t}
	w.list(t.Root)
	t.Root.Nodes = append([]parse.Node{tickNode.Copy()}, t.Root.Nodes...)
	return w.problem
}

type walker struct {
	tree    *parse.Tree
	problem error
}

func (w *walker) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		w.node(n)
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
				if !allowed[arg.Ident] && w.problem == nil {
					where, _ := w.tree.ErrorContext(arg)
					w.problem = fmt.Errorf("%s: a template has no function %q (docs/templates.md lists those there are)", where, arg.Ident)
				}
			}
		}
	}
}
