package week

import (
	"net/http"
	"slices"

	"apta/newsletter"
	"apta/newsletter/desk"
	"apta/subscribers"
)

// testView is the form by which an issue is sent to one address.
type testView struct {
	Email   string
	Topics  []string
	Chosen  []string
	Text    bool
	Problem string
	Sent    string

	Issues []newsletter.Issue // of the week, where it has one in each of several languages
	Issue  string             // the one that is sent
}

func (s *Screen) testOf(r *http.Request, v *view, o open) (testView, error) {
	topics, err := o.room.Topics(r.Context())
	if err != nil {
		return testView{}, err
	}
	t := testView{Email: v.Frame.Editor.Email, Topics: topics, Issue: o.issue.ID.String()}
	all, err := s.Store.Issues(r.Context(), o.issue.Newsletter, 2*onWeek)
	for _, i := range all {
		if i.Week == o.issue.Week {
			t.Issues = append(t.Issues, i)
		}
	}
	return t, err
}

// onWeek is how many issues of other weeks may stand before those of one.
const onWeek = 30

// maxTests is how many tests an editor may send within an hour.
const maxTests = 60

// test sends the issue as it stands to one address, as the readers of a variant
// will have it. Nothing of it is counted.
func (s *Screen) test(w http.ResponseWriter, r *http.Request) error {
	form, err := s.desk.Form(w, r)
	if err != nil {
		return err
	}
	o, err := s.opened(r)
	if err != nil {
		return err
	}
	v, err := s.filled(r, o)
	if err != nil {
		return err
	}
	t := &v.Test
	t.Email, t.Text = form.Get("email"), form.Get("format") == "text"
	for _, topic := range form["topic"] {
		if slices.Contains(t.Topics, topic) {
			t.Chosen = append(t.Chosen, topic)
		}
	}
	status := http.StatusOK
	as := subscribers.Variant{Topics: t.Chosen, Text: t.Text}
	which := o
	for _, i := range t.Issues {
		if i.ID.String() == form.Get("issue") && i.ID != o.issue.ID {
			t.Issue = i.ID.String()
			if which, err = s.of(r.Context(), i); err != nil {
				return err
			}
		}
	}
	to, err := subscribers.ParseAddress(t.Email)
	switch {
	case err != nil:
		t.Problem, status = v.Frame.Words["error_email"], http.StatusUnprocessableEntity
	case !s.tests.allow(desk.From(r.Context()).ID, s.Now()):
		t.Problem, status = v.Frame.Words["week_test_many"], http.StatusTooManyRequests
	default:
		if _, empty := which.issue.About(as.Topics); empty && len(as.Topics) > 0 {
			t.Problem, status = v.Frame.Words["week_test_empty"], http.StatusUnprocessableEntity
			break
		}
		if err := s.desk.Audit(r, "issue.test", o.issue.ID.String()+" "+to); err != nil {
			return err
		}
		if err := which.room.SendTest(r.Context(), which.issue, to, as); err != nil {
			s.Log.Warn("a test was not sent", "issue", o.issue.ID, "err", err)
			t.Problem, status = v.Frame.Words.Fill("week_test_failed", "why", err.Error()), http.StatusBadGateway
			break
		}
		t.Sent = v.Frame.Words.Fill("week_test_sent", "to", to)
	}
	if r.Header.Get("HX-Request") != "" {
		if status == http.StatusBadGateway || status == http.StatusTooManyRequests {
			status = http.StatusUnprocessableEntity // htmx shows that one
		}
		return s.desk.Write(w, r, status, "week-test", v)
	}
	return s.desk.Write(w, r, status, "week.html", v)
}
