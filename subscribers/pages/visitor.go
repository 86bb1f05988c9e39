package pages

import (
	"cmp"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"apta/subscribers"
	"apta/templates"

	"golang.org/x/text/language"
)

// peer is the address at the other end of the connection.
func peer(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr()
}

// network is that of a visitor, as the consent log keeps it.
func (p *Pages) network(r *http.Request) string { return p.store.Network(p.options.Visitor(r)) }

// origin is the part of a URL that browsers call so.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// languages are the tags there are words for, the newsletter's own first.
func languages(words map[string]templates.Words, own string) []string {
	first := templates.In(words, own)["tag"]
	return slices.SortedFunc(maps.Keys(words), func(a, b string) int {
		if a == first || b == first {
			return map[bool]int{true: -1, false: 1}[a == first]
		}
		return cmp.Compare(a, b)
	})
}

// language is what a visitor reads: what they chose on the page, else the first of
// their browser's languages that we have, else the newsletter's.
func (p *Pages) language(r *http.Request) string {
	if chosen := r.URL.Query().Get("lang"); p.words[chosen] != nil {
		return chosen
	}
	accepted := r.Header.Get("Accept-Language")
	if accepted == "" || len(accepted) > 200 {
		return p.tags[0]
	}
	wanted, _, err := language.ParseAcceptLanguage(accepted)
	if err != nil {
		return p.tags[0]
	}
	// No matcher: it would give Russian to who wants Ukrainian.
	for _, tag := range wanted {
		if base, _ := tag.Base(); p.words[base.String()] != nil {
			return base.String()
		}
	}
	return p.tags[0]
}

// languageOf is what a reader reads: what they chose, else the newsletter's.
func (p *Pages) languageOf(sub subscribers.Subscriber) string {
	return cmp.Or(sub.Language, p.options.Language)
}

// languageChoices are the languages under their own names.
func (p *Pages) languageChoices(chosen string) (list []choice) {
	for _, tag := range p.tags {
		list = append(list, choice{tag, p.words[tag]["language_name"], tag == templates.In(p.words, chosen)["tag"]})
	}
	return list
}

// maxForm bounds a posted form, in bytes.
const maxForm = 32 << 10

// form reads a posted form.
func (p *Pages) form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	values, ok := ReadForm(w, r, maxForm)
	if !ok {
		return nil, errForm
	}
	return values, nil
}

// ReadForm reads a posted form of at most so many bytes. ok is false where it is
// larger, is no form, is not UTF-8, or has a NUL in it, which PostgreSQL cannot keep.
func ReadForm(w http.ResponseWriter, r *http.Request, limit int64) (form url.Values, ok bool) {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if err := r.ParseForm(); err != nil {
		return nil, false
	}
	for key, values := range r.PostForm {
		for _, v := range append(values, key) {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return nil, false
			}
		}
	}
	return r.PostForm, true
}

// date writes a day as a language does.
func (p *Pages) date(words templates.Words, t time.Time) string {
	return words.Date(t.In(p.options.Zone))
}
