package archive

import (
	"bytes"
	"flag"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/font"
)

// -cards writes the pictures of these tests to a folder, to be looked at.
var cardsTo = flag.String("cards", "", "folder for the cards of the tests")

var titles = map[string]card{
	"en":     {"Week in Review", "Week in Review: Ferries, Trams, the Museum, and More", "8–14 June 2026", "The Quay Post"},
	"ru":     {"Обзор недели", "Обзор недели: железные дороги, здравоохранение, «Ёлка» и другое", "14–20 октября 2024 года", "Степной курьер"},
	"kk":     {"Апта шолуы", "Апта шолуы: Өзендер, теміржол, Қызылорда, Әулиекөл, Үңгір, ұлы Һәм ірі ғылым", "2024 жылғы 14–20 қазан", "Дала хабаршысы"},
	"short":  {"The Week", "Rain", "14 October 2024", "Steppe Courier"},
	"long":   {"The Week", strings.Repeat("Many words make a title that never ends, ", 12), "30 December 2024 – 5 January 2025", "Steppe Courier"},
	"wide":   {"The Week", strings.Repeat("W", 120), "", ""},
	"arabic": {"The Week", "الأسبوع في سطور", "14–20 October 2024", "Steppe Courier"},
	"names":  {strings.Repeat("A name of many words ", 9), "Title", strings.Repeat("14–20 October 2024 ", 9), strings.Repeat("A newsroom of many words ", 9)},
	"empty":  {},
	"emoji":  {"The Week", "☀️ then 🌧️", "14 October 2024", "Steppe Courier"},
}

func TestCards(t *testing.T) {
	c, err := newCards()
	if err != nil {
		t.Fatal(err)
	}
	for name, say := range titles {
		img, err := c.draw(say)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if b := img.Bounds(); b.Dx() != 1200 || b.Dy() != 630 {
			t.Errorf("%s: %v", name, b)
		}
		// Nothing is drawn into the margin.
		for y := range cardHeight {
			for _, x := range []int{0, margin - 10, cardWidth - margin + 10, cardWidth - 1} {
				if img.At(x, y) != paper {
					t.Fatalf("%s: there is ink at %d,%d", name, x, y)
				}
			}
		}
		if *cardsTo != "" {
			var b bytes.Buffer
			if err := png.Encode(&b, img); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(*cardsTo, name+".png"), b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Lines break between words only, and a title that fits is there whole.
func TestCardTitles(t *testing.T) {
	c, err := newCards()
	if err != nil {
		t.Fatal(err)
	}
	for name, say := range titles {
		lines, face, err := c.title(say)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if w := font.MeasureString(face, line).Ceil(); w > titleWidth {
				t.Errorf("%s: %q is %d wide", name, line, w)
			}
		}
		if h := face.Metrics().Height.Ceil() * len(lines); h > titleHeight {
			t.Errorf("%s: the title is %d high", name, h)
		}
		got, want := strings.Join(lines, " "), strings.Join(strings.Fields(say.Title), " ")
		switch name {
		case "long":
			got = strings.TrimSuffix(got, " …")
			if !strings.HasPrefix(want, got) || !strings.ContainsAny(want[len(got):len(got)+1], " ,") {
				t.Errorf("%s: %q", name, got)
			}
		case "emoji":
			if got != "then" {
				t.Errorf("%s: %q", name, got)
			}
		case "wide", "arabic":
			if got != say.Name {
				t.Errorf("%s: %q, not the newsletter's name", name, got)
			}
		default:
			if got != want {
				t.Errorf("%s: %q, not %q", name, got, want)
			}
		}
	}
}

// Every letter of the three languages has a picture of its own.
func TestCardLetters(t *testing.T) {
	c, err := newCards()
	if err != nil {
		t.Fatal(err)
	}
	const all = "ӘәҒғҚқҢңӨөҰұҮүҺһІіЁёЙйЪЫЭЮЯщъыэюяABZabz0189«»“”’—–…№"
	if got := c.known(c.serif, all); got != all {
		t.Errorf("PT Serif has only %q", got)
	}
	if got := c.known(c.sans, all); got != all {
		t.Errorf("PT Sans has only %q", got)
	}
}

func TestCardIsServed(t *testing.T) {
	server := site(t, weeks()...)
	resp, body := get(t, "GET", server.URL+"/weekly/2024-W43/card.png")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "image/png" || resp.Header.Get("Cache-Control") != "public, max-age=3600" {
		t.Fatalf("status %d, %v", resp.StatusCode, resp.Header)
	}
	if img, err := png.Decode(strings.NewReader(body)); err != nil || img.Bounds().Dx() != 1200 {
		t.Error(err)
	}
	if again, _ := get(t, "GET", server.URL+"/weekly/2024-W43/card.png", "If-None-Match", resp.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("unchanged: status %d", again.StatusCode)
	}
}
