package bounce

// Kind is what a report means for the one it speaks of.
type Kind string

// The kinds, from the gravest to the one that means nothing.
const (
	Complaint   Kind = "complaint"   // the reader called a mail spam
	Hard        Kind = "hard"        // no later mail will arrive either
	Soft        Kind = "soft"        // this mail did not arrive
	Unsubscribe Kind = "unsubscribe" // the reader's mail program asks to be left alone (RFC 2369)
	AutoReply   Kind = "auto-reply"  // a vacation note (RFC 3834)
	Other       Kind = "other"       // delivered, a challenge, a list's own mail, and what is not understood
)

// gravity orders kinds for a report that speaks of several recipients.
var gravity = map[Kind]int{Complaint: 5, Hard: 4, Soft: 3, Unsubscribe: 2, AutoReply: 1}

// Class is the reason for which a mail was not delivered.
type Class string

// The classes. Only the first four are hard: they are about the address and not
// about the mail, its sender, or the moment.
const (
	MailboxUnknown  Class = "mailbox unknown"
	DomainUnknown   Class = "domain unknown"
	MailboxMoved    Class = "mailbox moved"
	NoMail          Class = "domain takes no mail" // RFC 7505, and no mail exchanger at all
	MailboxFull     Class = "mailbox full"
	MailboxInactive Class = "mailbox inactive" // disabled, suspended: it may come back
	Filtered        Class = "filtered"         // an unnamed rule of the reader's or their provider's
	Spam            Class = "spam"
	Virus           Class = "virus"
	ByPolicy        Class = "policy"
	Auth            Class = "authentication" // SPF, DKIM, DMARC, or a missing PTR
	Blocked         Class = "blocked"        // the sending address or its reputation
	SenderRejected  Class = "sender rejected"
	Relay           Class = "relaying denied"
	Rate            Class = "rate"
	Size            Class = "size"
	Content         Class = "content"
	Security        Class = "security" // TLS or login
	Expired         Class = "expired"  // tried for as long as the sender's server tries
	Network         Class = "network"
	System          Class = "system"
	Syntax          Class = "syntax"
	Unclear         Class = "unclear"
)

// kind gives the kind of a failure of this class.
func (c Class) kind() Kind {
	switch c {
	case MailboxUnknown, DomainUnknown, MailboxMoved, NoMail:
		return Hard
	}
	return Soft
}

// Action is what was done with a message (RFC 3464, 2.3.3).
type Action string

// The actions. Delayed says that it is tried again, so nothing has failed yet.
const (
	Failed    Action = "failed"
	Delayed   Action = "delayed"
	Delivered Action = "delivered"
	Relayed   Action = "relayed"
	Expanded  Action = "expanded"
)

// Report is what was read of one mail.
type Report struct {
	Kind       Kind        // the gravest of its recipients'
	Recipients []Recipient // may be empty, where the mail names nobody
	MessageID  string      // of the mail that came back, without angle brackets; may be empty
	OwnID      string      // of the report itself, likewise
	Feedback   string      // of a complaint: its Feedback-Type (RFC 5965, 7.3)
	Subject    string      // of the report
	// Addresses are those to which the report was sent and those from which the
	// mail that came back was: one of them holds the reader's token, if any does.
	Addresses []string
	// Trusted is set where a provider's signature was verified: then the address of
	// its recipient is proof enough, for not all of them keep our Message-ID.
	Trusted bool
}

// Recipient is one address of which a report speaks.
type Recipient struct {
	Address    string
	Original   string // the address before it was forwarded; may be empty
	Kind       Kind
	Class      Class
	Action     Action
	Status     string // the enhanced status code, 5.1.1 (RFC 3463); may be empty
	Code       int    // the SMTP reply code; 0 where none is given
	prose      bool   // it was read from sentences, not from fields
	Diagnostic string // in the words of the server that refused
}
