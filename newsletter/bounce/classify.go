package bounce

import "strings"

// weak reports whether a class says too little to stop looking.
func weak(c Class) bool { return c == Unclear }

// judge says what a failure means: by the server's own words, and where they say
// nothing by the rest of the report. What calls itself temporary is soft, also when
// it was tried for days: only 4.1.1 has ever been about the address itself.
func (to *Recipient) judge(around string) {
	to.Class = classify(to.Diagnostic, around, to.Status, to.Code)
	if weak(to.Class) {
		to.Class = classify(around, around, to.Status, to.Code)
	}
	// Prose without a code for it, or a command that was refused, is weak evidence
	// against an address: what looks like it may be quoted. It counts as soft.
	if to.prose && to.Class == MailboxUnknown && command(around) == "" && !strings.Contains(to.Status, ".1.") && bluffs(to.Diagnostic) {
		to.Class = Filtered
	}
	to.Kind = to.Class.kind()
	temporary := strings.HasPrefix(to.Status, "4") || to.Status == "" && to.Code >= 400 && to.Code < 500
	if temporary && !(to.Class == MailboxUnknown && strings.HasPrefix(to.Status, "4.1.")) {
		to.Kind = Soft
	}
}

// classify gives the reason of a failure. Words come before codes, because servers
// choose their codes carelessly: a full mailbox is refused with 5.1.1 as well as
// with 5.2.2. around is what the report says besides the server's own words.
func classify(said, around, status string, code int) Class {
	if status == "5.1.7" || status == "5.1.8" {
		return SenderRejected
	}
	l := strings.ToLower(strings.Join(strings.Fields(said), " "))
	for _, p := range phrases {
		for _, words := range p.words {
			if contains(l, words) {
				switch {
				case p.class.kind() == Hard && command(l) == "MAIL": // it is the sender that does not exist
					return SenderRejected
				case p.class == MailboxUnknown && bluff[words]:
					return unknownOr(l, around, status)
				}
				return p.class
			}
		}
	}
	return classOfCode(status, code)
}

// contains finds words in a text; a * between them stands for anything short.
func contains(text, words string) bool {
	first, rest, split := strings.Cut(words, "*")
	at := strings.Index(text, first)
	if at < 0 || !split {
		return at >= 0
	}
	for at >= 0 {
		tail := text[at+len(first):]
		if contains(tail[:min(len(tail), 120)], rest) {
			return true
		}
		next := strings.Index(tail, first)
		if next < 0 {
			return false
		}
		at += len(first) + next
	}
	return false
}

// unknownOr tells an unknown mailbox from a filter that only says so: some large
// providers answer "user unknown" to the body of a mail they do not want. It is
// believed where the recipient was refused, or where the code is about the address.
func unknownOr(l, around, status string) Class {
	at := command(l)
	if at == "" {
		at = command(around)
	}
	if at == "DATA" && !strings.HasPrefix(status, "5.1.") {
		return Filtered
	}
	return MailboxUnknown
}

// bluff are the words that filters use too.
var bluff = map[string]bool{"user unknown": true, "unknown user": true, "no such user": true, "user not exist": true, "mailbox unavailable": true}

// bluffs reports whether a text says nothing surer of an unknown mailbox than filters do.
func bluffs(text string) bool {
	l := strings.ToLower(text)
	if strings.Contains(l, "unknown user:") {
		return false
	}
	for words := range bluff {
		l = strings.ReplaceAll(l, words, "")
	}
	return classify(l, "", "", 0) != MailboxUnknown
}

// classOfCode reads the enhanced status code (RFC 3463 and its registry), else the reply code.
func classOfCode(status string, code int) Class {
	if status != "" {
		if c, ok := byStatus[status[2:]]; ok {
			if status[0] == '4' && c.kind() == Hard && c != MailboxUnknown {
				return Network
			}
			return c
		}
		switch status[2] {
		case '1':
			return MailboxUnknown
		case '2':
			return Filtered
		case '3':
			return System
		case '4':
			return Network
		case '5':
			return Syntax
		case '6':
			return Content
		case '7':
			return ByPolicy
		}
		if status[0] == '4' {
			return Expired
		}
	}
	switch code {
	case 551:
		return MailboxMoved
	case 552:
		return MailboxFull
	case 521, 556:
		return NoMail
	case 421, 450, 451, 452:
		return Expired
	}
	return Unclear
}

// byStatus are the details of the codes, without their class.
var byStatus = map[string]Class{
	"1.0": Unclear, "1.1": MailboxUnknown, "1.2": DomainUnknown, "1.3": MailboxUnknown, "1.4": MailboxUnknown, "1.5": Unclear, "1.6": MailboxMoved,
	"1.7": SenderRejected, "1.8": SenderRejected, "1.9": Syntax, "1.10": NoMail,
	"2.0": Filtered, "2.1": MailboxInactive, "2.2": MailboxFull, "2.3": Size, "2.4": Filtered,
	"3.0": System, "3.1": System, "3.2": NoMail, "3.3": System, "3.4": Size, "3.5": System,
	"4.0": Expired, "4.1": Network, "4.2": Network, "4.3": Network, "4.4": Network, "4.5": System, "4.6": Network, "4.7": Expired, "4.14": Network,
	"7.1": ByPolicy, "7.13": MailboxInactive, "7.17": MailboxUnknown, "7.20": Auth, "7.21": Auth, "7.22": Auth, "7.23": Auth, "7.24": Auth, "7.25": Auth, "7.26": Auth, "7.27": NoMail, "7.28": Rate,
	"0.0": Unclear,
}
