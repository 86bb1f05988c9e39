package newsletter

import (
	"time"

	"apta/subscribers/database"
)

// Item is one stored story. An item with Latest set is a headline for the list
// of latest news; every other item is woven into the review.
type Item struct {
	ID        database.ID `json:"id"`
	URL       string      `json:"url"`                // canonical, unique, http or https
	Title     string      `json:"title"`              // plain text
	Summary   string      `json:"summary,omitempty"`  // Markdown, inline marks only
	Source    string      `json:"source,omitempty"`   // who reported it
	Theme     string      `json:"theme,omitempty"`    // what it is about, as the title names it
	Place     string      `json:"place,omitempty"`    // where it happened
	Language  string      `json:"language,omitempty"` // BCP 47, such as "en"
	Published time.Time   `json:"published"`
	Strand    string      `json:"strand,omitempty"` // items with one strand make one paragraph
	Order     int         `json:"order,omitempty"`  // an editor's order within the issue; 0 is none
	Bridge    string      `json:"bridge,omitempty"` // the connective that opens it, comma included
	Latest    bool        `json:"latest,omitempty"`
	Image     string      `json:"image,omitempty"`
	Author    string      `json:"author,omitempty"`
	Others    int         `json:"others,omitempty"` // further sources that told the story; Tellings names them
}
