package desk

import (
	"errors"
	"net/http"

	"apta/newsletter/intake"
	"apta/newsletter/intake/feeds"
	"apta/subscribers/database"
)

func (d *Desk) feedRoutes() {
	d.mux.Handle("GET /desk/feeds", d.Require(Writer, d.showFeeds))
	d.mux.Handle("POST /desk/feeds", d.Require(Writer, d.addFeed))
	d.mux.Handle("POST /desk/feeds/{id}/poll", d.Require(Writer, d.pollFeed))
	d.mux.Handle("POST /desk/feeds/{id}/remove", d.Require(Publisher, d.removeFeed))
	d.mux.Handle("GET /desk/add", d.Require(Writer, d.askAdd))
	d.mux.HandleFunc("GET /desk/app.webmanifest", d.manifest)
	d.mux.Handle("POST /desk/add", d.Require(Writer, d.add))
}

// feedsView is the page of what is followed.
type feedsView struct {
	Frame
	Feeds   []feeds.Feed
	Failing int
	URL     string // of a feed that could not be added
	Problem string
}

func (d *Desk) showFeeds(w http.ResponseWriter, r *http.Request) error {
	return d.writeFeeds(w, r, http.StatusOK, feedsView{})
}

func (d *Desk) writeFeeds(w http.ResponseWriter, r *http.Request, status int, v feedsView) (err error) {
	v.Frame = d.Frame(r, "feeds", "place_feeds")
	if v.Feeds, err = d.Feeds.Store.All(r.Context()); err != nil {
		return err
	}
	for _, f := range v.Feeds {
		if f.Error != "" {
			v.Failing++
		}
	}
	return d.Write(w, r, status, "feeds.html", v)
}

func (d *Desk) addFeed(w http.ResponseWriter, r *http.Request) error {
	form, err := d.Form(w, r)
	if err != nil {
		return err
	}
	f := feeds.Feed{Theme: short(form.Get("theme"), 100), Place: short(form.Get("place"), 100), Language: form.Get("language"), Role: feeds.Role(form.Get("role"))}
	v := feedsView{URL: form.Get("url")}
	address, err := intake.CheckURL(v.URL)
	if err == nil {
		err = f.Check()
	}
	if err == nil {
		var parsed *feeds.Parsed
		if f.URL, parsed, err = d.Feeds.Find(r.Context(), address); err == nil {
			f.Title = parsed.Title
			err = d.Feeds.Store.Add(r.Context(), &f)
		}
	}
	if err != nil {
		v.Problem = d.Words(r).Fill("feed_problem", "why", err.Error())
		return d.writeFeeds(w, r, http.StatusUnprocessableEntity, v)
	}
	if err := d.Audit(r, "feed.add", f.URL); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/feeds", "feed")
}

// feed is the one that a path names.
func (d *Desk) feed(r *http.Request) (feeds.Feed, error) {
	id, err := database.ParseID(r.PathValue("id"))
	if err != nil {
		return feeds.Feed{}, feeds.ErrNotFound
	}
	return d.Feeds.Store.Feed(r.Context(), id)
}

func (d *Desk) pollFeed(w http.ResponseWriter, r *http.Request) error {
	f, err := d.feed(r)
	if err != nil {
		return err
	}
	if err := d.Feeds.Poll(r.Context(), []feeds.Feed{f}, func(feeds.Feed) {}); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/feeds", "polled")
}

func (d *Desk) removeFeed(w http.ResponseWriter, r *http.Request) error {
	f, err := d.feed(r)
	if err == nil {
		err = d.Feeds.Store.Remove(r.Context(), f.ID)
	}
	if err != nil && !errors.Is(err, feeds.ErrNotFound) {
		return err
	}
	if err := d.Audit(r, "feed.remove", f.URL); err != nil {
		return err
	}
	return d.Back(w, r, "/desk/feeds", "feed_removed")
}
