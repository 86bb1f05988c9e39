package newsletter

import "slices"

// About is the issue for a reader who wants some themes only: the strands of
// those and the headlines of those. Headlines of no theme are everybody's.
// empty is true where nothing of it is left. No themes are all of them.
func (i Issue) About(themes []string) (about Issue, empty bool) {
	if len(themes) > 0 {
		i.Strands = slices.DeleteFunc(slices.Clone(i.Strands), func(s Strand) bool { return !slices.Contains(themes, s.Theme) })
		i.Latest = slices.DeleteFunc(slices.Clone(i.Latest), func(h Headline) bool { return h.Theme != "" && !slices.Contains(themes, h.Theme) })
	}
	return i, len(i.Strands) == 0 && len(i.Latest) == 0
}

// NoEdition stands in the place of an edition for the readers of a variant that
// has nothing of the week in it: they are sent nothing.
const NoEdition = "none"
