package transport

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"apta/newsletter"

	gomail "github.com/wneessen/go-mail"
)

// Headers is what the header of every message of an edition says.
type Headers struct {
	From     mail.Address
	ReplyTo  *mail.Address // nil is none
	ListID   string        // such as weekly.news.example (RFC 2919)
	ListName string        // the phrase before it
	Archive  string        // URL of the public issues, or empty (RFC 2369)
	Feedback string        // names the mailing in Gmail's complaint rates: "week:slug:kind:sender"; empty is none
	Date     time.Time
}

// The slots of the header. Like those of the body they are letters only.
const (
	slotTo        newsletter.Slot = "to"
	slotMessageID newsletter.Slot = "messageid"
	slotMailto    newsletter.Slot = "mailto"
)

// Freeze builds an edition: a multipart/alternative message with the text and
// the HTML of m, or one of text alone where there is no HTML, slot markers
// standing where each reader's own words go. The same arguments give the same
// bytes.
func Freeze(m newsletter.Mail, h Headers) (*Edition, error) {
	return build(m, h, func(msg *gomail.Msg) {
		msg.SetGenHeaderPreformatted(gomail.HeaderListUnsubscribe, "<"+newsletter.SlotUnsubscribe.Marker()+">"+slotMailto.Marker())
		msg.SetGenHeaderPreformatted(gomail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click") // RFC 8058
		msg.SetGenHeaderPreformatted("List-Id", listID(h))
		// Both keep vacation responders quiet: the first is the standard (RFC 3834, 2 and 5),
		// which is meant for periodic mails too; the second is what older ones look at.
		msg.SetGenHeaderPreformatted("Auto-Submitted", "auto-generated")
		msg.SetGenHeaderPreformatted("Precedence", "bulk")
		if h.Feedback != "" {
			msg.SetGenHeaderPreformatted("Feedback-ID", h.Feedback)
		}
		if h.Archive != "" {
			msg.SetGenHeaderPreformatted("List-Archive", "<"+h.Archive+">")
		}
	})
}

// FreezeLetter builds a mail to one person, who asked for it by pressing a
// button: it belongs to no list, and nobody is to answer it by machine (RFC 3834, 5).
func FreezeLetter(m newsletter.Mail, h Headers) (*Edition, error) {
	return build(m, h, func(msg *gomail.Msg) { msg.SetGenHeaderPreformatted("Auto-Submitted", "auto-generated") })
}

// build makes the message; kind adds the fields that say what kind of mail it is.
func build(m newsletter.Mail, h Headers, kind func(*gomail.Msg)) (*Edition, error) {
	for _, s := range []string{m.Subject, h.From.Name, h.ListName, h.ListID, h.Archive, h.Feedback} {
		if strings.ContainsAny(s, "\r\n\x00") {
			return nil, fmt.Errorf("transport: freeze: %q has a line break in it, which no header may have", s)
		}
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	msg.SetAddrHeaderFromMailAddress(gomail.HeaderFrom, &h.From)
	if h.ReplyTo != nil {
		msg.SetAddrHeaderFromMailAddress(gomail.HeaderReplyTo, h.ReplyTo)
	}
	msg.SetGenHeaderPreformatted(gomail.HeaderSubject, foldedSubject(m.Subject))
	msg.SetDateWithValue(h.Date)
	msg.SetMessageIDWithValue(slotMessageID.Marker())
	msg.SetGenHeaderPreformatted("To", slotTo.Marker())
	kind(msg)
	plain := gomail.TypeTextPlain + "; format=flowed"
	if delSp(m.Language) {
		plain += "; delsp=yes"
	}
	msg.SetBodyString(plain, flow(m.Text, delSp(m.Language)))
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
		if err := embed(msg, m.Inline); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("transport: freeze: %w", err)
	}
	sum := sha256.Sum256([]byte(m.Text + m.HTML))
	return ParseEdition(inOrder(ownBoundaries(b.Bytes(), hex.EncodeToString(sum[:12]))))
}

// embed puts the pictures that the HTML shows by their Content-ID into the
// message (RFC 2387, RFC 2392).
func embed(msg *gomail.Msg, pictures []newsletter.Inline) error {
	for _, p := range pictures {
		if len(p.Body) == 0 {
			return fmt.Errorf("transport: freeze: the picture %s is to be in the mail, and is not there", p.Name)
		}
		if err := msg.EmbedReader(p.Name, bytes.NewReader(p.Body), gomail.WithFileContentType(gomail.ContentType(p.Type)), gomail.WithFileContentID("<"+p.ContentID()+">")); err != nil {
			return fmt.Errorf("transport: freeze: %s: %w", p.Name, err)
		}
	}
	return nil
}

// boundaryField finds the boundaries that go-mail made at random.
var boundaryField = regexp.MustCompile(`\r\n boundary=([0-9A-Za-z]+)\r\n`)

// ownBoundaries puts ones in their place that are made of the content: so they
// cannot occur in it by accident, and are the same every time.
func ownBoundaries(message []byte, sum string) []byte {
	for i, m := range boundaryField.FindAllSubmatch(message, -1) {
		own := "apta-" + sum
		if i > 0 {
			own += "-" + strconv.Itoa(i)
		}
		message = bytes.ReplaceAll(message, m[1], []byte(own))
	}
	return message
}

// headerOrder is how a person reads a header, and the same for every edition:
// go-mail writes preformatted fields in no order.
var headerOrder = []string{"Date", "From", "Reply-To", "To", "Subject", "Message-ID", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Archive", "Feedback-ID", "Auto-Submitted", "Precedence", "MIME-Version", "Content-Transfer-Encoding", "Content-Type"}

// inOrder sorts the fields of a message's header.
func inOrder(message []byte) []byte {
	header, body, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	fields := splitFields(string(header))
	rank := func(field string) int {
		name, _, _ := strings.Cut(field, ":")
		return slices.IndexFunc(headerOrder, func(s string) bool { return strings.EqualFold(s, name) })
	}
	slices.SortStableFunc(fields, func(a, b string) int { return rank(a) - rank(b) })
	return slices.Concat([]byte(strings.Join(fields, "\r\n")+"\r\n\r\n"), body)
}

// foldedSubject encodes a subject (RFC 2047) and folds it into lines of at most
// 78 octets (RFC 5322, 2.2.3), the first of which begins behind the field's name.
func foldedSubject(subject string) string {
	if encoded := mime.BEncoding.Encode("utf-8", subject); encoded != subject {
		return strings.ReplaceAll(encoded, "?= =?", "?=\r\n =?")
	}
	var b strings.Builder
	column := len("Subject:")
	for i, word := range strings.Split(subject, " ") {
		switch {
		case i > 0 && column+1+len(word) > 78:
			b.WriteString("\r\n ")
			column = 0
		case i > 0:
			b.WriteByte(' ')
		}
		b.WriteString(word)
		column += 1 + len(word)
	}
	return b.String()
}

// listID is the phrase, quoted or encoded as need be, and the identifier.
func listID(h Headers) string {
	if h.ListName == "" {
		return "<" + h.ListID + ">"
	}
	// An address has the same phrase, so its encoder serves.
	phrase := strings.TrimSuffix((&mail.Address{Name: h.ListName, Address: "x@x"}).String(), "<x@x>")
	return phrase + "<" + h.ListID + ">"
}
