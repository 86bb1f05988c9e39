package archive

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"sync"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"apta/newsletter"
	"apta/newsletter/render"
	"apta/templates"
)

// PT Serif and PT Sans have the letters of all languages written in Latin and
// Cyrillic, Kazakh among them.
//
//go:embed fonts/PTSerif-Bold.ttf
var serifBold []byte

//go:embed fonts/PTSans-Regular.ttf
var sans []byte

// cardName is the address of an issue's picture, behind the issue's own.
const cardName = "/card.png"

// The size that sites which show links ask for, in pixels, and the card's margin.
const (
	cardWidth, cardHeight = 1200, 630
	margin                = 80
)

// The colours of the public pages in the light.
var (
	paper  = color.RGBA{0xf4, 0xf1, 0xea, 0xff}
	ink    = color.RGBA{0x1b, 0x1a, 0x17, 0xff}
	quiet  = color.RGBA{0x5f, 0x59, 0x4e, 0xff}
	accent = color.RGBA{0x8f, 0x15, 0x18, 0xff}
)

// cards draws the issues' pictures and keeps those that were asked for last.
type cards struct {
	serif, sans *sfnt.Font

	mu   sync.Mutex
	kept map[string][]byte // PNG by issue and revision
}

func newCards() (*cards, error) {
	serif, err := opentype.Parse(serifBold)
	if err != nil {
		return nil, fmt.Errorf("PT Serif: %w", err)
	}
	text, err := opentype.Parse(sans)
	if err != nil {
		return nil, fmt.Errorf("PT Sans: %w", err)
	}
	return &cards{serif: serif, sans: text, kept: make(map[string][]byte)}, nil
}

// card is what a picture says.
type card struct{ Name, Title, Dates, Newsroom string }

func (s *Site) card(w http.ResponseWriter, r *http.Request) {
	issue, _, ok := s.public(w, r)
	if !ok {
		return
	}
	picture, err := s.cards.picture(issue.Issue, card{
		Name: render.OneLine(s.masthead.Name), Title: render.OneLine(issue.Title), Newsroom: render.OneLine(s.masthead.Newsroom),
		Dates: render.Dates(templates.In(s.words, issue.Language), issue.Issue, s.masthead.Zone),
	})
	if err != nil {
		s.failed(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(picture)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(picture))
}

// picture draws an issue's card, or gives the one drawn before. One is drawn at a
// time: a crowd that asks at once waits for the first.
func (c *cards) picture(i newsletter.Issue, say card) ([]byte, error) {
	const most = 64 // some 40 kB each
	c.mu.Lock()
	defer c.mu.Unlock()
	key := fmt.Sprintf("%s/%d", i.ID, i.Revision)
	if p, ok := c.kept[key]; ok {
		return p, nil
	}
	img, err := c.draw(say)
	if err != nil {
		return nil, fmt.Errorf("archive: card of %s: %w", i.Week, err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("archive: card of %s: %w", i.Week, err)
	}
	if len(c.kept) >= most {
		clear(c.kept)
	}
	c.kept[key] = b.Bytes()
	return b.Bytes(), nil
}

// draw puts the newsletter's name above a rule, the title in the largest size
// in which it fits, and the dates at the foot.
func (c *cards) draw(say card) (image.Image, error) {
	img := image.NewRGBA(image.Rect(0, 0, cardWidth, cardHeight))
	paint := func(r image.Rectangle, with color.Color) {
		draw.Draw(img, r, image.NewUniform(with), image.Point{}, draw.Src)
	}
	paint(img.Bounds(), paper)
	paint(image.Rect(margin, 64, cardWidth-margin, 72), ink)
	paint(image.Rect(margin, 152, cardWidth-margin, 154), ink)

	small, err := opentype.NewFace(c.sans, &opentype.FaceOptions{Size: 30, DPI: 72})
	if err != nil {
		return nil, err
	}
	name, err := opentype.NewFace(c.serif, &opentype.FaceOptions{Size: 34, DPI: 72})
	if err != nil {
		return nil, err
	}
	write(img, name, accent, margin, 124, firstThatFits(name, c.known(c.serif, say.Name), cardWidth-2*margin))
	// The newsroom's name has the room that the dates leave it.
	const foot, room = 566, cardWidth - 2*margin
	dates := firstThatFits(small, c.known(c.sans, say.Dates), room)
	wide := measure(small, dates)
	write(img, small, quiet, cardWidth-margin-wide, foot, dates)
	write(img, small, quiet, margin, foot, firstThatFits(small, c.known(c.sans, say.Newsroom), max(0, room-wide-40)))

	lines, face, err := c.title(say)
	if err != nil {
		return nil, err
	}
	// The block of lines stands in the middle between the rule and the foot.
	height := face.Metrics().Height.Ceil()
	top := 160 + (cardHeight-106-160-height*len(lines))/2
	for n, line := range lines {
		write(img, face, ink, margin, top+n*height+face.Metrics().Ascent.Ceil(), line)
	}
	return img, nil
}

// write draws a line of text from a point of its base line on.
func write(img draw.Image, face font.Face, with color.Color, x, y int, text string) {
	(&font.Drawer{Dst: img, Src: image.NewUniform(with), Face: face, Dot: fixed.P(x, y)}).DrawString(text)
}
