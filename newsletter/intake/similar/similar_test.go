package similar

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestOneStory(t *testing.T) {
	for _, c := range []struct {
		what string
		a, b Text
		want bool
	}{
		{"told anew, en", Text{"Harbour reopens after three-month repair", "The harbour at Quay reopened on Monday after repairs that took three months.", "en"},
			Text{"Quay harbour reopens after three months of repairs", "Ships returned to the harbour on Monday, when it reopened after repairs of three months.", "en"}, true},
		{"a longer title, en", Text{"Council approves second bridge over the river Ild", "The regional council approved a second bridge on Tuesday.", "en"},
			Text{"Regional council approves second bridge over Ild despite protests by farmers", "Despite protests, the council approved the bridge on Tuesday.", "en"}, true},
		{"told anew, ru", Text{"В Алматы открыли новую станцию метро", "Новая станция метро открылась в Алматы в понедельник, сообщил акимат.", "ru"},
			Text{"Новую станцию метро открыли в Алматы", "В понедельник в Алматы открылась новая станция метро.", "ru"}, true},
		{"told anew, kk", Text{"Алматыда жаңа метро станциясы ашылды", "Дүйсенбі күні Алматыда жаңа метро станциясы ашылды.", "kk"},
			Text{"Алматыда метроның жаңа станциясы ашылды", "Алматы қаласында дүйсенбіде метроның жаңа станциясы ашылды.", "kk"}, true},
		{"word for word", Text{"Rain floods the lower town", "Heavy rain flooded streets.", "en"}, Text{"Rain floods the lower town", "Heavy rain flooded streets.", ""}, true},
		{"the same subject", Text{"Harbour reopens after three-month repair", "The harbour reopened on Monday.", "en"}, Text{"Harbour workers strike over pay", "Workers at the harbour went on strike.", "en"}, false},
		{"another day's weather", Text{"Weather forecast for 14 October", "Rain and wind in the north.", "en"}, Text{"Weather forecast for 15 October", "Rain and wind in the north.", "en"}, false},
		{"another place", Text{"Police detain three suspects in Almaty", "Three men were detained in Almaty.", "en"}, Text{"Police detain smugglers in Aktau port", "A ship was held in Aktau.", "en"}, false},
		{"another language", Text{"Rain floods lower town", "", "en"}, Text{"Rain floods lower town", "", "ru"}, false},
		{"too short to tell", Text{"Latest news", "", "en"}, Text{"Latest news", "", "en"}, false},
		{"the same subject, ru", Text{"В Алматы открыли новую станцию метро", "Станция открылась в понедельник.", "ru"}, Text{"В Алматы подорожал проезд в метро", "Проезд стоит больше.", "ru"}, false},
	} {
		f := NewFinder()
		f.Add(c.a)
		if _, got := f.Find(c.b); got != c.want {
			x, o := featuresOf(c.a), featuresOf(c.b)
			score, _ := x.same(&o)
			t.Errorf("%s: %v (%.2f; %d of %d and %d title words)", c.what, got, score, shared(x.title, o.title), len(x.title), len(o.title))
		}
	}
}

func TestStoriesAreTheSameEachTime(t *testing.T) {
	texts := made(500)
	first := Stories(texts)
	if again := Stories(texts); !slices.Equal(first, again) {
		t.Error("another run, another answer")
	}
	for i, n := range first {
		if want := i - i%4/3*3; n != want && i%4 == 3 {
			t.Errorf("text %d is of story %d, not %d", i, n, want)
		} else if i%4 != 3 && n != i {
			t.Errorf("text %d, which is a story of its own, is of %d", i, n)
		}
	}
}

// made gives texts of which each fourth tells the story of the one three before it.
func made(n int) (texts []Text) {
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 8000)
	for i := range words {
		words[i] = fmt.Sprintf("%c%c%c%c%c%c", 'a'+r.IntN(26), 'a'+r.IntN(26), 'a'+r.IntN(26), 'a'+r.IntN(26), 'a'+r.IntN(26), 'a'+r.IntN(26))
	}
	pick := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = words[int(float64(len(words))*r.Float64()*r.Float64()*r.Float64())] // some words are in many texts
		}
		return list
	}
	var told [][2][]string
	for i := range n {
		title, summary := pick(8), pick(25)
		if i%4 == 3 {
			old := told[i-3]
			title = append(append([]string{}, old[0][2:]...), pick(1)...)
			summary = append(append([]string{}, old[1][:20]...), pick(5)...)
		}
		told = append(told, [2][]string{title, summary})
		texts = append(texts, Text{strings.Join(title, " "), strings.Join(summary, " "), "en"})
	}
	return texts
}

func BenchmarkStories20000(b *testing.B) {
	texts := made(20_000)
	for b.Loop() {
		Stories(texts)
	}
}
