package render

import (
	"testing"
	"time"

	"apta/newsletter"
	"apta/templates"
)

func TestDates(t *testing.T) {
	words, err := templates.Locales()
	if err != nil {
		t.Fatal(err)
	}
	almaty := time.FixedZone("+05", 5*60*60)
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, almaty) }
	tests := []struct {
		language string
		from, to time.Time
		zone     *time.Location
		want     string
	}{
		{"en", day(2024, 10, 14), day(2024, 10, 21), almaty, "14–20 October 2024"},
		{"ru", day(2024, 10, 14), day(2024, 10, 21), almaty, "14–20 октября 2024 года"},
		{"kk", day(2024, 10, 14), day(2024, 10, 21), almaty, "2024 жылғы 14–20 қазан"},
		{"en", day(2024, 10, 28), day(2024, 11, 4), almaty, "28 October – 3 November 2024"},
		{"ru", day(2024, 10, 28), day(2024, 11, 4), almaty, "28 октября – 3 ноября 2024 года"},
		{"kk", day(2024, 10, 28), day(2024, 11, 4), almaty, "2024 жылғы 28 қазан – 3 қараша"},
		{"en", day(2024, 12, 30), day(2025, 1, 6), almaty, "30 December 2024 – 5 January 2025"},
		{"kk", day(2024, 12, 30), day(2025, 1, 6), almaty, "2024 жылғы 30 желтоқсан – 2025 жылғы 5 қаңтар"},
		{"en", day(2024, 10, 14), day(2024, 10, 15), almaty, "14 October 2024"},
		{"en", day(2024, 10, 14), day(2024, 10, 21), time.UTC, "13–20 October 2024"},
		{"en", day(2024, 10, 14), day(2024, 10, 21), nil, "13–20 October 2024"},
		{"en", time.Time{}, time.Time{}, almaty, ""},
		{"en", day(2024, 10, 14), day(2024, 10, 14), almaty, ""},
	}
	for _, tt := range tests {
		got := Dates(words[tt.language], newsletter.Issue{From: tt.from, To: tt.to}, tt.zone)
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.language, got, tt.want)
		}
	}
}

func TestWebURL(t *testing.T) {
	tests := []struct{ in, want string }{
		{"https://news.example/a?b=c&d=e#f", "https://news.example/a?b=c&d=e#f"},
		{" http://news.example ", "http://news.example"},
		{"HTTPS://news.example/", "https://news.example/"},
		{"https://жаңалық.қаз/а", "https://xn--80aaqw4fuxvb.xn--80ao21a/%D0%B0"},
		{"https://news.example/%D0%B0%2Fb", "https://news.example/%D0%B0%2Fb"},
		{"https://қаз:8080/", "https://xn--80ao21a:8080/"},
		{"https://news.example/?q=\"a b\"&<c>", "https://news.example/?q=%22a%20b%22&%3Cc%3E"},
		{"https://user@/", ""},
		{"https:///nohost", ""},
		{"//news.example/", ""},
		{"/a", ""},
		{"javascript:alert(1)", ""},
		{"data:text/html,x", ""},
		{"mailto:a@news.example", ""},
		{"https://news.example/\r\nBcc: x", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := WebURL(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}
