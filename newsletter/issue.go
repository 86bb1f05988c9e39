package newsletter

import (
	"time"

	"apta/subscribers/database"
)

// Issue is one week's review. Assembling makes it from items, editors change
// it, and approval freezes it into an edition.
type Issue struct {
	ID         database.ID `json:"id"`
	Newsletter string      `json:"newsletter"` // the slug of the newsletter it belongs to
	Week       string      `json:"week"`       // the window's name, such as 2024-W42
	From       time.Time   `json:"from"`       // half-open: [From, To)
	To         time.Time   `json:"to"`
	Language   string      `json:"language"` // BCP 47
	Title      string      `json:"title"`
	Standfirst string      `json:"standfirst"`
	Subject    string      `json:"subject"`
	Preheader  string      `json:"preheader"`
	Strands    []Strand    `json:"strands"`
	Latest     []Headline  `json:"latest"`
	Status     Status      `json:"status"`
	Revision   int         `json:"revision"` // grows by one with every stored change
	Created    time.Time   `json:"created"`
	Note       string      `json:"note,omitempty"` // why it is held, when it is
	Locks      []Lock      `json:"locks,omitempty"`
	Pins       []string    `json:"pins,omitempty"`     // URLs that open the review when it is assembled again, in this order
	Excluded   []string    `json:"excluded,omitempty"` // URLs that stay out of it

	ApprovedBy string    `json:"approved_by,omitempty"` // while it is approved or further
	SendsAt    time.Time `json:"sends_at,omitzero"`     // when what is approved goes out by itself; until then it cools off
	CutOff     time.Time `json:"cut_off,omitzero"`      // when the policy decides about a draft; zero is never
}

// Lock names a part of an issue that an editor made and that assembling again
// leaves as it is. Strands and pieces have locks of their own.
type Lock string

// What can be locked. The order is that of the strands and of the pieces in them.
const (
	LockTitle      Lock = "title"
	LockStandfirst Lock = "standfirst"
	LockSubject    Lock = "subject"
	LockPreheader  Lock = "preheader"
	LockOrder      Lock = "order"
	LockLatest     Lock = "latest" // the list of latest news
)

// Strand is one paragraph: its pieces' texts joined by a space.
type Strand struct {
	Name   string  `json:"name"`  // the items' strand, or one made of theme and place
	Theme  string  `json:"theme"` // of most of its items
	Text   string  `json:"text"`  // plain text, as a reader sees it
	Items  []Piece `json:"items"`
	Locked bool    `json:"locked,omitempty"` // its items, their order and words stay
}

// Piece is what one item says inside a strand.
type Piece struct {
	ID     database.ID `json:"id"`
	Title  string      `json:"title"`
	URL    string      `json:"url"`
	Source string      `json:"source,omitempty"`
	Bridge string      `json:"bridge,omitempty"` // "Meanwhile,"; empty where the text opens itself
	Text   string      `json:"text"`             // Markdown, bridge included
	Anchor string      `json:"anchor"`           // the words of the plain text that carry the link; found in it verbatim
	Locked bool        `json:"locked,omitempty"` // its bridge and words stay, wherever it goes

	Image   string   `json:"image,omitempty"`   // the item's, where it lies at its source
	Picture *Picture `json:"picture,omitempty"` // made of it; nil where there is none or it was not fit to be shown
}

// Headline is one line of the latest news.
type Headline struct {
	ID     database.ID `json:"id"`
	Title  string      `json:"title"`
	URL    string      `json:"url"`
	Source string      `json:"source,omitempty"`
	Theme  string      `json:"theme,omitempty"` // empty is everybody's
}

// Status says where an issue is on its way.
type Status string

// An issue goes from draft to approved to sending to sent; held is a stop from
// which a person lets it go on.
const (
	Draft    Status = "draft"
	Held     Status = "held"
	Approved Status = "approved"
	Sending  Status = "sending"
	Sent     Status = "sent"
)
