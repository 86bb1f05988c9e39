package api

import (
	"bytes"
	"fmt"
	"net/http"

	"apta/newsletter"
	"apta/newsletter/intake"
)

func (a *API) itemRoutes() []route {
	return []route{{"POST /api/items", Items, a.putItems}}
}

// itemLimit bounds a body of items, in bytes: some ten thousand of them.
const itemLimit = 8 << 20

// stored is what became of items.
type stored struct {
	New       int           `json:"new"`
	Changed   int           `json:"changed"`
	Unchanged int           `json:"unchanged"`
	Problems  []LineProblem `json:"problems,omitempty"`
}

// problemsShown bounds an answer; nobody mends more at once.
const problemsShown = 100

// putItems stores one item, or one a line. What is wrong is reported with its
// line and the rest is stored, as apta item import does it.
func (a *API) putItems(w http.ResponseWriter, r *http.Request) error {
	body, kind, err := readBody(w, r, itemLimit, "application/json", "application/jsonl", "application/x-ndjson")
	if err != nil {
		return err
	}
	if kind == "application/json" {
		// One item, which may be spread over many lines.
		body = bytes.ReplaceAll(bytes.TrimSpace(body), []byte("\n"), []byte(" "))
	}
	var items []newsletter.Item
	var problems []LineProblem
	more := 0
	err = intake.ReadJSONL(bytes.NewReader(body), "body", func(it newsletter.Item) error {
		items = append(items, it)
		return nil
	}, func(e *intake.LineError) {
		if len(problems) == problemsShown {
			more++
			return
		}
		problems = append(problems, LineProblem{e.Line, e.Err.Error()})
	})
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return &Problem{Status: http.StatusUnprocessableEntity, Detail: "there is no item in the body that can be stored", Problems: problems}
	}
	count, err := a.Store.PutItems(r.Context(), items)
	if err != nil {
		return err
	}
	if more > 0 {
		problems = append(problems, LineProblem{problems[len(problems)-1].Line, fmt.Sprintf("and %d further problems", more)})
	}
	return writeJSON(w, stored{New: count.New, Changed: count.Changed, Unchanged: count.Same, Problems: problems})
}
