package page

import (
	"bytes"
	"encoding/json"
	"strings"

	"golang.org/x/net/html"
)

// meta is what a page says of itself, what is to be believed first standing first.
type meta struct {
	title, summary, source, author, published, language, image, canonical []string

	documentTitle string
	tags          int
}

// maxLD bounds a block of JSON-LD, in bytes.
const maxLD = 256 << 10

// readMeta reads the metadata as they come, without building the page.
func readMeta(text []byte) *meta {
	m := &meta{}
	var plain, times, linked meta // what is believed less than Open Graph
	z := html.NewTokenizer(bytes.NewReader(text))
	inside := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			m.add(linked)
			m.add(plain)
			m.add(times)
			return m
		case html.TextToken:
			switch inside {
			case "title":
				if m.documentTitle == "" {
					m.documentTitle = string(bytes.TrimSpace(z.Text()))
				}
			case "ld":
				if raw := z.Raw(); len(raw) <= maxLD {
					linked.linkedData(raw)
				}
			}
			inside = ""
		case html.StartTagToken, html.SelfClosingTagToken:
			m.tags++
			inside = m.tag(z, &plain, &times)
		default:
			inside = ""
		}
	}
}

// add appends what another says.
func (m *meta) add(o meta) {
	for _, p := range []struct {
		to   *[]string
		from []string
	}{{&m.title, o.title}, {&m.summary, o.summary}, {&m.source, o.source}, {&m.author, o.author}, {&m.published, o.published}, {&m.language, o.language}, {&m.image, o.image}, {&m.canonical, o.canonical}} {
		*p.to = append(*p.to, p.from...)
	}
}

// maxSaid bounds how often a page may say the same thing.
const maxSaid = 10

func say(list *[]string, s string) {
	if s = strings.TrimSpace(s); s != "" && len(*list) < maxSaid {
		*list = append(*list, s)
	}
}

// tag takes one element, and says what the text behind it is.
func (m *meta) tag(z *html.Tokenizer, plain, times *meta) (inside string) {
	name, more := z.TagName()
	element := string(name)
	switch element {
	case "title":
		return "title"
	case "html", "meta", "link", "time", "script":
	default:
		return ""
	}
	attr := map[string]string{}
	for more && len(attr) < 50 {
		var key, value []byte
		key, value, more = z.TagAttr()
		attr[string(key)] = string(value)
	}
	switch element {
	case "html":
		say(&m.language, attr["lang"])
	case "time":
		say(&times.published, attr["datetime"])
	case "link":
		if strings.EqualFold(strings.TrimSpace(attr["rel"]), "canonical") {
			say(&m.canonical, attr["href"])
		}
	case "script":
		if strings.EqualFold(strings.TrimSpace(attr["type"]), "application/ld+json") {
			return "ld"
		}
	case "meta":
		key := attr["property"]
		if key == "" {
			key = attr["name"]
		}
		if key == "" {
			key = attr["itemprop"]
		}
		m.said(strings.ToLower(strings.TrimSpace(key)), attr["content"], plain)
	}
	return ""
}

// said takes one line of metadata.
func (m *meta) said(key, value string, plain *meta) {
	switch key {
	case "og:title":
		say(&m.title, value)
	case "og:description":
		say(&m.summary, value)
	case "og:site_name":
		say(&m.source, value)
	case "og:image", "og:image:url", "og:image:secure_url":
		say(&m.image, value)
	case "og:url":
		say(&plain.canonical, value)
	case "og:locale":
		say(&plain.language, value)
	case "article:published_time", "og:article:published_time":
		say(&m.published, value)
	case "twitter:title", "dc.title", "headline":
		say(&plain.title, value)
	case "twitter:description", "description", "dc.description":
		say(&plain.summary, value)
	case "twitter:image", "image":
		say(&plain.image, value)
	case "application-name", "dc.publisher":
		say(&plain.source, value)
	case "author", "dc.creator":
		say(&plain.author, value)
	case "datepublished", "date", "pubdate", "publishdate", "dc.date", "dc.date.issued", "dcterms.created", "parsely-pub-date", "sailthru.date":
		say(&plain.published, value)
	case "language", "content-language":
		say(&plain.language, value)
	}
}

// linkedData takes a block of JSON-LD: what is an article in it.
func (m *meta) linkedData(raw []byte) {
	var any any
	if json.Unmarshal(raw, &any) == nil {
		m.walk(any, 0)
	}
}

func (m *meta) walk(v any, depth int) {
	if depth > 5 {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			m.walk(inner, depth+1)
		}
	case map[string]any:
		m.walk(v["@graph"], depth+1)
		m.walk(v["mainEntity"], depth+1)
		if !isArticle(v["@type"]) {
			return
		}
		say(&m.title, word(v["headline"], "name"))
		say(&m.summary, word(v["description"], "name"))
		say(&m.source, word(v["publisher"], "name"))
		say(&m.author, word(v["author"], "name"))
		say(&m.published, word(v["datePublished"], "@value"))
		say(&m.language, word(v["inLanguage"], "name"))
		say(&m.image, word(v["image"], "url"))
	}
}

func isArticle(kind any) bool {
	switch kind := kind.(type) {
	case string:
		return strings.HasSuffix(kind, "Article") || strings.HasSuffix(kind, "Posting") || kind == "Report"
	case []any:
		for _, k := range kind {
			if s, ok := k.(string); ok && isArticle(s) {
				return true
			}
		}
	}
	return false
}

// word gives a value that may be a string, an object that has it under key, or a
// list of either.
func word(v any, key string) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			return word(v[0], key)
		}
	case map[string]any:
		s, _ := v[key].(string)
		return s
	}
	return ""
}
