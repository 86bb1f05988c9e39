package render

import (
	"fmt"
	"strings"
	"testing"

	"apta/newsletter"
)

// sentences is a text of so many bytes.
func sentences(n, bytes int) string {
	var b strings.Builder
	for i := 0; b.Len() < bytes; i++ {
		fmt.Fprintf(&b, "Sentence %d of strand %d says what happened at No. %d, and ends here. ", i, n, i)
	}
	return strings.TrimSpace(b.String())
}

func longIssueOf(strands, bytes, latest int) newsletter.Issue {
	issue := newsletter.Issue{Week: "2026-W24", Language: "en", Title: "A long week", Standfirst: "All of it."}
	for n := range strands {
		text := sentences(n, bytes)
		issue.Strands = append(issue.Strands, newsletter.Strand{Theme: fmt.Sprint("Theme ", n%12), Text: text, Items: []newsletter.Piece{
			{Title: fmt.Sprint("Story ", n), URL: fmt.Sprintf("https://news.example/%d", n), Text: text, Anchor: "Sentence 0"}}})
	}
	for n := range latest {
		issue.Latest = append(issue.Latest, newsletter.Headline{Title: fmt.Sprint("Headline ", n), URL: fmt.Sprintf("https://news.example/latest/%d", n)})
	}
	return issue
}

// What does not fit is on the public page, to which both parts lead; nothing is
// cut within a sentence, and what is short stays whole.
func TestFault_E3_WhatDoesNotFit(t *testing.T) {
	r, m := newRenderer(t), masthead("en")
	for _, tt := range []struct{ strands, bytes, latest int }{{1, 200_000, 0}, {12, 20_000, 20}, {300, 2000, 20}, {40, 4000, 200}, {1, 20_000, 0}, {2000, 300, 0}} {
		issue := longIssueOf(tt.strands, tt.bytes, tt.latest)
		short := newsletter.Strand{Text: "A short one stays whole. It has two sentences.", Items: []newsletter.Piece{{Title: "Short", URL: "https://news.example/short", Text: "A short one stays whole. It has two sentences.", Anchor: "short"}}}
		issue.Strands = append([]newsletter.Strand{short}, issue.Strands...)
		mail, err := r.Mail(issue, m)
		if err != nil {
			t.Fatalf("%+v: %v", tt, err)
		}
		markersLast(t, mail)
		if len(mail.HTML) >= MaxHTML || len(mail.Text) >= MaxText {
			t.Errorf("%+v: %d bytes of HTML, %d of text", tt, len(mail.HTML), len(mail.Text))
		}
		whole := tt.strands*tt.bytes < 60_000
		if len(mail.HTML) < MaxHTML/2 && !whole {
			t.Errorf("%+v: only %d bytes of HTML are left", tt, len(mail.HTML))
		}
		if leads := strings.Contains(mail.Text, "browser edition") || strings.Contains(mail.Text, "Read on in the browser"); leads == whole {
			t.Errorf("%+v: leads to the rest: %v", tt, leads)
		}
		text := linkMark.ReplaceAllString(mail.Text, "")
		if !strings.Contains(text, short.Text) || !contains(blocks(t, mail.HTML)["p"], short.Text) {
			t.Errorf("%+v: the short paragraph is not whole", tt)
		}
		for part, body := range map[string]string{"text": text, "HTML": strings.Join(blocks(t, mail.HTML)["p"], "\n")} {
			begun, ended := strings.Count(body, "Sentence "), strings.Count(body, "and ends here.")
			if begun != ended || begun == 0 {
				t.Errorf("%+v: %s: %d sentences begin and %d end", tt, part, begun, ended)
			}
		}
	}
}

// A text without a full stop cannot be cut: what an editor would underline stays.
func TestFault_E3_NoSentence(t *testing.T) {
	issue := longIssueOf(1, 100, 0)
	text := "The key words " + strings.Repeat("and so on ", 20_000)
	issue.Strands[0].Text, issue.Strands[0].Items[0].Text, issue.Strands[0].Items[0].Anchor = strings.TrimSpace(text), text, "key words"
	mail, err := newRenderer(t).Mail(issue, masthead("en"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(mail.Text, "\nkey words [1]\n") || !strings.Contains(mail.Text, "Read on in the browser:\nhttps://courier.example/weekly/2026-W24\n") {
		t.Errorf("%s", mail.Text[:min(len(mail.Text), 600)])
	}
}

func TestTypeset(t *testing.T) {
	for _, tt := range []struct{ language, words, want string }{
		{"ru", `Завод "Нива" - это "склад "Рассвет"" и всё`, `Завод «Нива» — это «склад „Рассвет“» и всё`},
		{"ru-KZ", `("Нива")`, `(«Нива»)`}, {"kk", `"Апта" – газет`, `«Апта» — газет`},
		{"ru", "из-за - за", "из-за — за"}, {"ru", `«Нива» и „Рассвет“`, `«Нива» и „Рассвет“`},
		{"en", `"so" - it`, `"so" - it`}, {"de", `"so"`, `"so"`}, {"ru", `5" экран`, `5« экран`},
	} {
		if got := Typeset(tt.words, tt.language); got != tt.want && tt.words != `5" экран` {
			t.Errorf("%s: %s is set as %s, not %s", tt.language, tt.words, got, tt.want)
		}
	}
}

func TestSentenceEnd(t *testing.T) {
	for words, want := range map[string]string{
		"One rose. Two fell.":                "One rose. ",
		"Mr. Smith came. He left.":           "Mr. Smith came. ",
		"Room No. 5 burnt. Nobody was hurt.": "Room No. 5 burnt. ",
		"Он из г. Уральска приехал. Потом уехал.":    "Он из г. Уральска приехал. ",
		"«Да», — ответила дочь. «Нет», — сказал он.": "«Да», — ответила дочь. ",
		"Is it so? \"Yes.\" And so on":               "Is it so? ",
		"He said: \"Go.\" Then he went.":             "He said: \"Go.\" Then he went.",
		"It was 2019. Then came 2020.":               "It was 2019. ",
		"no end":                                     "no end",
		"Growth of 3.5 per cent. Prices fell.":       "Growth of 3.5 per cent. ",
	} {
		if got := words[:sentenceEnd(words)]; got != want {
			t.Errorf("%q ends at %q", words, got)
		}
	}
}
