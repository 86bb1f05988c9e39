package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"apta/subscribers/database"
)

// Secret is the text by which a webhook's owner checks what they are sent. It is
// made of this installation's secret and not stored, so it can be shown again.
func (h *Hooks) Secret(id database.ID) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(h.Options.Secret(id))
}

// header is that of one attempt, as standardwebhooks.com has it.
func header(secret []byte, id string, now time.Time, body []byte) http.Header {
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return h
}
