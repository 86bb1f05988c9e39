package assemble

import "strings"

// Style is how a newsroom writes its review.
type Style struct {
	Language    string // BCP 47; items of another language are left out
	Newsroom    string
	TitlePrefix string // "Week in Review"
	Standfirst  string // {newsroom} stands for the newsroom
	MaxLatest   int    // headlines in the latest news; 0 is none
}

// maxPieces is how many items a paragraph made by grouping holds at most.
const maxPieces = 4

// phrases are the words that a language's review needs.
type phrases struct {
	and       string          // joins two themes
	more      string          // ends a title that names not all themes
	function  map[string]bool // words that lose their capital after a bridge
	openers   map[string]bool // first words after which no bridge is put before them
	elsewhere []string        // same theme, another place
	further   []string        // same theme and place
	newTheme  []string        // at the opening of a paragraph on something else
	stop      map[string]bool // words on which no link begins or ends
}

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// language gives the phrases of a language, English where it is not known.
func language(tag string) phrases {
	base, _, _ := strings.Cut(strings.ToLower(tag), "-")
	switch base {
	case "ru":
		return russian()
	case "kk":
		return kazakh()
	}
	return english()
}

func english() phrases {
	return phrases{
		and: " and ", more: ", and More",
		function: words("a an the this that these those other others another some several many most all both each every no one two three " +
			"in on at by for from of to with within without under over after before during since until through against among between amid about around across along despite " +
			"he she it they we you his her its their our there as if while when where although though because and but or nor yet so more less such"),
		openers: words("meanwhile however also but and yet so still then later earlier elsewhere similarly separately incidentally coincidentally unrelated back " +
			"on in at after before during since until while when as if although though despite amid following once today yesterday tomorrow " +
			"he she it they his her its their this that these those such both another other a-day monday tuesday wednesday thursday friday saturday sunday"),
		elsewhere: []string{"Meanwhile,", "Elsewhere,", "At the same time,", "Further afield,"},
		further:   []string{"In addition,", "Later in the week,", "In the same vein,"},
		newTheme:  []string{"On a separate note,", "In other news,", "On another front,", "Unrelated,"},
		stop: words("a an the this that these those and or but nor yet so in on at by for from of to with within without under over after before during since until through against " +
			"among between amid about around across into onto upon than as if while when where which who whose whom what is are was were be been being has have had do does did will would can could may might shall should " +
			"he she it they we you his her its their our not no also said its there still just only"),
	}
}

func russian() phrases {
	return phrases{
		and: " и ", more: " и другое",
		function: words("в во на по о об от до из за под над при для без с со к ко у и а но или этот эта это эти тот та то те он она оно они его её их мы вы " +
			"все весь вся всё каждый другой другая другое другие некоторые один одна одно два две три после перед во-первых когда если пока хотя как"),
		openers:   words("между тем однако также но а и в на по после до перед когда пока если хотя он она оно они его её их это этот эта эти тем кроме позже ранее затем вчера сегодня"),
		elsewhere: []string{"Тем временем", "Между тем", "Одновременно"},
		further:   []string{"Кроме того,", "Позже на этой неделе", "К слову,"},
		newTheme:  []string{"Другая новость недели:", "О другом:", "Ещё одна тема недели:"},
		stop:      words("в во на по о об от до из за под над при для без с со к ко у и а но или не ни что как это он она они его её их был была было были будет который которая которые"),
	}
}

func kazakh() phrases {
	return phrases{
		and: " және ", more: " және басқалар",
		function:  words("бұл сол осы ол олар біз сіз бір екі үш барлық кейбір басқа өзге және бірақ немесе ал мен бен пен"),
		openers:   words("алайда бірақ сондай-ақ сонымен ал және бұл сол осы ол олар кейін бұрын кеше бүгін осыған"),
		elsewhere: []string{"Сонымен қатар", "Осы кезде", "Бұл уақытта"},
		further:   []string{"Бұдан бөлек,", "Апта соңына қарай"},
		newTheme:  []string{"Басқа тақырыпқа көшсек,", "Ал келесі жаңалық:", "Аптаның тағы бір тақырыбы:"},
		stop:      words("және бірақ немесе ал мен бен пен үшін туралы бойынша дейін кейін бұл сол осы ол олар бір деп болды болып еді"),
	}
}
