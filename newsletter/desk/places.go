package desk

// Place is a link of the navigation.
type Place struct {
	Path, Name string
	Here       bool
}

// Place gives the link to a section of the desk.
func (f Frame) Place(section, path string) Place {
	return Place{Path: path, Name: f.Words["place_"+section], Here: f.Section == section}
}

// Places are the sections of the desk beside the issues.
func (f Frame) Places() []Place {
	list := []Place{f.Place("calendar", "/desk/calendar"), f.Place("feeds", "/desk/feeds"), f.Place("numbers", "/desk/numbers")}
	if f.May("owner") {
		list = append(list, f.Place("readers", "/desk/readers"), f.Place("settings", "/desk/settings"))
	}
	return list
}

// Own are the links of what is the editor's own.
func (f Frame) Own() []Place {
	list := []Place{f.Place("me", "/desk/me")}
	if f.May("owner") {
		list = append(list, f.Place("people", "/desk/people"), f.Place("tokens", "/desk/tokens"), f.Place("webhooks", "/desk/webhooks"), f.Place("audit", "/desk/audit"))
	}
	return list
}
