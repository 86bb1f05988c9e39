package check

// fallbacks say what readers see whose mail program does not support a feature
// that the shipped templates use. A test fails where one is missing or idle.
var fallbacks = map[string]string{
	"css-at-media":                      "The styles in the elements stand: one column that is as wide as the window, with the larger title.",
	"css-at-media-prefers-color-scheme": "The light colours, or what the mail program makes of them when it darkens mails by itself.",
	"css-border-radius":                 "Square corners.",
	"css-color-scheme":                  "The mail program decides by itself whether it darkens the mail.",
	"css-height":                        "A picture keeps the height that its attribute says: on a narrow screen it is taller than it should be.",
	"css-max-height":                    "mso-hide and display:none hide the same, by themselves.",
	"css-overflow":                      "display:none hides the preheader by itself.",
	"css-pseudo-class-hover":            "Links are underlined, or of the ink's colour, all the time; nothing depends on the pointer.",
	"css-table-layout":                  "Outlook on the Mac lays all tables out like that anyway; on Windows a column grows with a word that is longer than it.",
	"css-text-wrap":                     "The title's lines break where they are full.",
	"css-word-wrap":                     "A word longer than a line goes over the column's edge; the column itself stays.",
	"html-anchor-links":                 "The contents list still says what is in the mail; its links do nothing.",
	"html-aria-hidden":                  "A screen reader that shows hidden text reads the preheader, which says what the mail is about.",
	"html-body":                         "The outer table has the paper's colour and the margins too.",
	"html-doctype":                      "Sizes are given so that they come out the same in quirks mode: no width together with padding.",
	"html-meta-color-scheme":            "The mail program decides by itself whether it darkens the mail.",
}
