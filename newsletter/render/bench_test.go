package render

import "testing"

// BenchmarkMail renders the seed week, both parts, as approval does for each variant.
func BenchmarkMail(b *testing.B) {
	issue, r, m := seedWeek(b), newRenderer(b), masthead("en")
	mail, err := r.Mail(issue, m)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(mail.HTML))/1024, "KB-html")
	for b.Loop() {
		if _, err := r.Mail(issue, m); err != nil {
			b.Fatal(err)
		}
	}
}
