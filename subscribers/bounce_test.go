package subscribers

import (
	"strings"
	"testing"

	"apta/subscribers/database"
)

func TestMessageTagsProveOneMessage(t *testing.T) {
	keys, err := NewKeys([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	others, err := NewKeys([]byte(strings.Repeat("o", 32)))
	if err != nil {
		t.Fatal(err)
	}
	const issue, reader = database.ID(7 << 40), database.ID(8 << 40)
	tag := keys.MessageTag(issue, reader)
	if len(tag) != 16 || !keys.IsMessageTag(tag, issue, reader) || !keys.IsMessageTag(strings.ToUpper(tag), issue, reader) {
		t.Errorf("the tag %q is not known again", tag)
	}
	for name, known := range map[string]bool{
		"the next reader's":   keys.IsMessageTag(tag, issue, reader+1),
		"the next issue's":    keys.IsMessageTag(tag, issue+1, reader),
		"another secret's":    others.IsMessageTag(tag, issue, reader),
		"cut":                 keys.IsMessageTag(tag[:15], issue, reader),
		"longer":              keys.IsMessageTag(tag+"a", issue, reader),
		"none":                keys.IsMessageTag("", issue, reader),
		"a token of the kind": keys.IsMessageTag(keys.FoldedToken(PurposeReturn, reader, 0)[:16], issue, reader),
	} {
		if known {
			t.Errorf("%s is taken for it", name)
		}
	}
}
