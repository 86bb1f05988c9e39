package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// readBody reads a body of at most limit bytes in one of the media types. Where
// there is none at all, kind is empty.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, types ...string) (body []byte, kind string, err error) {
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, "", &Problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body is longer than %d bytes", limit)}
	case err != nil:
		return nil, "", &Problem{Status: http.StatusBadRequest, Detail: "the body could not be read to its end"}
	case len(body) == 0:
		return nil, "", nil
	}
	kind, _, err = mime.ParseMediaType(r.Header.Get("Content-Type"))
	for _, t := range types {
		if err == nil && kind == t && r.Header.Get("Content-Encoding") == "" {
			return body, kind, nil
		}
	}
	return nil, "", &Problem{Status: http.StatusUnsupportedMediaType, Detail: "the body must be of Content-Type " + strings.Join(types, " or ") + ", and not compressed"}
}

// actionLimit bounds the body of an action, in bytes.
const actionLimit = 32 << 10

// readJSON reads a small JSON object; an empty body is an empty object.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	body, _, err := readBody(w, r, actionLimit, "application/json")
	if err != nil || len(body) == 0 {
		return err
	}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return &Problem{Status: http.StatusBadRequest, Detail: "the body is not what belongs here: " + strings.TrimPrefix(err.Error(), "json: ")}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &Problem{Status: http.StatusBadRequest, Detail: "the body has more than one JSON value"}
	}
	return nil
}
