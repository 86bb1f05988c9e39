package pictures

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"runtime"
	"testing"
)

func drawn(w, h int, alpha uint8) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(i)
		if i%4 == 3 {
			img.Pix[i] = alpha
		}
	}
	return img
}

func encoded(t *testing.T, kind string, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch kind {
	case "jpeg":
		err = jpeg.Encode(&b, img, nil)
	case "gif":
		err = gif.Encode(&b, img, nil)
	default:
		err = png.Encode(&b, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestMake(t *testing.T) {
	for _, tt := range []struct {
		name          string
		body          []byte
		kind          string
		width, height int // shown
		wide          int // kept
	}{
		{"large JPEG", encoded(t, "jpeg", drawn(2400, 1200, 255)), "image/jpeg", 600, 300, 1200},
		{"between", encoded(t, "jpeg", drawn(900, 300, 255)), "image/jpeg", 600, 200, 900},
		{"small", encoded(t, "jpeg", drawn(300, 200, 255)), "image/jpeg", 300, 200, 300},
		{"opaque PNG", encoded(t, "png", drawn(640, 64, 255)), "image/jpeg", 600, 60, 640},
		{"PNG that shines through", encoded(t, "png", drawn(100, 50, 100)), "image/png", 100, 50, 100},
		{"GIF", encoded(t, "gif", drawn(120, 60, 255)), "image/jpeg", 120, 60, 120},
	} {
		m, err := Make(tt.body)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		c, _, err := image.DecodeConfig(bytes.NewReader(m.Body))
		if err != nil || m.Type != tt.kind || m.Width != tt.width || m.Height != tt.height || c.Width != tt.wide {
			t.Errorf("%s: %s, shown %d by %d, kept %d wide (%v)", tt.name, m.Type, m.Width, m.Height, c.Width, err)
		}
		again, err := Make(tt.body)
		if err != nil || again.Name != m.Name || len(m.Name) != 36 {
			t.Errorf("%s: named %s, then %s (%v)", tt.name, m.Name, again.Name, err)
		}
		small, err := Small(m.Body)
		if c, _, cerr := image.DecodeConfig(bytes.NewReader(small.Body)); err != nil || cerr != nil || c.Width > Width {
			t.Errorf("%s: small is %d wide (%v, %v)", tt.name, c.Width, err, cerr)
		}
	}
}

// bomb is a PNG of a few hundred bytes that says it has w by h points.
func bomb(w, h uint32) []byte {
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		binary.Write(&b, binary.BigEndian, uint32(len(data)))
		b.WriteString(kind)
		b.Write(data)
		binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(append([]byte(kind), data...)))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	chunk("IHDR", append(head, 8, 6, 0, 0, 0))
	var z bytes.Buffer
	zw := zlib.NewWriter(&z)
	zw.Write(make([]byte, 1<<20))
	zw.Close()
	chunk("IDAT", z.Bytes())
	chunk("IEND", nil)
	return b.Bytes()
}

func TestFault_E2_Bombs(t *testing.T) {
	jpegOf := encoded(t, "jpeg", drawn(64, 64, 255))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for name, body := range map[string][]byte{
		"50,000 by 50,000":   bomb(50_000, 50_000),
		"2^31 by 2^31":       bomb(1<<31-1, 1<<31-1),
		"12,000 by 12,000":   bomb(12_000, 12_000),
		"1 by 1":             encoded(t, "png", image.NewGray(image.Rect(0, 0, 1, 1))),
		"breaks off":         jpegOf[:len(jpegOf)/2],
		"a page":             []byte("<!doctype html><img src=x>"),
		"SVG":                []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`),
		"nothing":            nil,
		"9 MB":               append(jpegOf, make([]byte, 9<<20)...),
		"a PNG with nothing": bomb(600, 600)[:60],
	} {
		if m, err := Make(body); !errors.Is(err, ErrUnfit) {
			t.Errorf("%s: taken as %s of %d bytes (%v)", name, m.Type, len(m.Body), err)
		}
	}
	runtime.ReadMemStats(&after)
	if grew := (after.TotalAlloc - before.TotalAlloc) >> 20; grew > 64 {
		t.Errorf("%d MB were taken to refuse them", grew)
	}
}

// What a camera writes beside a picture, and whatever else hides in the file, stays behind.
func TestFault_E2_NothingElseGoesOut(t *testing.T) {
	body := encoded(t, "jpeg", drawn(64, 64, 255))
	secret := []byte("Exif\x00\x00 51.2333 N, 51.3667 E <script>alert(1)</script>")
	comment := append([]byte{0xff, 0xe1, 0, byte(len(secret) + 2)}, secret...)
	dressed := append(append(append([]byte{}, body[:2]...), comment...), body[2:]...)
	dressed = append(dressed, "PK\x03\x04 a zip behind it"...)
	m, err := Make(dressed)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"Exif", "script", "PK\x03\x04"} {
		if bytes.Contains(m.Body, []byte(s)) {
			t.Errorf("%q is still in it", s)
		}
	}
}
