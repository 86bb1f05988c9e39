package desk

import (
	"net/http"
	"strings"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake"
)

// addView is the page on which somebody adds what they are reading: a bookmarklet
// or a phone's share sheet opens it with an address and a title. It shows what was
// read there and changes nothing until the button is pressed here, so another
// site that opens it has done nothing.
type addView struct {
	Frame
	Item    newsletter.Item
	Day     string // of publication, in the zone of the main newsletter
	Problem string
}

func (d *Desk) askAdd(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	v := addView{Frame: d.Frame(r, "issues", "add_title")}
	text := q.Get("url")
	if text == "" { // share sheets put the address where they like
		for word := range strings.FieldsSeq(q.Get("text") + " " + q.Get("title")) {
			if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
				text = word
			}
		}
	}
	v.Item = newsletter.Item{URL: text, Title: short(q.Get("title"), 300), Published: d.Now()}
	if text != "" {
		d.readInto(r, &v)
	}
	v.Day = v.Item.Published.In(v.zone).Format(time.DateOnly)
	return d.Write(w, r, http.StatusOK, "add.html", v)
}

// readInto fills in what the page says of itself. Where it cannot be read the
// form is still there, to be filled in by hand.
func (d *Desk) readInto(r *http.Request, v *addView) {
	address, err := intake.Canonical(v.Item.URL)
	if err != nil {
		v.Problem = v.Words.Fill("add_problem", "why", err.Error())
		return
	}
	v.Item.URL = address
	read, err := d.ReadPage(r.Context(), address)
	if err != nil {
		v.Problem = v.Words.Fill("add_unread", "why", err.Error())
		return
	}
	if read.Published.IsZero() {
		read.Published = d.Now()
	}
	v.Item = read
}

func (d *Desk) add(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	v := addView{Frame: d.Frame(r, "issues", "add_title"), Day: form.Get("published")}
	field := func(name string, most int) string {
		return strings.Join(strings.Fields(short(form.Get(name), most)), " ")
	}
	it := newsletter.Item{
		Title: field("title", 600), Summary: field("summary", 8000), Source: field("source", 200), Theme: field("theme", 200), Place: field("place", 200),
		Language: field("language", 35), Image: field("image", 2000), Author: field("author", 200), Latest: form.Get("role") == "latest",
	}
	if it.Image != "" {
		if it.Image, err = intake.CheckURL(it.Image); err != nil {
			it.Image = ""
		}
	}
	it.URL, err = intake.Canonical(form.Get("url"))
	if err == nil {
		it.Published, err = time.ParseInLocation(time.DateOnly, v.Day, v.zone)
	}
	if now := d.Now(); it.Published.Format(time.DateOnly) == now.In(v.zone).Format(time.DateOnly) {
		it.Published = now // today: the hour decides into which window it falls
	}
	v.Item = it
	if err != nil || it.Title == "" {
		v.Item.URL, v.Problem = form.Get("url"), v.Words["add_wrong"]
		return d.Write(w, r, http.StatusUnprocessableEntity, "add.html", v)
	}
	items := []newsletter.Item{it}
	added, err := d.Store.AddItems(r.Context(), items)
	if err != nil {
		return err
	}
	done := "added"
	if added == 0 {
		done = "known"
	} else if err := d.Audit(r, "item.add", it.URL); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/", done)
}
