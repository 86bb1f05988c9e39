package intake

import (
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	almaty, err := time.LoadLocation("Asia/Almaty")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"2024-10-14T09:00:00+05:00":                       "2024-10-14T04:00:00Z",
		"2024-10-14T09:00:00.123456Z":                     "2024-10-14T09:00:00Z",
		"2024-10-14T09:00:00":                             "2024-10-14T04:00:00Z",
		"2024-10-14T09:00+0500":                           "2024-10-14T04:00:00Z",
		"2024-10-14 09:00:00 +05":                         "2024-10-14T04:00:00Z",
		"2024-10-14":                                      "2024-10-13T19:00:00Z",
		"2024/10/14 09:00":                                "2024-10-14T04:00:00Z",
		"Mon, 14 Oct 2024 09:00:00 GMT":                   "2024-10-14T09:00:00Z",
		"Mon, 14 Oct 2024 09:00:00 +0500":                 "2024-10-14T04:00:00Z",
		"Mon, 14 Oct 24 09:00 EST":                        "2024-10-14T14:00:00Z",
		"Monday, October 14th, 2024 at 9:05 p.m. PDT":     "2024-10-15T04:05:00Z",
		"14 October 2024 12:00AM UTC":                     "2024-10-14T00:00:00Z",
		"Mon Oct 14 09:00:00 MSK 2024":                    "2024-10-14T06:00:00Z",
		"Mon Oct 14 2024 09:00:00 GMT+0300 (Moscow Time)": "2024-10-14T06:00:00Z",
		"14-Oct-2024 09:00:00 UTC+6":                      "2024-10-14T03:00:00Z",
		"Пн, 14 окт 2024 09:00:00 +0300":                  "2024-10-14T06:00:00Z",
		"понедельник, 14 октября 2024 г., 09:00 МСК":      "2024-10-14T06:00:00Z",
		"14 октября 2024 года в 09:00":                    "2024-10-14T04:00:00Z",
		"14.10.2024 09:00":                                "2024-10-14T04:00:00Z",
		"14.10.24, 09:00 (МСК)":                           "2024-10-14T06:00:00Z",
		"9 мая 2024":                                      "2024-05-08T19:00:00Z",
		"1 сентября 2024, 08:30":                          "2024-09-01T03:30:00Z",
		"сенбі, 14 қыркүйек 2024 ж., 09:00":               "2024-09-14T04:00:00Z",
		"2024 жылғы 14 қазан, 09:00":                      "2024-10-14T04:00:00Z",
		"14 желтоқсан 2024":                               "2024-12-13T19:00:00Z",
		"2024-10-14 09:00 Europe/Moscow":                  "2024-10-14T06:00:00Z",
		"2023-10-14 09:00":                                "2023-10-14T03:00:00Z", // Almaty was at +06:00 then
		"Sat, 31 Dec 2016 23:59:60 GMT":                   "2017-01-01T00:00:00Z", // a leap second
		"Sun, 29 Feb 2004 24:00:00 GMT":                   "2004-03-01T00:00:00Z",
	} {
		got, err := ParseDate(in, almaty)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q is %v (%v), not %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "yesterday", "Mon", "14 Oct", "31 Feb 2024", "2024-13-01", "14 Oct 2024 25:00", "14 Oct 2024 09:75", "0000-00-00 00:00:00", "14 brumaire 2024", "1729000000000"} {
		if got, err := ParseDate(in, time.UTC); err == nil {
			t.Errorf("%q was taken as %v", in, got)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"Mon, 14 Oct 2024 09:00:00 +0500", "14 октября 2024 г. в 09:00 МСК", "2024-10-14T09:00:00.1Z", "14-Oct-24 9pm", "2024 жылғы 14 қазан"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := ParseDate(in, time.UTC)
		if err != nil {
			return
		}
		if again, err := ParseDate(got.Format(time.RFC3339), time.UTC); err != nil || !again.Equal(got) {
			t.Fatalf("%q is %v, which is %v (%v)", in, got, again, err)
		}
	})
}
