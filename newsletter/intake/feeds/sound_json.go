package feeds

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// soundJSON looks a JSON Feed over as soundXML does a feed of XML. whole has the
// items that are there in full.
func soundJSON(text []byte) (whole []byte, cut bool, err error) {
	if err := countJSON(text); err != nil {
		return nil, false, err
	}
	if json.Valid(text) {
		return text, false, nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, false, errors.New("it is not a JSON Feed")
	}
	kept := map[string]any{}
	items := []json.RawMessage{}
	for {
		key, err := dec.Token()
		if err != nil {
			break
		}
		if key == "items" {
			items, err = itemsOf(dec)
		} else if k, ok := key.(string); ok {
			var value json.RawMessage
			if err = dec.Decode(&value); err == nil {
				kept[k] = value
			}
		}
		if err != nil {
			break
		}
	}
	if len(items) == 0 {
		return nil, false, errors.New("there is no whole item in it: it breaks off")
	}
	kept["items"] = items
	whole, err = json.Marshal(kept)
	if err != nil {
		return nil, false, fmt.Errorf("it is broken: %w", err)
	}
	return whole, true, nil
}

// itemsOf reads an array up to where it breaks off.
func itemsOf(dec *json.Decoder) (items []json.RawMessage, err error) {
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return nil, errors.New("its items are no list")
	}
	for dec.More() {
		var item json.RawMessage
		if err := dec.Decode(&item); err != nil {
			return items, err
		}
		items = append(items, item)
	}
	_, err = dec.Token()
	return items, err
}

// countJSON counts what a reader would build.
func countJSON(text []byte) error {
	depth, values, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			values++
		case c == '}' || c == ']':
			depth--
		case c == ',':
			values++
		}
		if depth > maxDepth {
			return errNested
		}
		if values > maxValues {
			return errMany
		}
	}
	return nil
}
