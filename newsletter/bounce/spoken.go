package bounce

import (
	"regexp"
	"strings"
)

// returnedMark opens the mail that came back inside a text, in the words of many programs.
var returnedMark = regexp.MustCompile(`(?im)^[ \t>|]*[-=*_+#|]{2,}[^\n]{0,12}\b(?:this is a copy of|below this line|enclosed is a copy|original (?:message|mail)|(?:the )?headers? of the original|message (?:header|text|body)|(?:returned|unsent|undelivered|failed|bounced) (?:message|mail|text)|header of|start of (?:header|message|returned)|copy of (?:the|your) message|included is a copy|der originalnachricht|ursprüngliche nachricht|texte du message|the following is the (?:first|header)|received message|message content|body of message)[^\n]*$` +
	`|^[ \t]*(?:original (?:message|mail) (?:follows|as follows|header)|original message[^\n]{0,20}:$|received message follows|(?:unsent|returned) message follows|message headers? (?:follows?|:)|message headers:|(?:the )?header of the message is|the (?:first|top) \d+ (?:lines|bytes) of the (?:message|original)|your (?:original )?message (?:follows|reads|was as follows|headers)|(?:a copy of )?the original message (?:follows|headers|was:)|the (?:text|body|first part|headers) of (?:the|your) (?:original )?(?:message|mail)|---+ *header|-+ message log|the message (?:headers|was as follows)|following is a copy|original headers|here is (?:a copy of|your)|copy of (?:the )?(?:original )?message|en-?t.te du message|kopie der nachricht|\[ *original message|текст сообщения|исходное сообщение|以下は元|元のメッセージ)[^\n]*$`)

// fieldStart is where a quoted header begins without any such line.
var fieldStart = regexp.MustCompile(`(?m)(?:^|\n[ \t>]*\n)[ \t>]*(?:Received: (?:from|by) |Return-Path: ?<|DKIM-Signature: |X-Envelope-From: )`)

// cutReturned parts a report's text from the mail that it quotes.
func cutReturned(s string) (said, returned string) {
	at, after := len(s), len(s)
	for _, loc := range returnedMark.FindAllStringIndex(s, 8) {
		// Only where a header follows: a report may begin with such a line.
		rest := s[loc[1]:min(len(s), loc[1]+6000)]
		if headerLike.MatchString(rest) && strings.TrimSpace(s[:loc[0]]) != "" {
			at, after = loc[0], loc[1]
			break
		}
	}
	if loc := fieldStart.FindStringIndex(s[:at]); loc != nil && strings.TrimSpace(s[:loc[0]]) != "" {
		at, after = loc[0], loc[0]
	}
	returned = s[after:]
	if quoted := regexpQuote.MatchString(returned); quoted {
		returned = regexpQuote.ReplaceAllString(returned, "")
	}
	return s[:at], returned
}

var (
	headerLike  = regexp.MustCompile(`(?im)^[ \t>|]*(?:received|from|to|date|subject|message-id|return-path|mime-version|x-[a-z-]+|reply-to|sender|dkim-signature): `)
	regexpQuote = regexp.MustCompile(`(?m)^(?:> ?| {2,}|\t)`)
)

// opening is a line that begins with the address it is about, alone or before a colon.
var opening = regexp.MustCompile(`^[\s>*|-]*(?:(?i:to|recipient|recipients?|addressed to|failed recipient|rcpt|unknown user|invalid final delivery userid|user mailbox exceeds allowed size|delivery failed \d+ attempts|undeliverable to|delivery failed|user unknown|e-?mail|address|unable to deliver message to|the following message to)\s*(?:address)?\s*[:=]?\s*)?["'<(\[]*(` + mailbox.String() + `)[>)\]"']*\s*(?:\.?\s*$|[:;,(\[]|\.\.\.|\s-|<|was undeliverable|\s{2,}|could not|\*|\son\s|\s(?:Invalid|Error))`)

// rcpt is a recipient in a transcript of SMTP, or in a reply that names it.
var rcpt = regexp.MustCompile(`(?i)(?:rcpt to: ?<?|(?:to=|[45]\d\d[- ](?:#?\d\.\d{1,3}\.\d{1,3} )?)<)(` + mailbox.String() + `)`)

// near is an address behind words that say what has become of it.
var near = regexp.MustCompile(`(?is)(?:deliver(?:ed|y)?[^@]{0,120}?(?:to|for|recipients?|address(?:es)?|:)|(?:user|recipients?|address|mailbox|account|rejected|unknown|destinataires?|empfänger|получател\S*|адрес\S*|пользовател\S*|宛先|收件人|destinatario|the following)[^@]{0,60}?)[\s:<"'(\[]+(` + mailbox.String() + `)`)

// named gives the recipients that the report's words name, the surest sign first.
func (m *mail) named() []string {
	for _, v := range m.header.all("X-Failed-Recipients") {
		if list := m.readers(findAddresses(v)); len(list) > 0 {
			return list
		}
	}
	said := m.said
	if at := listed.FindStringIndex(said); at != nil && strings.Contains(said[at[1]:], "@") {
		said = said[at[1]:]
	}
	var opened []string
	for line := range strings.SplitSeq(said, "\n") {
		if len(line) < 2000 {
			if sub := opening.FindStringSubmatch(line); sub != nil {
				opened = append(opened, sub[1])
			}
		}
	}
	if list := m.readers(opened); len(list) > 0 {
		return list
	}
	for _, a := range opened { // who sends to themselves is still the one who is named
		if same(a, firstAddress(m.returned.get("From"))) && !same(a, firstAddress(m.header.get("To"))) {
			return []string{tidy(a)}
		}
	}
	for _, pattern := range []*regexp.Regexp{rcpt, near} {
		var found []string
		for _, sub := range pattern.FindAllStringSubmatch(said, 50) {
			found = append(found, sub[1])
		}
		if list := m.readers(found); len(list) > 0 {
			return list
		}
	}
	if said != m.said {
		if list := m.readers(findAddresses(said)); len(list) > 0 {
			return list[:1]
		}
	}
	// Whom the mail was sent to is sure enough where the report names nobody else.
	sent := m.readers(findAddresses(words(m.returned.get("To"))))
	for _, a := range findAddresses(m.said) {
		for _, b := range sent {
			if same(a, b) {
				return []string{a}
			}
		}
	}
	if len(sent) == 1 {
		return sent
	}
	if rest := m.readers(findAddresses(m.subject)); len(rest) > 0 {
		return rest[:1]
	}
	if rest := m.readers(findAddresses(m.said)); len(rest) > 0 {
		return rest[:1]
	}
	if len(opened) > 0 {
		return opened[:1] // who wrote to themselves, or to a postmaster
	}
	if sub := near.FindStringSubmatch(said); sub != nil {
		return []string{tidy(sub[1])}
	}
	return nil
}

// listed ends the part in which some programs first repeat the header.
var listed = regexp.MustCompile(`(?i)(?:did not reach|(?:cannot|could not) be delivered to|was not delivered to|delivery failed for) the following recipients?(?:\(s\))?:`)

// mostReaders is how many recipients of one report are told apart.
const mostReaders = 50

// readers leaves out who sent the report, to whom it came, and mail systems, and
// every address but the first time.
func (m *mail) readers(found []string) (list []string) {
	known := map[string]bool{}
	for _, v := range []string{m.header.get("To"), m.header.get("From"), m.returned.get("From")} {
		for _, a := range findAddresses(v) {
			known[strings.ToLower(a)] = true
		}
	}
	for _, a := range found {
		a = tidy(a)
		if a == "" || machine(a) || known[strings.ToLower(a)] {
			continue
		}
		known[strings.ToLower(a)] = true
		if list = append(list, a); len(list) == mostReaders {
			break
		}
	}
	return list
}

// spoken reads a report that has no fields and reports whether it is one.
func (m *mail) spoken(r *Report) bool {
	if !m.failing() {
		return false
	}
	list := m.named()
	if len(list) == 0 {
		list = m.readers(findAddresses(words(m.returned.get("To"))))
	}
	late := m.warning()
	all := m.said
	if len(list) > 1 {
		all = all[:min(len(all), 16<<10)] // looked at once for each
	}
	for _, a := range list {
		to := Recipient{Address: a, Action: Failed, prose: true}
		if late {
			to.Action = Delayed
		}
		around := m.about(a, len(list) == 1)
		if around == "" {
			around = all
		}
		to.Code, to.Status = replyCode(around), strictStatus(around)
		to.Diagnostic = clip(strings.Join(strings.Fields(around), " "))
		to.judge(all)
		r.Recipients = append(r.Recipients, to)
	}
	if r.Kind = Soft; len(list) > 0 {
		r.settle()
	}
	return true
}
