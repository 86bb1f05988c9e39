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
	Inline    []string // the names of the pictures that the HTML shows by their Content-ID
}

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
