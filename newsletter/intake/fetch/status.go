package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// ErrTooLarge marks a body beyond the limit.
var ErrTooLarge = errors.New("too large")

// StatusError is an answer that is none.
type StatusError struct {
	Code       int
	RetryAfter time.Duration // what the server asks for (RFC 9110, 10.2.3); 0 where it does not
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server answers %d %s", e.Code, http.StatusText(e.Code))
}

// longestRetry bounds what a server may ask for: a slip of the keyboard there
// should not silence a feed for years.
const longestRetry = 7 * 24 * time.Hour

// retryAfter reads the field in either form. A date is held against the server's
// own Date, so that neither clock need be right.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longestRetry)
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(until.Sub(now), 0), longestRetry)
}
