package bounce

import (
	"strings"
)

// delivery reads a delivery status (RFC 3464, RFC 6533) and reports whether the
// mail holds one that names a recipient.
func (m *mail) delivery(r *Report) bool {
	for _, p := range m.parts {
		if p.inner != m.wrapped || !strings.HasSuffix(p.media, "delivery-status") {
			continue
		}
		for _, group := range groups(p.body) {
			if to, found := m.recipient(group); found {
				r.Recipients = append(r.Recipients, to)
			}
		}
	}
	if len(r.Recipients) == 0 {
		return false
	}
	m.complete(r)
	r.settle()
	return true
}

// settle drops repeated recipients and takes the gravest kind as the report's.
func (r *Report) settle() {
	var list []Recipient
	for _, to := range r.Recipients {
		known := false
		for i := range list {
			if same(list[i].Address, to.Address) {
				known = true
				if gravity[to.Kind] > gravity[list[i].Kind] {
					list[i] = to
				}
			}
		}
		if !known {
			list = append(list, to)
		}
	}
	r.Recipients, r.Kind = list, Other
	for _, to := range list {
		if gravity[to.Kind] > gravity[r.Kind] {
			r.Kind = to.Kind
		}
	}
}

// groups parts a delivery status into its blocks of fields: the first is about the
// message, each further one about one recipient.
func groups(body string) (list []header) {
	for block := range strings.SplitSeq(body, "\n\n") {
		h, _ := readHeader([]byte(strings.TrimLeft(block, "\n")))
		// Some leave the empty line out, and begin anew with the next recipient.
		start, finals := 0, 0
		for i, f := range h {
			if strings.EqualFold(f.name, "Final-Recipient") {
				if finals++; finals > 1 {
					list, start = append(list, h[start:i]), i
				}
			}
		}
		if start < len(h) {
			list = append(list, h[start:])
		}
		if len(list) > maxParts {
			break
		}
	}
	return list
}

// recipient reads one recipient's block.
func (m *mail) recipient(h header) (Recipient, bool) {
	final, original := h.get("Final-Recipient"), h.get("Original-Recipient")
	if final == "" && original == "" && h.get("X-Actual-Recipient") == "" {
		return Recipient{}, false
	}
	to := Recipient{
		Address: typed(final), Original: typed(original),
		Status: statusCode(h.get("Status")), Diagnostic: diagnostic(h.get("Diagnostic-Code")),
	}
	if !located(to.Address) {
		switch actual := typed(h.get("X-Actual-Recipient")); {
		case located(to.Original):
			to.Address = to.Original
		case located(actual):
			to.Address = actual
		}
	}
	action, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(h.get("Action"))), " ")
	switch to.Action = Action(strings.Trim(action, "();,.")); to.Action {
	case Failed, Delayed, Delivered, Relayed, Expanded:
	default:
		to.Action = Failed
		if strings.HasPrefix(action, "deliver") || strings.HasPrefix(to.Status, "2") {
			to.Action = Delivered
		}
	}
	return to, true
}

// located reports whether an address has a domain that a reader's would have.
func located(a string) bool {
	_, domain, found := strings.Cut(a, "@")
	return found && strings.Contains(strings.Trim(domain, "."), ".")
}

// typed gives the address of a field like rfc822;somebody@example.org. Some write
// it in angle brackets, with a name, or in the encoding of RFC 6533.
func typed(v string) string {
	kind, address, found := strings.Cut(v, ";")
	if !found {
		kind, address = "rfc822", v
	}
	address = strings.TrimSpace(address)
	if strings.EqualFold(strings.TrimSpace(kind), "utf-8") {
		address = unicodeAddress(address)
	}
	if list := findAddresses(address); len(list) > 0 {
		return list[len(list)-1] // behind a source route, @one:user@other
	}
	return strings.Trim(address, "<> ")
}

// unicodeAddress undoes \x{…} of RFC 6533, 3.
func unicodeAddress(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, `\x{`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		digits, after, closed := strings.Cut(rest, "}")
		n, ok := hexRune(digits)
		if !closed || !ok {
			b.WriteString(`\x{`)
			s = rest
			continue
		}
		b.WriteRune(n)
		s = after
	}
}

func hexRune(s string) (n rune, ok bool) {
	if s == "" || len(s) > 6 {
		return 0, false
	}
	for _, c := range s {
		d := strings.IndexRune("0123456789abcdef", c|0x20)
		if d < 0 {
			return 0, false
		}
		n = n<<4 | rune(d)
	}
	return n, n <= 0x10FFFF && (n < 0xD800 || n > 0xDFFF)
}

// diagnostic gives what follows the type in smtp; 550 5.1.1 …
func diagnostic(v string) string {
	if kind, rest, found := strings.Cut(v, ";"); found && len(kind) < 16 && !strings.Contains(kind, " ") {
		v = rest
	}
	return strings.Join(strings.Fields(words(v)), " ")
}

// complete fills in what the fields leave open from the report's own words, and
// says what it means.
func (m *mail) complete(r *Report) {
	alone := len(r.Recipients) == 1
	for i := range r.Recipients {
		to := &r.Recipients[i]
		if !strings.Contains(to.Address, "@") && alone {
			if a := m.named(); len(a) > 0 {
				to.Original, to.Address = to.Address, a[0]
			}
		}
		around := m.about(to.Address, alone)
		coded := to.Diagnostic == ""
		if to.Diagnostic == "" {
			to.Diagnostic = clip(strings.Join(strings.Fields(around), " "))
		}
		to.Code = replyCode(to.Diagnostic)
		if s := strictStatus(to.Diagnostic); s != "" && (to.Status == "" || strings.HasSuffix(to.Status, ".0.0") || strings.HasSuffix(to.Status, ".0")) {
			to.Status = s
		}
		switch to.Action {
		case Delivered, Relayed, Expanded:
			to.Kind = Other
			continue
		}
		if to.judge(around); coded && sure[to.Status] {
			to.Class = classOfCode(to.Status, 0) // a scanner's footer around it says nothing
			to.Kind = to.Class.kind()
		}
	}
}

// sure are codes that mean what they say where nothing is said besides.
var sure = map[string]bool{"5.1.1": true, "5.1.2": true, "5.2.2": true, "5.1.6": true}

// about is what the report says of one recipient: all of it where there is only one.
func (m *mail) about(address string, alone bool) string {
	if alone {
		return m.said
	}
	if m.lines == nil {
		for text := range strings.SplitSeq(m.said, "\n") {
			m.lines = append(m.lines, line{text, findAddresses(text)})
		}
	}
	var b strings.Builder
	taken := 0
	for _, l := range m.lines {
		if len(l.addresses) > 0 {
			taken = 0
			for _, a := range l.addresses {
				if same(a, address) {
					taken = 5
				}
			}
		}
		if taken > 0 && b.Len() < 16<<10 {
			b.WriteString(l.text + "\n")
			taken--
		}
	}
	return b.String()
}

// line is one of the report's own words, with the addresses in it.
type line struct {
	text      string
	addresses []string
}

// clip bounds what is kept of a server's words.
func clip(s string) string {
	const most = 1000
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}
