package main

import (
	"io"
	"os"

	"github.com/cheggaaa/pb/v3"
	"golang.org/x/term"
)

// bar makes a progress bar on standard error. Without a terminal it is silent.
func (a *app) bar(label string, total int64) *pb.ProgressBar {
	b := pb.New64(total)
	b.SetTemplateString(`{{string . "label"}} {{counters .}} {{bar .}} {{percent .}} {{speed . "%s/s"}} {{rtime . "%s left"}}`)
	b.Set("label", label)
	b.SetWriter(a.stderr)
	if !isTerminal(a.stderr) {
		b.SetWriter(io.Discard)
		b.Set(pb.Static, true)
	}
	return b.Start()
}

// byteBar is a bar over the bytes of a file; size is -1 where it is unknown.
func (a *app) byteBar(label string, size int64) *pb.ProgressBar {
	b := a.bar(label, max(size, 0))
	b.Set(pb.Bytes, true)
	return b
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
