package desk

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"apta/subscribers"
)

// maxUpload bounds an uploaded file of readers, in bytes; larger ones are for the
// command line. uploadTime is how long it may take.
const (
	maxUpload  = 64 << 20
	uploadTime = 5 * time.Minute
	badShown   = 50 // wrong lines that are shown
)

type importView struct {
	Frame
	Choosing
	File    string
	Dry     bool
	Report  *subscribers.Report
	Bad     []badLine
	Problem string
}

type badLine struct {
	Line int
	Why  string
}

func (d *Desk) askImport(w http.ResponseWriter, r *http.Request) error {
	n := d.chosen(r)
	return d.Write(w, r, http.StatusOK, "import.html", importView{Frame: d.Frame(r, "readers", "import_title"), Choosing: d.choosing(r, n), Dry: true})
}

// importReaders says what an import would do, or does it. Asked by htmx it answers
// with the report alone, so the file stays chosen in the form.
func (d *Desk) importReaders(w http.ResponseWriter, r *http.Request) error {
	limits := http.NewResponseController(w)
	until := time.Now().Add(uploadTime)
	if err := errors.Join(limits.SetReadDeadline(until), limits.SetWriteDeadline(until)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	if err := r.ParseMultipartForm(4 << 20); err != nil {
		return errForm
	}
	defer r.MultipartForm.RemoveAll()
	n := d.chosen(r)
	v := importView{Frame: d.Frame(r, "readers", "import_title"), Choosing: d.choosing(r, n), Dry: r.PostFormValue("act") != "import"}
	file, head, err := r.FormFile("file")
	if err != nil {
		v.Problem = v.Words["import_no_file"]
		return d.writeImport(w, r, http.StatusUnprocessableEntity, v)
	}
	defer file.Close()
	v.File = short(head.Filename, 200)
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	report, err := n.Readers.Import(r.Context(), file, subscribers.ImportOptions{
		Source: "import " + v.File, DryRun: v.Dry, Digest: hex.EncodeToString(hash.Sum(nil)),
		Bad: func(line int, err error) {
			if len(v.Bad) < badShown {
				v.Bad = append(v.Bad, badLine{line, err.Error()})
			}
		},
	})
	if r.Context().Err() != nil {
		return err
	}
	if err != nil {
		v.Problem = err.Error()
		return d.writeImport(w, r, http.StatusUnprocessableEntity, v)
	}
	if v.Report = &report; !v.Dry {
		if err := d.Audit(r, "reader.import", v.File); err != nil {
			return err
		}
	}
	return d.writeImport(w, r, http.StatusOK, v)
}

func (d *Desk) writeImport(w http.ResponseWriter, r *http.Request, status int, v importView) error {
	name := "import.html"
	if r.Header.Get("HX-Request") != "" {
		name = "import-report"
	}
	return d.Write(w, r, status, name, v)
}
