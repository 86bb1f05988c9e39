package desk

import (
	"html/template"
	"net/http"

	"apta/newsletter"
	"apta/newsletter/render"
)

// onOverview is how many issues of a newsletter the overview has: a quarter.
const onOverview = 13

// overviewView is the page on which the desk opens.
type overviewView struct {
	Frame
	Shelves []shelf
}

// shelf is the issues of one newsletter.
type shelf struct {
	Frame
	Name   string
	Issues []issueLine
}

// issueLine is an issue in a list.
type issueLine struct {
	newsletter.Issue
	Dates string
	Line  *Line // of one that is on its way
}

func (d *Desk) overview(w http.ResponseWriter, r *http.Request) error {
	v := overviewView{Frame: d.Frame(r, "issues", "issues")}
	for _, n := range d.Newsletters {
		issues, err := d.Store.Issues(r.Context(), n.Slug, onOverview)
		if err != nil {
			return err
		}
		one := shelf{Frame: v.Frame.In(n.Masthead), Name: n.Name}
		for _, i := range issues {
			i.Title = render.OneLine(i.Title)
			row := issueLine{Issue: i, Dates: render.Dates(v.Words, i, n.Zone)}
			if i.Status != newsletter.Sent {
				l, err := d.Line(r, i)
				if err != nil {
					return err
				}
				row.Line = &l
			}
			one.Issues = append(one.Issues, row)
		}
		v.Shelves = append(v.Shelves, one)
	}
	return d.Write(w, r, http.StatusOK, "overview.html", v)
}

// issueView is an issue as its readers will have it.
type issueView struct {
	Frame
	Issue      newsletter.Issue
	Dates      string
	Paragraphs []template.HTML
	Latest     []render.Story
	Line       Line
}

func (d *Desk) showIssue(w http.ResponseWriter, r *http.Request) error {
	i, err := d.Issue(r)
	if err != nil {
		return err
	}
	n := d.newsletter(i.Newsletter)
	v := issueView{Frame: d.Frame(r, "issues", render.OneLine(i.Title)).In(n.Masthead), Issue: i, Latest: render.Latest(i)}
	v.Dates = render.Dates(v.Words, i, n.Zone)
	if v.Line, err = d.Line(r, i); err != nil {
		return err
	}
	if v.Paragraphs, err = d.Renderer.Paragraphs(i); err != nil {
		return err
	}
	return d.Write(w, r, http.StatusOK, "issue.html", v)
}
