package subscribers

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"

	"apta/subscribers/database"
)

// Stamp gives a text that says when a form was shown and that only this program
// can make. StampedAt reads it back.
func (k *Keys) Stamp(at time.Time) string {
	text := binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(database.Millis(at)))
	return base64.RawURLEncoding.EncodeToString(text) + k.hash("form", text)
}

// stampText is the number of characters of a stamp's moment.
const stampText = 11

// StampedAt gives the moment of a stamp, or ErrToken where it is none of ours.
func (k *Keys) StampedAt(stamp string) (time.Time, error) {
	if len(stamp) <= stampText {
		return time.Time{}, ErrToken
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(stamp[:stampText])
	if err != nil || len(text) != 8 || subtle.ConstantTimeCompare([]byte(stamp[stampText:]), []byte(k.hash("form", text))) != 1 {
		return time.Time{}, ErrToken
	}
	return database.FromMillis(int64(binary.BigEndian.Uint64(text))), nil
}
