package bounce

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"apta/newsletter/intake/heaptest"
)

const theirs = "reader@harbour.example"

// mails are in testdata/mails: one of each form, written for this test as the
// program or provider writes it.
var mails = map[string]struct {
	kind  Kind
	class Class
	to    string
}{
	"postfix": {Hard, MailboxUnknown, theirs}, "postfix-full": {Soft, MailboxFull, theirs}, "postfix-delayed": {Soft, Expired, theirs}, "expired": {Soft, Expired, theirs},
	"success": {Other, "", theirs}, "several": {Hard, MailboxUnknown, "one@harbour.example two@harbour.example three@harbour.example"},
	"utf8": {Hard, MailboxUnknown, "чит@порт.example"}, "policy": {Soft, Spam, theirs}, "domain": {Hard, DomainUnknown, theirs},
	"gmail": {Hard, MailboxUnknown, theirs}, "office365": {Hard, MailboxUnknown, theirs}, "exchange2003": {Hard, MailboxUnknown, theirs}, "qmail": {Hard, MailboxUnknown, theirs},
	"exim": {Hard, MailboxUnknown, theirs}, "sendmail": {Hard, MailboxUnknown, theirs}, "yahoo": {Hard, MailboxUnknown, theirs}, "yandex": {Hard, MailboxUnknown, theirs},
	"mailru": {Soft, Spam, theirs}, "groupwise": {Hard, MailboxUnknown, theirs}, "domino": {Hard, MailboxUnknown, theirs}, "imail": {Hard, MailboxUnknown, theirs},
	"gmx": {Hard, MailboxUnknown, theirs}, "tonline": {Soft, MailboxFull, theirs}, "french": {Hard, MailboxUnknown, theirs}, "spanish": {Hard, MailboxUnknown, theirs},
	"japanese": {Hard, MailboxUnknown, theirs}, "chinese": {Hard, MailboxUnknown, theirs}, "ses-mail": {Hard, MailboxUnknown, theirs}, "mimecast": {Hard, MailboxUnknown, theirs},
	"zoho": {Soft, MailboxFull, theirs}, "broken": {Hard, MailboxUnknown, theirs},
	"arf": {Complaint, "", theirs}, "arf-redacted": {Complaint, "", ""}, "arf-auth": {Other, "", theirs}, "hotmail": {Complaint, "", theirs},
	"vacation": {AutoReply, "", theirs}, "vacation-ru": {AutoReply, "", theirs}, "challenge": {Other, "", ""}, "digest": {Other, "", ""},
	"apple-unsubscribe": {Unsubscribe, "", theirs}, "answer": {Other, "", ""},
}

func mailNamed(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "mails", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestFormsOfReports(t *testing.T) {
	files, _ := filepath.Glob("testdata/mails/*.eml")
	if len(files) != len(mails) {
		t.Errorf("%d mails and %d rows", len(files), len(mails))
	}
	for name, want := range mails {
		for _, end := range []string{"\n", "\r\n", "\r"} { // the last is of some old systems
			r, err := Parse(bytes.ReplaceAll(mailNamed(t, name), []byte("\n"), []byte(end)))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var to []string
			var worst Recipient
			for _, one := range r.Recipients {
				to = append(to, one.Address)
			}
			if len(r.Recipients) > 0 {
				worst = r.about("")
			}
			if r.Kind != want.kind || worst.Class != want.class || strings.Join(to, " ") != want.to {
				t.Errorf("%s with %q: %s %q %s, want %s %q %s\n%+v", name, end, r.Kind, worst.Class, to, want.kind, want.class, want.to, r)
			}
		}
	}
}

func TestWhichMailCameBack(t *testing.T) {
	for _, name := range []string{"postfix", "qmail", "exim", "sendmail", "gmx", "arf", "hotmail", "vacation", "broken", "ses-mail", "imail"} {
		if r, _ := Parse(mailNamed(t, name)); r.MessageID != "issue.reader@quay.example" {
			t.Errorf("%s: %q", name, r.MessageID)
		}
	}
}

func TestCodesAndWords(t *testing.T) {
	r, err := Parse(mailNamed(t, "postfix"))
	if to := r.Recipients[0]; err != nil || to.Status != "5.1.1" || to.Code != 550 || to.Action != Failed || !strings.HasPrefix(to.Diagnostic, "550 5.1.1 ") {
		t.Errorf("%v %+v", err, r)
	}
	for text, want := range map[string]Class{
		"550 5.1.1 mailbox kept over quota (#5.1.1)": MailboxFull, "421 4.7.28 unusual rate of unsolicited mail": Rate, "554 5.7.1 Client host rejected: blocked using a DNSBL": Blocked,
		"550 5.7.26 Unauthenticated email is not accepted due to domain's DMARC policy": Auth, "552 5.3.4 Message size exceeds fixed limit": Size, "554 5.7.1 Relay access denied": Relay,
		"556 5.1.10 Domain does not accept mail (nullMX)": NoMail, "550 5.2.1 This account has been disabled": MailboxInactive, "550 5.1.6 recipient no longer on server": MailboxMoved,
		"554 virus found": Virus, "550 : User unknown": Filtered,
	} {
		if got := classify(text, "", strictStatus(text), replyCode(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// Vacation notes, challenges, lists' own mail and our own bounces' bounces are no
// bounces, whatever words they use.
func TestFault_B2_WhatIsNoBounce(t *testing.T) {
	for name, want := range mails {
		if r, err := Parse(mailNamed(t, name)); err != nil || (want.kind == AutoReply || want.kind == Other) && (r.Kind == Hard || r.Kind == Soft || r.Kind == Complaint) {
			t.Errorf("%s: %s, %v", name, r.Kind, err)
		}
	}
}

func TestFault_B3_MalformedMailsAreBounded(t *testing.T) {
	deep := "From: a@b.example\nContent-Type: multipart/mixed; boundary=b0\n\n"
	for i := range 100 {
		deep += fmt.Sprintf("--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n", i, i+1)
	}
	nested := "From: a@b.example\nContent-Type: message/rfc822\n\n" + strings.Repeat("Content-Type: message/rfc822\n\n", 100_000)
	many := "From: a@b.example\nContent-Type: multipart/report; boundary=b\n\n" + strings.Repeat("--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n\n", 20_000)
	fields := strings.Repeat("X-Field: value\n", 300_000)
	folded := "Subject: a\n" + strings.Repeat(" b\n", 500_000) + "\n"
	wrong := "From: MAILER-DAEMON@b.example\nSubject: failure notice\nContent-Type: text/plain; charset=no-such\nContent-Transfer-Encoding: base64\n\n\xff\xfe<a@b.example>: \x00user unknown"
	addresses := "From: MAILER-DAEMON@b.example\nSubject: failure notice\n\n" + strings.Repeat("<a@b.example>: unknown user ", 100_000)
	var recipients strings.Builder
	recipients.WriteString("From: MAILER-DAEMON@b.example\nSubject: failure notice\n\n")
	for i := range 60_000 {
		fmt.Fprintf(&recipients, "<reader%d@b.example>: user unknown\n", i)
	}
	for name, mail := range map[string]string{"60,000 recipients": recipients.String(), "100 levels": deep, "mails in mails": nested, "20,000 parts": many, "300,000 fields": fields, "a long field": folded, "wrong charset": wrong, "100,000 addresses": addresses} {
		var r Report
		var err error
		if grown := heaptest.While(func() { r, err = Parse([]byte(mail)) }); grown > 64<<20 || len(r.Recipients) > maxParts {
			t.Errorf("%s: %d MB more were held, %d recipients, %v", name, grown>>20, len(r.Recipients), err)
		}
	}
	if _, err := Parse(make([]byte, 50<<20)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("50 MB: %v", err)
	}
	if _, err := Parse([]byte("\n\n\x00\x01no header at all")); !errors.Is(err, ErrEmpty) {
		t.Errorf("rubbish: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for name := range mails {
		f.Add(mailNamed(f, name))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Parse(raw)
		if err != nil {
			return
		}
		for _, to := range r.Recipients {
			if len(to.Diagnostic) > 1000 || to.Kind == "" || strings.ContainsAny(to.Address, "\r\n") {
				t.Errorf("%+v", to)
			}
		}
	})
}
