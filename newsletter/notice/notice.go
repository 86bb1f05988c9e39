// Package notice keeps the mails to editors until they are sent: what the
// schedule says, links to sign in, invitations, reports.
package notice

import (
	"time"

	"apta/subscribers/database"
)

// Kind is what a notice says. Its words are those of the locales under
// notice_<kind>_subject, _text and _button; a new kind is these three words in
// every language and a line here.
type Kind string

// The notices.
const (
	Assembled  Kind = "assembled" // a draft waits for its editors
	Reminder   Kind = "reminder"  // the cut-off is near and nobody has approved it
	Approved   Kind = "approved"  // it goes out when its cool-off is over
	PulledBack Kind = "pulled"    // it was approved and is a draft again
	Held       Kind = "held"      // it waits for a person
	Skipped    Kind = "skipped"   // there is no issue, and why
	Sent       Kind = "sent"      // a send's report
	SignIn     Kind = "signin"    // the link that signs an editor in
	Invite     Kind = "invite"    // the link that makes somebody an editor
)

// Kinds lists every kind.
var Kinds = [...]Kind{Assembled, Reminder, Approved, PulledBack, Held, Skipped, Sent, SignIn, Invite}

// Notice is one mail to one editor.
type Notice struct {
	ID         database.ID
	Newsletter string // the slug of the newsletter whose postman sends it
	// Key says which notice this is, such as "assembled/ISSUE/address": of one key
	// one is written, ever. A notice without a key is one of its own.
	Key      string
	Kind     Kind
	To       string
	Language string            // the editor's; empty is the newsletter's
	Data     map[string]string // what stands in the texts' places: {week}, {title}
	Facts    []Fact            // listed beneath the text, in order; each is a place too
	Link     string            // where the button leads
	Expires  time.Time         // after which it is not sent any more; zero is never
	Tries    int               // this one counted
}

// Fact is one line of a notice's list, labelled by the locales' word
// notice_fact_<Name>. It says Text, or a moment in the newsletter's zone, or the
// locales' word notice_word_<Word>; one that says nothing is left out.
type Fact struct {
	Name string
	Text string    `json:",omitempty"`
	At   time.Time `json:",omitzero"`
	Word string    `json:",omitempty"`
}
