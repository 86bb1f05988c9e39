package feeds

import (
	"context"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake/similar"
	"apta/subscribers/database"
)

// sameStoryWithin is how long after an item another telling of its story is looked
// for: what is told anew later is a new story.
const sameStoryWithin = 4 * 24 * time.Hour

// stories are the items of the last days, as one round of polls knows them.
type stories struct {
	finder *similar.Finder
	told   []teller // by the finder's numbers
}

type teller struct {
	item   database.ID
	source string
}

// put shelves what is new. A story that another source has told is kept once, with
// the others as its tellings.
func (s *stories) put(ctx context.Context, shelf Shelf, items []newsletter.Item, now time.Time) (added int, err error) {
	if len(items) == 0 {
		return 0, nil
	}
	if err := s.load(ctx, shelf, now); err != nil {
		return 0, err
	}
	var fresh []newsletter.Item
	var tellings []newsletter.Telling
	for _, it := range items {
		if n, found := s.finder.Find(text(it)); found && s.told[n].source != it.Source && now.Sub(it.Published) < sameStoryWithin {
			tellings = append(tellings, newsletter.Telling{Item: s.told[n].item, URL: it.URL, Source: it.Source, Title: it.Title, Published: it.Published})
			continue
		}
		fresh = append(fresh, it)
	}
	if added, err = shelf.AddItems(ctx, fresh); err != nil {
		return 0, err
	}
	for _, it := range fresh {
		if it.ID != 0 && now.Sub(it.Published) < sameStoryWithin {
			s.add(it)
		}
	}
	return added, shelf.AddTellings(ctx, tellings)
}

func (s *stories) load(ctx context.Context, shelf Shelf, now time.Time) error {
	if s.finder != nil {
		return nil
	}
	items, err := shelf.ItemsIn(ctx, newsletter.Window{From: now.Add(-sameStoryWithin), To: now.Add(time.Hour)})
	if err != nil {
		return err
	}
	s.finder = similar.NewFinder()
	for _, it := range items {
		s.add(it)
	}
	return nil
}

func (s *stories) add(it newsletter.Item) {
	s.finder.Add(text(it))
	s.told = append(s.told, teller{it.ID, it.Source})
}

func text(it newsletter.Item) similar.Text {
	return similar.Text{Title: it.Title, Summary: newsletter.PlainText(it.Summary), Language: it.Language}
}
