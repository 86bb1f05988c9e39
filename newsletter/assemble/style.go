package assemble

// Style is how a newsroom writes its review.
type Style struct {
	Language    string // BCP 47; items of another language are left out
	Newsroom    string
	TitlePrefix string // "Week in Review"
	Standfirst  string // {newsroom} stands for the newsroom
	Subject     string // a template with {title} and {newsroom}; empty is the title
	Preheader   string // the same, and {first} for the first headline or story; empty is the standfirst
	MaxLatest   int    // headlines in the latest news; 0 is none
	Rules       Rules
	Phrases     *Phrases // nil takes the shipped ones of the language
}

// phrases are the style's own or the shipped ones.
func (s Style) phrases() *Phrases {
	if s.Phrases != nil {
		return s.Phrases
	}
	return Shipped(s.Language)
}

// maxPieces is how many items a paragraph made by grouping holds at most.
const maxPieces = 4
