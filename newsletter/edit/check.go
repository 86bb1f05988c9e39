package edit

import (
	"fmt"
	"strings"

	"apta/newsletter"
	"apta/subscribers/database"
)

// Check says what is wrong with an issue's making: an item that is in it twice, a
// strand without pieces or of another's name, a text that its pieces do not make,
// or a link on words that are not there. Edits leave nothing of that.
func Check(i newsletter.Issue) error {
	seen, names := map[database.ID]bool{}, map[string]bool{}
	once := func(id database.ID, title string) error {
		if seen[id] {
			return fmt.Errorf("edit: %q is in the issue twice", title)
		}
		seen[id] = true
		return nil
	}
	for _, s := range i.Strands {
		if s.Name == "" || names[s.Name] || len(s.Items) == 0 {
			return fmt.Errorf("edit: strand %q has no name, the name of another one, or no pieces", s.Name)
		}
		names[s.Name] = true
		for _, p := range s.Items {
			if err := once(p.ID, p.Title); err != nil {
				return err
			}
			if !strings.Contains(newsletter.PlainText(p.Text), p.Anchor) {
				return fmt.Errorf("edit: the link of %q is on %q, which its text %q has not", p.Title, p.Anchor, p.Text)
			}
		}
		if text := told(s.Items); text != s.Text {
			return fmt.Errorf("edit: strand %q says %q, its pieces %q", s.Name, s.Text, text)
		}
	}
	for _, h := range i.Latest {
		if err := once(h.ID, h.Title); err != nil {
			return err
		}
	}
	return nil
}
