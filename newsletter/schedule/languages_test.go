package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/schedule"
	"apta/subscribers/database"
	"apta/subscribers/database/databasetest"
)

// speaking has an office make an issue in each of three languages, but in those
// of which there is nothing.
func speaking(nothing ...string) func(*schedule.Options) {
	return func(o *schedule.Options) {
		o.Languages = []string{"en", "ru", "kk"}
		o.Compose = func(_ context.Context, w newsletter.Window, language string) (newsletter.Issue, error) {
			for _, n := range nothing {
				if n == language {
					return newsletter.Issue{}, fmt.Errorf("2 items in %s: %w", language, assemble.ErrEmpty)
				}
			}
			return newsletter.Issue{Newsletter: "weekly", Week: w.Name, Language: language, Title: language, From: w.From, To: w.To}, nil
		}
	}
}

// A slot has an issue in every language that there is enough for, each sent by
// itself; the slot says which one is missing and what its readers get.
func TestASlotHasAnIssueInEveryLanguage(t *testing.T) {
	for _, c := range []struct {
		nothing []string
		want    string
		why     string
	}{
		{nil, "en sending, ru sending, kk sending", ""},
		{[]string{"kk"}, "en sending, ru sending", "none in kk: 2 items in kk: " + assemble.ErrEmpty.Error() + "; its readers get the issue in en"},
		{[]string{"en"}, "ru sending, kk sending", "none in en: 2 items in en: " + assemble.ErrEmpty.Error() + "; its readers get the issue in ru"},
		{[]string{"en", "ru", "kk"}, "", "2 items in"},
	} {
		databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
			ctx := context.Background()
			o := newOffice(t, db, newClock(monday), speaking(c.nothing...))
			o.minute(t, monday)
			o.minute(t, friday)
			slot, err := o.store.Slot(ctx, "weekly", "2024-W42")
			if err != nil || (c.want == "") != (slot.State == newsletter.SlotSkipped) || slot.Why != c.why && (c.want != "" || !strings.HasPrefix(slot.Why, c.why)) {
				t.Errorf("without %v the slot is %s: %q (%v)", c.nothing, slot.State, slot.Why, err)
			}
			var got []string
			for _, language := range []string{"en", "ru", "kk"} {
				i, err := o.store.IssueIn(ctx, "weekly", "2024-W42", language)
				if err == nil {
					got = append(got, i.Language+" "+string(i.Status))
				} else if !errors.Is(err, newsletter.ErrNotFound) {
					t.Fatal(err)
				}
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("without %v there are %v", c.nothing, got)
			}
			if int(o.starts.Load()) != len(got) {
				t.Errorf("%d sends were started", o.starts.Load())
			}
		})
	}
}

// What an editor made in one language stays, and the others are made beside it.
func TestAnEditorsIssueStaysBesideThoseInOtherLanguages(t *testing.T) {
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		o := newOffice(t, db, newClock(monday), speaking("kk"))
		o.minute(t, monday)
		if _, err := o.store.SaveIssue(ctx, newsletter.Issue{Newsletter: "weekly", Week: "2024-W42", Language: "ru", Title: "By hand", From: monday, To: friday}); err != nil {
			t.Fatal(err)
		}
		o.minute(t, friday)
		for language, title := range map[string]string{"ru": "By hand", "en": "en"} {
			if i, err := o.store.IssueIn(ctx, "weekly", "2024-W42", language); err != nil || i.Title != title || i.Revision != 1 || i.Status != newsletter.Sending {
				t.Errorf("in %s: %+v (%v)", language, i, err)
			}
		}
	})
}

// Jobs say whose they are; those from before there were several are the main one's.
func TestJobsGoToTheirNewslettersKeeper(t *testing.T) {
	databasetest.Each(t, tables, func(t *testing.T, db *database.DB) {
		ctx, clock := context.Background(), newClock(monday)
		weekly := newOffice(t, db, clock, nil)
		ports := newOffice(t, db, clock, func(o *schedule.Options) {
			o.Newsletter = "ports"
			o.Compose = func(_ context.Context, w newsletter.Window, _ string) (newsletter.Issue, error) {
				return newsletter.Issue{Newsletter: "ports", Week: w.Name, Language: "en", Title: "Ports", From: w.From, To: w.To}, nil
			}
		})
		both := schedule.Keepers{weekly.Keeper, ports.Keeper}
		if err := both.Reckon(ctx); err != nil {
			t.Fatal(err)
		}
		clock.Store(&friday)
		if err := both.Reckon(ctx); err != nil {
			t.Fatal(err)
		}
		list, err := weekly.jobs.List(ctx, 10)
		if err != nil || len(list) != 2 || !strings.Contains(string(list[0].Args), `"ports"`) {
			t.Errorf("the jobs are %+v (%v)", list, err)
		}
		if err := both.Assemble(ctx, schedule.Assemble{Week: "2024-W42"}); err != nil { // of an older version
			t.Fatal(err)
		}
		if _, err := ports.store.Issue(ctx, "ports", "2024-W42"); !errors.Is(err, newsletter.ErrNotFound) {
			t.Errorf("the job of the main newsletter made an issue of ports: %v", err)
		}
		if err := both.Assemble(ctx, schedule.Assemble{Newsletter: "ports", Week: "2024-W42"}); err != nil {
			t.Fatal(err)
		}
		for slug, title := range map[string]string{"weekly": "The Week", "ports": "Ports"} {
			i, err := ports.store.Issue(ctx, slug, "2024-W42")
			if err != nil || i.Title != title {
				t.Fatalf("%s has %+v (%v)", slug, i, err)
			}
			if err := both.Send(ctx, schedule.Send{Newsletter: slug, Issue: i.ID}); err != nil {
				t.Fatal(err)
			}
		}
		if weekly.starts.Load() != 1 || ports.starts.Load() != 1 {
			t.Errorf("%d and %d were sent", weekly.starts.Load(), ports.starts.Load())
		}
		if err := both.Assemble(ctx, schedule.Assemble{Newsletter: "gone", Week: "2024-W42"}); err == nil {
			t.Error("a job of no newsletter was done")
		}
	})
}
