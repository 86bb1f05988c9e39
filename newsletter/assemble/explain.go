package assemble

import (
	"fmt"
	"io"
	"strings"
)

// Write says in plain lines why an issue is as it is: every item and where it
// went, every paragraph, every bridge, and the title.
func (r Reasons) Write(w io.Writer) error {
	var b strings.Builder
	if r.Title.Why != "" {
		r.Title.write(&b)
	}
	for _, k := range r.Kept {
		fmt.Fprintf(&b, "  kept: %s\n", k)
	}
	for _, d := range r.Doubts {
		fmt.Fprintf(&b, "  doubtful: %s\n", d)
	}
	bridges := map[string]BridgeReason{}
	for _, br := range r.Bridges {
		bridges[br.URL] = br
	}
	items := map[string][]ItemReason{}
	var out []ItemReason
	for _, it := range r.Items {
		if it.In {
			items[it.Where] = append(items[it.Where], it)
		} else {
			out = append(out, it)
		}
	}
	for i, s := range r.Strands {
		fmt.Fprintf(&b, "\nPARAGRAPH %d  %s: %s\n", i+1, s.Name, s.Why)
		for _, it := range items[s.Name] {
			fmt.Fprintf(&b, "  %s\n    %s\n    %s\n", it.Title, it.URL, bridges[it.URL])
			if strings.HasPrefix(it.Why, pinnedWhy) {
				fmt.Fprintf(&b, "    %s\n", pinnedWhy)
			}
		}
	}
	explainList(&b, "LATEST NEWS", items["latest"])
	explainList(&b, "LEFT OUT", out)
	_, err := io.WriteString(w, b.String())
	return err
}

func (t TitleReason) write(b *strings.Builder) {
	fmt.Fprintf(b, "TITLE  %s\n", t.Why)
	for i, c := range t.Candidates {
		mark := " "
		if i == 0 {
			mark = "*"
		}
		fmt.Fprintf(b, "  %s %3d  %s (%s)\n", mark, c.Score, c.Title, c.Why)
	}
	fmt.Fprintf(b, "  subject: %s\n", t.Subject)
}

func explainList(b *strings.Builder, heading string, list []ItemReason) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", heading)
	for _, it := range list {
		fmt.Fprintf(b, "  %s\n    %s\n    %s\n", it.Title, it.URL, it.Why)
	}
}

// String says a bridge and its reason in one line.
func (r BridgeReason) String() string {
	bridge := "no bridge"
	if r.Bridge != "" {
		bridge = fmt.Sprintf("%q", r.Bridge)
	}
	if r.Relation != "" {
		return fmt.Sprintf("%s (%s): %s", bridge, strings.ReplaceAll(string(r.Relation), "_", " "), r.Why)
	}
	return fmt.Sprintf("%s: %s", bridge, r.Why)
}
