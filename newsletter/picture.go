package newsletter

// Picture is a picture that is kept to be shown. The zero value is none.
type Picture struct {
	Name          string `json:"name,omitempty"` // of its content and type, such as 3f9a….jpg
	Width, Height int    // in px, as it is shown: half of what a fine screen has
	Alt           string `json:"alt,omitempty"`
}

// PicturePath is where the public site serves pictures, by their names.
const PicturePath = "/images/"

// ContentID is what an inline picture is called within its mail (RFC 2392).
func (p Picture) ContentID() string { return p.Name + "@apta" }
