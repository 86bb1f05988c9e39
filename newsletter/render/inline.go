package render

import (
	"path"
	"strings"

	"apta/newsletter"
)

// inline names the pictures that a page shows by their Content-ID, each once.
func inline(p Page) []newsletter.Inline {
	list := inlineLook(p.Look)
	for _, s := range p.Paragraphs {
		list = addInline(list, s.Picture)
	}
	return list
}

func inlineLook(l Look) []newsletter.Inline { return addInline(addInline(nil, l.Logo), l.LogoDark) }

func addInline(list []newsletter.Inline, p *Picture) []newsletter.Inline {
	if p == nil {
		return list
	}
	name, isInline := strings.CutPrefix(string(p.Source), "cid:")
	if !isInline {
		return list
	}
	name = path.Base(strings.TrimSuffix(name, "@apta"))
	for _, known := range list {
		if known.Name == name {
			return list
		}
	}
	return append(list, newsletter.Inline{Name: name})
}

// oneBlank leaves at most two blank lines together, whatever a template left out,
// and none at the end.
func oneBlank(text string) string {
	text = strings.TrimLeft(text, "\n")
	for strings.Contains(text, "\n\n\n\n") {
		text = strings.ReplaceAll(text, "\n\n\n\n", "\n\n\n")
	}
	return strings.TrimRight(text, "\n") + "\n"
}
