package newsletter

// Mail is an issue rendered for readers, with slot markers where each reader's
// own words go. HTML is a whole document with its CSS inlined; Text is the
// plain-text part, one paragraph a line, lines ended by "\n".
type Mail struct {
	Subject   string
	Preheader string
	Language  string // BCP 47
	HTML      string
	Text      string
	Inline    []Inline // the pictures that the HTML shows by their Content-ID
}

// Inline is a picture in a mail. Rendering names it; whoever keeps pictures adds
// its type and body before the mail is frozen.
type Inline struct {
	Name, Type string
	Body       []byte
}

// ContentID is what the HTML calls it.
func (i Inline) ContentID() string { return Picture{Name: i.Name}.ContentID() }

// Slot is a reader slot: a named place in an edition filled for each reader.
type Slot string

// The reader slots of a mail's two bodies.
const (
	SlotUnsubscribe Slot = "unsubscribe" // URL of the reader's unsubscribe page
	SlotPreferences Slot = "preferences" // URL of the reader's preferences page
	SlotName        Slot = "name"        // the reader's name, empty where unknown
)

// Slots lists every slot once.
var Slots = [...]Slot{SlotUnsubscribe, SlotPreferences, SlotName}

// Marker is what stands in the bytes for the slot until it is filled. It has
// ASCII letters only, so that HTML, URL and quoted-printable escaping leave it whole.
func (s Slot) Marker() string { return "AptaSlot" + string(s) + "Here" }
