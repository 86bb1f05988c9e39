package api

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// description is openapi.yaml, read once: it takes longer than most tests.
var description = sync.OnceValues(func() (libopenapi.Document, error) { return libopenapi.NewDocument(openAPI) })

var checker = sync.OnceValues(func() (validator.Validator, error) {
	doc, err := description()
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return v, nil
})

// validate holds a response against what openapi.yaml says of it. Requests are
// not: most tests send wrong ones on purpose.
func validate(t *testing.T, req *http.Request, res *http.Response, body []byte) {
	t.Helper()
	v, err := checker()
	if err != nil {
		t.Fatal(err)
	}
	if res.Header.Get("Content-Type") == "application/yaml" || req.Method == http.MethodHead {
		return
	}
	if res.StatusCode == http.StatusMethodNotAllowed || bytes.Contains(body, []byte("there is nothing at this address")) {
		return // that is why it is not described
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	ok, problems := v.ValidateHttpResponse(req, res)
	if ok {
		return
	}
	for _, p := range problems {
		t.Errorf("%s %s: the answer is not as described: %s: %s %v\n%s", req.Method, req.URL.Path, p.Message, p.Reason, p.SchemaValidationErrors, body)
	}
}

func model(t *testing.T) *v3.Document {
	t.Helper()
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	m, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	return &m.Model
}

// Every route is described with its scope, and nothing else is.
func TestTheDescriptionIsThatOfTheRoutes(t *testing.T) {
	var said []string
	for path, item := range model(t).Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			scope := ""
			for _, s := range op.Security {
				for _, scopes := range s.Requirements.FromOldest() {
					scope = strings.Join(scopes, ",")
				}
			}
			said = append(said, strings.ToUpper(method)+" "+path+" ["+scope+"]")
		}
	}
	var there []string
	for _, r := range New(Options{Newsroom: &house{}, Now: time.Now}).routes() {
		there = append(there, r.pattern+" ["+string(r.scope)+"]")
	}
	slices.Sort(said)
	slices.Sort(there)
	if !slices.Equal(said, there) {
		t.Errorf("described:\n%s\nthere:\n%s", strings.Join(said, "\n"), strings.Join(there, "\n"))
	}
}

// The description itself is a good OpenAPI 3.1 file.
func TestTheDescriptionIsValid(t *testing.T) {
	v, err := checker()
	if err != nil {
		t.Fatal(err)
	}
	if ok, problems := v.ValidateDocument(); !ok {
		for _, p := range problems {
			t.Error(p.Message, p.Reason)
			for _, e := range p.SchemaValidationErrors {
				t.Error(e.Reason, e.FieldPath)
			}
		}
	}
}

// The guard of the answers is awake: a wrong one is seen.
func TestAWrongAnswerIsSeen(t *testing.T) {
	v, err := checker()
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("GET", "http://127.0.0.1/api/issues/2024-W42/status", nil)
	for body, good := range map[string]bool{
		`{"id":"0000000000001","week":"2024-W42","title":"","status":"sent","revision":1,"counts":{"total":0,"queued":0,"offered":0,"accepted":0,"deferred":0,"refused":0,"doubtful":0,"skipped":0}}`: true,
		`{"id":"0000000000001","week":"2024-W42","title":"","status":"lost","revision":1,"counts":{"total":0,"queued":0,"offered":0,"accepted":0,"deferred":0,"refused":0,"doubtful":0,"skipped":0}}`: false,
		`{"week":"2024-W42"}`: false,
	} {
		res := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: req}
		if ok, _ := v.ValidateHttpResponse(req, res); ok != good {
			t.Errorf("%s: good is %v", body, ok)
		}
	}
}
