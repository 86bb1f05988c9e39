package newsletter

import "time"

// Masthead says whose newsletter this is: what its pages and mails carry around an issue.
type Masthead struct {
	Slug      string         // names the newsletter in URLs and in the database, such as "weekly"
	Name      string         // what readers call it, such as "Week in Review"
	Newsroom  string         // who publishes it
	Postal    string         // the postal address that the law wants in the footer, one line
	Reason    string         // why a reader has this mail, one sentence
	BaseURL   string         // where the public pages are, without a final slash
	Language  string         // BCP 47, of the texts around the issue
	Zone      *time.Location // in which weeks begin and dates are written
	Look      Look
	Templates string // the folder of its own mail templates; empty are the shipped ones

	Languages []string // in which it has an issue a week, the main one first; where it is none or one, all issues are together
	Further   bool     // it is not the site's main newsletter: the site's front page is another's
}

// Path is where the pages of one of the newsletter's languages are, below BaseURL.
func (m Masthead) Path(language string) string {
	for i, own := range m.Languages {
		if i > 0 && own == language {
			return "/" + m.Slug + "/" + language
		}
	}
	return "/" + m.Slug
}

// IssueURL is the address of an issue's public page.
func (m Masthead) IssueURL(i Issue) string { return m.BaseURL + m.Path(i.Language) + "/" + i.Week }

// FrontURL is the address of the page that the newsletter's other pages lead back to.
func (m Masthead) FrontURL() string {
	if path := m.Path(m.Language); m.Further || path != "/"+m.Slug {
		return m.BaseURL + path
	}
	return m.BaseURL + "/"
}

// ReadersPath is where the newsletter's pages for subscribing are, below BaseURL.
func (m Masthead) ReadersPath() string {
	if m.Further {
		return "/" + m.Slug
	}
	return ""
}
