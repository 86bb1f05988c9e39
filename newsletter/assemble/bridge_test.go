package assemble

import (
	"strings"
	"testing"

	"apta/newsletter"
)

// A name, a place or an abbreviation keeps its capital behind a bridge; what the
// language or the week's texts know as a common word loses it; and of a word
// that nobody knows nothing is claimed.
func TestFirstWordBehindABridge(t *testing.T) {
	for _, c := range []struct {
		language, text, elsewhere, want string
		sure                            bool
	}{
		{"en", "The council met.", "", "the council met.", true},
		{"en", "Prosecutors spoke.", "", "prosecutors spoke.", true},
		{"en", "North Korea spoke.", "", "North Korea spoke.", true},
		{"en", "NATO spoke.", "", "NATO spoke.", true},
		{"en", "Fire Island burnt.", "", "Fire Island burnt.", true},
		{"en", "Fire broke out.", "", "fire broke out.", true},
		{"en", "Norvane spoke.", "", "Norvane spoke.", false},
		{"en", "Norvane spoke.", "It was said that Norvane lost.", "Norvane spoke.", true},
		{"en", "Eelgrass grew.", "Divers found eelgrass there.", "eelgrass grew.", true},
		{"en", "\"Quotation\" first.", "", "\"Quotation\" first.", true},
		{"en", "340 letters came.", "", "340 letters came.", true},
		{"ru", "В городе прошёл снег.", "", "в городе прошёл снег.", true},
		{"ru", "Министерство энергетики сообщило.", "", "министерство энергетики сообщило.", true},
		{"ru", "Аким Алматы выступил.", "", "аким Алматы выступил.", true},
		{"ru", "Радио Азаттык сообщило.", "", "Радио Азаттык сообщило.", true},
		{"ru", "ЕС ввёл пошлины.", "", "ЕС ввёл пошлины.", true},
		{"ru", "Гордин ушёл.", "Директора Гордина отстранили, а Гордин молчал.", "Гордин ушёл.", true},
		{"ru", "Трещину нашли.", "Инженеры видели трещины в июле.", "трещину нашли.", true},
		{"ru", "Сагитов ушёл.", "", "Сагитов ушёл.", false},
		{"kk", "Бұл шешім қабылданды.", "", "бұл шешім қабылданды.", true},
		{"kk", "Министрлік хабарлады.", "", "министрлік хабарлады.", true},
		{"kk", "Көкталда қар жауды.", "Жұрт енді Көкталға барады.", "Көкталда қар жауды.", true},
		{"kk", "Сәтбаев кетті.", "", "Сәтбаев кетті.", false},
	} {
		c1 := &composer{style: Style{Language: c.language}, phrases: Shipped(c.language)}
		c1.read([]newsletter.Item{story(1, "", "", c.text), story(2, "", "", c.elsewhere)})
		got, sure := c1.lowerFirst(c.text)
		if got != c.want || sure != c.sure {
			t.Errorf("%s: %q gives %q (%v), not %q (%v)", c.language, c.text, got, sure, c.want, c.sure)
		}
	}
}

// Each relation is seen by what the texts have, and by nothing else.
func TestRelations(t *testing.T) {
	long := "The Velmar guild of Ostrava spoke on tolls."
	for _, c := range []struct {
		name, before, it string
		set              func(before, it *newsletter.Item)
		opening          bool
		want             Relation
	}{
		{"one story", long, "Ostrava heard the guild of Velmar.", nil, false, SameStory},
		{"one story, later", long, "Ostrava heard the guild of Velmar.", func(_, it *newsletter.Item) { it.Published = it.Published.AddDate(0, 0, 2) }, false, Later},
		{"opposites", "Prices rose.", "Wages fell.", nil, false, Contrast},
		{"both say both", "Prices rose and fell.", "Wages fell.", nil, false, SameStory},
		{"opposites of other themes", "Prices rose.", "A tree fell.", func(_, it *newsletter.Item) { it.Theme, it.Place = "Nature", "Wood" }, true, NewSubject},
		{"another place", "The market met.", "A fair was held.", func(_, it *newsletter.Item) { it.Place = "Holm" }, false, Elsewhere},
		{"another place, one doing", "The market met.", "A fair was held.", func(b, it *newsletter.Item) {
			it.Place, b.Title, it.Title = "Holm", "Market extends its hours", "Fair extends its hours"
		}, false, Parallel},
		{"another theme", "The market met.", "A judge ruled.", func(_, it *newsletter.Item) { it.Theme, it.Place = "Courts", "Holm" }, true, NewSubject},
		{"a place of before", "The market met.", "A judge ruled.", func(_, it *newsletter.Item) { it.Theme, it.Place = "Courts", "Aral" }, true, Return},
		{"a place of before, named", "The market met.", "A judge in Aral ruled.", func(_, it *newsletter.Item) { it.Theme, it.Place = "Courts", "Aral" }, true, NewSubject},
		{"nothing new", "The market met.", "A fair was held.", nil, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, it := story(1, "Trade", "Quay", c.before), story(2, "Trade", "Quay", c.it)
			before.Title, it.Title = "One", "Two"
			if c.set != nil {
				c.set(&before, &it)
			}
			c1 := &composer{style: style("N"), phrases: Shipped("en"), used: map[string]bool{}}
			c1.read([]newsletter.Item{before, it})
			way := &trail{before: &before, places: map[string]int{"Aral": 0, "Quay": 2}, at: 3, pieces: 1}
			if c.opening {
				way.pieces = 0
			}
			if got, why := c1.relate(&it, way); got != c.want {
				t.Errorf("it is %q (%s), not %q", got, why, c.want)
			}
		})
	}
}

// A bridge of time is never put before a text that says itself when it was: the
// paper of Wednesday may tell of July.
func TestNoTimeOfOurs(t *testing.T) {
	for language, text := range map[string]string{"en": "The guild of Ostrava had met Velmar in July.", "ru": "Гильдия Остравы видела Велмар ещё в июле.",
		"kk": "Острава гильдиясы Велмарды шілдеде көрген."} {
		first := story(1, "T", "P", map[string]string{"en": "The Velmar guild met in Ostrava.", "ru": "Велмар и гильдия Остравы спорят.", "kk": "Бұл Велмар мен Острава гильдиясы."}[language])
		second := story(40, "T", "P", text)
		issue, reasons := compose(t, Style{Language: language}, first, second)
		last := reasons.Bridges[len(reasons.Bridges)-1]
		if last.Relation != Later || last.Bridge != "" || !strings.Contains(last.Why, "says itself when") {
			t.Errorf("%s: %+v in %q", language, last, issue.Strands[0].Text)
		}
	}
}

// What opens with a pronoun stands behind what it speaks of, and where nothing
// shows what that is, an editor is told.
func TestPronouns(t *testing.T) {
	items := []newsletter.Item{
		story(1, "Courts", "Quay", "The mayor of Holm opened a fair."),
		story(2, "Courts", "Holm", "A Velmar trader was fined."),
		story(3, "Courts", "Quay", "The judge went home."),
		story(4, "Courts", "Bar", "He is not the first trader to be fined."),
	}
	issue, reasons := compose(t, style("N"), items...)
	if got := urls(issue); !strings.Contains(got, "02 04") || len(reasons.Doubts) != 0 {
		t.Errorf("the order is %s, doubts %v", got, reasons.Doubts)
	}
	items[3].Summary = "She has said nothing."
	items[3].Theme = "Water"
	if _, reasons = compose(t, style("N"), items...); len(reasons.Doubts) != 1 {
		t.Errorf("doubts: %v", reasons.Doubts)
	}
}
