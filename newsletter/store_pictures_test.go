package newsletter

import (
	"errors"
	"testing"
	"time"

	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

func TestPictures(t *testing.T) {
	databasetest.Each(t, []database.Schema{Schema()}, func(t *testing.T, db *database.DB) {
		s := NewStore(db, database.NewIDs(time.Now, nil), time.Now)
		p := Picture{Name: "3f.jpg", Width: 600, Height: 300}
		for range 2 { // keeping it again changes nothing
			if err := s.PutPicture(t.Context(), p, "image/jpeg", []byte("body"), "https://a.example/1"); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.PutPicture(t.Context(), p, "image/jpeg", []byte("body"), ""); err != nil {
			t.Fatal(err)
		}
		got, found, err := s.PictureFrom(t.Context(), "https://a.example/1")
		if err != nil || !found || got != p {
			t.Errorf("%+v, %v (%v)", got, found, err)
		}
		if _, found, err := s.PictureFrom(t.Context(), "https://a.example/2"); err != nil || found {
			t.Errorf("one that was never fetched was found (%v)", err)
		}
		kind, body, err := s.PictureBody(t.Context(), "3f.jpg")
		if err != nil || kind != "image/jpeg" || string(body) != "body" {
			t.Errorf("%s %q (%v)", kind, body, err)
		}
		if _, _, err := s.PictureBody(t.Context(), "x"); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	})
}
