package week

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"apta/newsletter"
	"apta/newsletter/edit"
	"apta/templates"
)

// The kinds of preview, as the screen offers them.
var previewKinds = []string{"mail", "phone", "text", "inbox", "page"}

// previewView is the preview's frame and what it can show.
type previewView struct {
	Kind, Scheme string
	Kinds        []kindView
	Dark, Light  string // addresses of the screen in the other scheme
	Source       string // of the frame
}

type kindView struct {
	Kind string
	Is   bool
	Href string
}

func (s *Screen) previewOf(r *http.Request, v *view, o open) (*previewView, error) {
	p := &previewView{Kind: r.FormValue("view"), Scheme: r.FormValue("scheme")}
	if !isKind(p.Kind) {
		p.Kind = "mail"
	}
	if p.Scheme != "dark" {
		p.Scheme = "light"
	}
	for _, k := range previewKinds {
		p.Kinds = append(p.Kinds, kindView{k, k == p.Kind, v.At + "?view=" + k + "&scheme=" + p.Scheme + "#preview"})
	}
	p.Light, p.Dark = v.At+"?view="+p.Kind+"&scheme=light#preview", v.At+"?view="+p.Kind+"&scheme=dark#preview"
	p.Source = v.At + "/preview/" + p.Kind + "?scheme=" + p.Scheme
	return p, nil
}

func isKind(kind string) bool {
	for _, k := range previewKinds {
		if k == kind {
			return true
		}
	}
	return false
}

// previewPolicy is that of a preview: it may look like anything, its pictures are
// fetched, and nothing in it runs, posts or goes anywhere. The sandbox keeps its
// origin, so that the screen may put other words into it without loading it anew.
const previewPolicy = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// preview shows the issue as readers will see it. A POST shows it as an edit would
// leave it, and stores nothing.
func (s *Screen) preview(w http.ResponseWriter, r *http.Request) error {
	o, err := s.opened(r)
	if err != nil {
		return err
	}
	issue := o.issue
	if r.Method == http.MethodPost {
		form, err := s.desk.Form(w, r)
		if err != nil {
			return err
		}
		asked, err := readOp(form)
		if err != nil {
			return err
		}
		// What is half typed and cannot be taken yet changes nothing in the preview.
		if e, err := asked.edit(issue, o.mind); err == nil {
			if next, err := edit.Apply(issue, e, o.mind.wording); err == nil {
				issue = next
			}
		}
	}
	scheme := r.FormValue("scheme")
	body, err := s.previewed(r, o, issue, r.PathValue("kind"), scheme)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", previewPolicy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.Write(body)
	return nil
}

func (s *Screen) previewed(r *http.Request, o open, issue newsletter.Issue, kind, scheme string) ([]byte, error) {
	if kind == "page" {
		page, err := o.room.Page(r.Context(), issue)
		if err != nil {
			return nil, err
		}
		return s.inScheme(page, "/desk/issues/"+issue.ID.String(), scheme), nil
	}
	m, err := s.Renderer.Mail(issue, o.room.Masthead())
	if err != nil {
		return nil, err
	}
	switch kind {
	case "mail", "phone":
		return []byte(inMail(m.HTML, scheme)), nil
	case "text":
		return s.paper(r, "week-text", textView{m.Text, scheme})
	case "inbox":
		return s.paper(r, "week-envelope", envelopeView{From: o.room.From(), Subject: m.Subject, Preheader: m.Preheader, Scheme: scheme, Language: m.Language,
			Words: s.desk.Words(r), Length: utf8.RuneCountInString(m.Subject)})
	}
	return nil, newsletter.ErrNotFound
}

type textView struct{ Text, Scheme string }

type envelopeView struct {
	From, Subject, Preheader, Scheme, Language string
	Words                                      templates.Words
	Length                                     int
}

// paper makes one of the previews that have a template of their own.
func (s *Screen) paper(r *http.Request, name string, view any) ([]byte, error) {
	var b recorder
	r = r.Clone(r.Context())
	r.Header.Del("Accept-Encoding") // it is part of an answer
	if err := s.desk.Write(&b, r, http.StatusOK, name, view); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// recorder takes what is written to a browser.
type recorder struct {
	bytes.Buffer
	header http.Header
}

// Header implements http.ResponseWriter.
func (b *recorder) Header() http.Header {
	if b.header == nil {
		b.header = http.Header{}
	}
	return b.header
}

// WriteHeader implements http.ResponseWriter.
func (b *recorder) WriteHeader(int) {}

// darkQuery finds the condition under which a style sheet is for the dark.
var darkQuery = regexp.MustCompile(`\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)`)

// schemed makes a style sheet follow the preview's switch, not the editor's own
// screen.
func schemed(css, scheme string) string {
	if scheme != "dark" {
		scheme = "light"
	}
	return darkQuery.ReplaceAllStringFunc(css, func(query string) string {
		if strings.Contains(query, scheme) {
			return "(min-width: 0)"
		}
		return "(max-width: 0)"
	})
}

// inMail is a mail's HTML in a colour scheme, with sample links in the places of
// readers' own, which all open in a tab of their own.
func inMail(page, scheme string) string {
	for _, slot := range newsletter.Slots {
		page = strings.ReplaceAll(page, slot.Marker(), "")
	}
	return withHead(schemed(page, scheme), `<base target="_blank">`+colorScheme(scheme))
}

func colorScheme(scheme string) string {
	if scheme != "dark" {
		scheme = "light"
	}
	return "<style>:root{color-scheme:" + scheme + "!important}</style>"
}

func withHead(page, head string) string {
	if at := strings.Index(page, "</head>"); at >= 0 {
		return page[:at] + head + page[at:]
	}
	return head + page
}

// siteSheet finds the public pages' style sheet.
var siteSheet = regexp.MustCompile(`/assets/site\.[0-9a-f]+\.css`)

// inScheme is a public page with its style sheet in a colour scheme.
func (s *Screen) inScheme(page []byte, at, scheme string) []byte {
	if scheme != "dark" {
		scheme = "light"
	}
	page = siteSheet.ReplaceAll(page, []byte(html.EscapeString(at+"/look/"+scheme)))
	return []byte(withHead(string(page), `<base target="_blank">`+colorScheme(scheme)))
}

// schemeSheets are the public pages' style sheet for the light and for the dark.
func schemeSheets() (map[string][]byte, error) {
	assets, err := templates.Assets()
	if err != nil {
		return nil, err
	}
	for _, a := range assets {
		if siteSheet.MatchString(a.Path) {
			return map[string][]byte{"light": []byte(schemed(string(a.Body), "light")), "dark": []byte(schemed(string(a.Body), "dark"))}, nil
		}
	}
	return nil, fmt.Errorf("there is no style sheet of the public pages")
}

func (s *Screen) sheet(w http.ResponseWriter, r *http.Request) error {
	sheet := s.schemes[r.PathValue("scheme")]
	if sheet == nil {
		return newsletter.ErrNotFound
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "private, max-age=600")
	w.Write(sheet)
	return nil
}
