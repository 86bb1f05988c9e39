package archive

import (
	"apta/newsletter"
	"apta/templates"
)

// translation is a page in one of the newsletter's languages.
type translation struct {
	Language, Name, URL string
	Here                bool // it is the page itself
}

// translations are the pages of a week's issues, the newsletter's main language first.
func (s *Site) translations(all []newsletter.PublicIssue) (list []translation) {
	for _, tag := range s.masthead.Languages {
		for _, i := range all {
			if i.Language == tag {
				list = append(list, s.translation(tag, s.masthead.IssueURL(i.Issue)))
			}
		}
	}
	return several(list)
}

// fronts are the front pages.
func (s *Site) fronts() (list []translation) {
	for _, tag := range s.masthead.Languages {
		m := s.masthead
		m.Language = tag
		list = append(list, s.translation(tag, m.FrontURL()))
	}
	return several(list)
}

func (s *Site) translation(tag, url string) translation {
	name := tag
	if words := templates.In(s.words, tag); words["tag"] == tag {
		name = words["language_name"]
	}
	return translation{Language: tag, Name: name, URL: url, Here: tag == s.language}
}

func several(list []translation) []translation {
	if len(list) < 2 {
		return nil
	}
	return list
}

// subscribe is the address of the form, in the language of the page.
func (s *Site) subscribe() string {
	url := s.masthead.BaseURL + s.masthead.ReadersPath() + "/subscribe"
	if s.path() != "/"+s.masthead.Slug {
		url += "?lang=" + s.masthead.Language
	}
	return url
}
