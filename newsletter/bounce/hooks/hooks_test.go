package hooks_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"apta/newsletter/bounce"
	"apta/newsletter/bounce/hooks"
	"apta/newsletter/transport"
	"apta/subscribers"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestMain(m *testing.M) { databasetest.Run(m) }

const (
	theirs = "reader@harbour.example"
	topic  = "arn:aws:sns:eu-west-1:123456789012:bounces"
	cert   = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
)

// office is the hooks over a book with one reader in it, and the services' keys.
type office struct {
	t     *testing.T
	book  *bounce.Book
	sub   subscribers.Subscriber
	mux   *http.ServeMux
	now   time.Time
	sns   *rsa.PrivateKey
	grid  *ecdsa.PrivateKey
	asked []string // of Amazon
}

const issue = database.ID(7 << 40)

func open(t *testing.T, db *database.DB) *office {
	o := &office{t: t, now: time.Date(2024, 10, 4, 9, 0, 0, 0, time.UTC), mux: http.NewServeMux()}
	now := func() time.Time { return o.now }
	ids := database.NewIDs(now, nil)
	keys, err := subscribers.NewKeys([]byte(strings.Repeat("k", 32)))
	if err == nil {
		o.sns, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err == nil {
		o.grid, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	readers := subscribers.NewStore(db, ids, keys, now).For("weekly")
	o.book = &bounce.Book{DB: db, IDs: ids, Keys: keys, Readers: readers, Policy: bounce.Policy{Soft: 3, Days: 30}, Folder: bounce.Folder{Dir: t.TempDir()}, Now: now}
	if _, err := readers.Add(t.Context(), subscribers.Subscriber{Email: theirs}, "test"); err != nil {
		t.Fatal(err)
	}
	if o.sub, err = readers.ByEmail(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: o.now.AddDate(-1, 0, 0), NotAfter: o.now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &o.sns.PublicKey, o.sns)
	if err != nil {
		t.Fatal(err)
	}
	get := func(_ context.Context, address string) ([]byte, error) {
		o.asked = append(o.asked, address)
		if address == cert {
			return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
		}
		if strings.Contains(address, "ConfirmSubscription") {
			return nil, nil
		}
		return nil, errors.New("not Amazon's")
	}
	grid, err := x509.MarshalPKIXPublicKey(&o.grid.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	hooks.New(hooks.Options{
		SESTopics: []string{topic}, Postmark: "apta:pm-secret", Mailgun: "mg-key", SendGrid: base64.StdEncoding.EncodeToString(grid), Brevo: "brevo-secret-of-20-characters",
	}, o.book, get, now, slog.New(slog.DiscardHandler)).Register(o.mux)
	return o
}

// message is the Message-ID of an issue to the reader.
func (o *office) message() string {
	return "<" + transport.MessageID(issue, o.sub.ID, o.book.Keys.MessageTag(issue, o.sub.ID), "quay.example") + ">"
}

func (o *office) post(path, body string, header ...string) int {
	r := httptest.NewRequest("POST", "/hooks/bounces/"+path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	o.mux.ServeHTTP(w, r)
	return w.Code
}

// wants holds an answer and the reader's status against what they should be.
func (o *office) wants(name string, code, want int, status subscribers.Status) {
	o.t.Helper()
	sub, err := o.book.Readers.ByID(o.t.Context(), o.sub.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	if code != want || sub.Status != status {
		o.t.Errorf("%s: %d and %s, want %d and %s", name, code, sub.Status, want, status)
	}
}

// back makes the reader active again.
func (o *office) back() {
	o.t.Helper()
	if err := o.book.Readers.Resubscribe(o.t.Context(), o.sub.ID, "test"); err != nil {
		o.t.Fatal(err)
	}
}

// sign makes the body of an SNS message, signed as Amazon does (signature version 2).
func (o *office) sign(m map[string]string) string {
	m["SignatureVersion"] = "2"
	if m["SigningCertURL"] == "" {
		m["SigningCertURL"] = cert
	}
	var said strings.Builder
	for _, k := range []string{"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"} {
		if v, ok := m[k]; ok {
			said.WriteString(k + "\n" + v + "\n")
		}
	}
	sum := sha256.Sum256([]byte(said.String()))
	signature, err := rsa.SignPKCS1v15(rand.Reader, o.sns, crypto.SHA256, sum[:])
	if err != nil {
		o.t.Fatal(err)
	}
	m["Signature"] = base64.StdEncoding.EncodeToString(signature)
	body, _ := json.Marshal(m)
	return string(body)
}

func (o *office) notification(id string) map[string]string {
	event := fmt.Sprintf(`{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","feedbackId":"f","bouncedRecipients":[{"emailAddress":"%s","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]},"mail":{"headers":[{"name":"Message-ID","value":"%s"}]}}`, theirs, o.message())
	return map[string]string{"Type": "Notification", "MessageId": id, "TopicArn": topic, "Timestamp": o.now.Format(time.RFC3339), "Message": event}
}

func TestFault_B4_SESOverSNS(t *testing.T) {
	databasetest.Each(t, []database.Schema{subscribers.Schema(), bounce.Schema()}, func(t *testing.T, db *database.DB) {
		o := open(t, db)
		body := o.sign(o.notification("m1"))
		o.wants("changed", o.post("ses", strings.Replace(body, "m1", "m2", 1)), 403, subscribers.Active)
		wrong := o.notification("m1")
		wrong["TopicArn"] = topic + "-of-others"
		o.wants("another topic", o.post("ses", o.sign(wrong)), 403, subscribers.Active)
		for _, address := range []string{"https://sns.eu-west-1.amazonaws.com.evil.example/c.pem", "http://sns.eu-west-1.amazonaws.com/c.pem", "https://evil.example/c.pem", "https://sns.eu-west-1.amazonaws.com@evil.example/c.pem", "https://sns.eu-west-1.amazonaws.com:8443/c.pem"} {
			m := o.notification("m1")
			m["SigningCertURL"] = address
			o.wants(address, o.post("ses", o.sign(m)), 403, subscribers.Active)
		}
		old := o.notification("m1")
		old["Timestamp"] = o.now.Add(-13 * time.Hour).Format(time.RFC3339)
		o.wants("of yesterday", o.post("ses", o.sign(old)), 403, subscribers.Active)
		if len(o.asked) != 1 || o.asked[0] != cert {
			t.Errorf("asked for %q", o.asked)
		}
		o.wants("signed", o.post("ses", body), 200, subscribers.Bounced)
		o.back()
		o.wants("replayed", o.post("ses", body), 200, subscribers.Active)

		confirm := map[string]string{"Type": "SubscriptionConfirmation", "MessageId": "c1", "TopicArn": topic, "Token": "t", "Timestamp": o.now.Format(time.RFC3339), "Message": "Confirm?", "SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"}
		o.wants("subscribed elsewhere", o.post("ses", o.sign(confirm)), 403, subscribers.Active)
		confirm["SubscribeURL"] = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
		o.wants("subscribed", o.post("ses", o.sign(confirm)), 200, subscribers.Active)
		if o.asked[len(o.asked)-1] != confirm["SubscribeURL"] {
			t.Errorf("asked for %q", o.asked)
		}
	})
}

func TestFault_B4_Mailgun(t *testing.T) {
	databasetest.Each(t, []database.Schema{subscribers.Schema(), bounce.Schema()}, func(t *testing.T, db *database.DB) {
		o := open(t, db)
		event := func(key, token string, at time.Time, event string) string {
			stamp := fmt.Sprint(at.Unix())
			mac := hmac.New(sha256.New, []byte(key))
			mac.Write([]byte(stamp + token))
			return fmt.Sprintf(`{"signature":{"timestamp":"%s","token":"%s","signature":"%s"},"event-data":{"event":"%s","severity":"permanent","recipient":"%s","delivery-status":{"code":550,"message":"5.1.1 user unknown"},"message":{"headers":{"message-id":"%s"}}}}`,
				stamp, token, hex.EncodeToString(mac.Sum(nil)), event, theirs, strings.Trim(o.message(), "<>"))
		}
		o.wants("a wrong key", o.post("mailgun", event("other", "t1", o.now, "failed")), 403, subscribers.Active)
		o.wants("of yesterday", o.post("mailgun", event("mg-key", "t1", o.now.Add(-13*time.Hour), "failed")), 403, subscribers.Active)
		o.wants("of tomorrow", o.post("mailgun", event("mg-key", "t1", o.now.Add(time.Hour), "failed")), 403, subscribers.Active)
		o.wants("signed", o.post("mailgun", event("mg-key", "t1", o.now, "failed")), 200, subscribers.Bounced)
		o.back()
		o.wants("the token used again, for something else", o.post("mailgun", event("mg-key", "t1", o.now, "complained")), 406, subscribers.Active)
	})
}

func TestFault_B4_SendGrid(t *testing.T) {
	databasetest.Each(t, []database.Schema{subscribers.Schema(), bounce.Schema()}, func(t *testing.T, db *database.DB) {
		o := open(t, db)
		body := fmt.Sprintf(`[{"email":"%s","event":"delivered","sg_event_id":"e0"},{"email":"%s","event":"bounce","type":"bounce","status":"5.1.1","reason":"550 5.1.1 unknown user","smtp-id":"%s","sg_event_id":"e1"}]`, theirs, theirs, o.message())
		signed := func(at time.Time, body string) []string {
			stamp := fmt.Sprint(at.Unix())
			sum := sha256.Sum256([]byte(stamp + body))
			signature, err := ecdsa.SignASN1(rand.Reader, o.grid, sum[:])
			if err != nil {
				t.Fatal(err)
			}
			return []string{"X-Twilio-Email-Event-Webhook-Timestamp", stamp, "X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature)}
		}
		o.wants("unsigned", o.post("sendgrid", body), 403, subscribers.Active)
		o.wants("changed", o.post("sendgrid", body, signed(o.now, body+" ")...), 403, subscribers.Active)
		o.wants("of yesterday", o.post("sendgrid", body, signed(o.now.Add(-13*time.Hour), body)...), 403, subscribers.Active)
		o.wants("signed", o.post("sendgrid", body, signed(o.now, body)...), 200, subscribers.Bounced)
		o.back()
		o.wants("told again", o.post("sendgrid", body, signed(o.now, body)...), 200, subscribers.Active)
	})
}

func TestFault_B4_PostmarkAndBrevo(t *testing.T) {
	databasetest.Each(t, []database.Schema{subscribers.Schema(), bounce.Schema()}, func(t *testing.T, db *database.DB) {
		o := open(t, db)
		mark := fmt.Sprintf(`{"RecordType":"Bounce","Type":"HardBounce","ID":42,"Email":"%s","Details":"smtp;550 5.1.1 user unknown","BouncedAt":"2024-10-04T08:59:00Z"}`, theirs)
		basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
		o.wants("no password", o.post("postmark", mark), 403, subscribers.Active)
		o.wants("a wrong one", o.post("postmark", mark, "Authorization", basic("apta:pm-secres")), 403, subscribers.Active)
		o.wants("the right one", o.post("postmark", mark, "Authorization", basic("apta:pm-secret")), 200, subscribers.Bounced)
		o.back()
		o.wants("told again", o.post("postmark", mark, "Authorization", basic("apta:pm-secret")), 200, subscribers.Active)

		brevo := fmt.Sprintf(`{"event":"spam","email":"%s","id":7,"message-id":"%s","ts_event":1728032400}`, theirs, o.message())
		o.wants("no secret", o.post("brevo", brevo), 403, subscribers.Active)
		o.wants("a wrong secret", o.post("brevo/brevo-secret-of-20-charactera", brevo), 403, subscribers.Active)
		o.wants("the secret", o.post("brevo/brevo-secret-of-20-characters", brevo), 200, subscribers.Complained)
		o.back()
		o.wants("a bearer, told again", o.post("brevo", brevo, "Authorization", "Bearer brevo-secret-of-20-characters"), 200, subscribers.Active)
	})
}

func TestHooksAreBounded(t *testing.T) {
	mux := http.NewServeMux()
	hooks.New(hooks.Options{Brevo: strings.Repeat("s", 20)}, nil, nil, time.Now, slog.New(slog.DiscardHandler)).Register(mux)
	for path, want := range map[string]int{"/hooks/bounces/brevo": 413, "/hooks/bounces/ses": 404} { // what is not set up is not there
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("POST", path, bytes.NewReader(make([]byte, 2<<20))))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}
