package edit

import "slices"

// Step is one revision, as undoing sees it.
type Step struct {
	Revision int
	Restores int // the revision whose words it brought back; 0 is one of its own
}

// Undo gives the revisions that undoing and redoing bring back, 0 where there is
// none. steps are all of an issue's, the oldest first. An edit after undoing
// leaves nothing to redo, but every revision stays.
func Undo(steps []Step) (undo, redo int) {
	before := map[int]int{} // the revision that an edit was made of
	made := 0               // whose words stand
	var undone []int
	for _, s := range steps {
		switch {
		case s.Restores == 0:
			before[s.Revision] = made
			made, undone = s.Revision, nil
		case s.Restores == before[made]:
			undone = append(undone, made)
			made = s.Restores
		default:
			if n := len(undone); n > 0 && undone[n-1] == s.Restores {
				undone = slices.Clip(undone[:n-1])
				made = s.Restores
				continue
			}
			// Bringing back an older revision at once is an edit like any other.
			before[s.Revision] = made
			made, undone = s.Revision, nil
		}
	}
	if n := len(undone); n > 0 {
		redo = undone[n-1]
	}
	return before[made], redo
}
