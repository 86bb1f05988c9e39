package newsletter

import "time"

// Masthead says whose newsletter this is: what its pages and mails carry around an issue.
type Masthead struct {
	Slug     string         // names the newsletter in URLs and in the database, such as "weekly"
	Name     string         // what readers call it, such as "Week in Review"
	Newsroom string         // who publishes it
	Postal   string         // the postal address that the law wants in the footer, one line
	Reason   string         // why a reader has this mail, one sentence
	BaseURL  string         // where the public pages are, without a final slash
	Language string         // BCP 47, of the texts around the issue
	Zone     *time.Location // in which weeks begin and dates are written
	Look     Look
}

// IssueURL is the address of an issue's public page.
func (m Masthead) IssueURL(i Issue) string { return m.BaseURL + "/" + m.Slug + "/" + i.Week }
