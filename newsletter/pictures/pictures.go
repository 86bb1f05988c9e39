// Package pictures makes what lies at others' addresses fit to be shown in a
// mail: decoded within bounds, made small, and written anew, so that nothing of
// the file that came in goes out. It is pure.
package pictures

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // the first picture of it
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"
)

// Width is how wide a mail's column is, in px. A hosted picture has twice that,
// for fine screens; one that comes along in the mail has no more.
const Width = 600

// Bounds of what is decoded. A picture of 24 million points takes 96 MB.
const (
	MaxBytes  = 8 << 20
	maxPoints = 24_000_000
	maxSide   = 12_000
	minSide   = 16 // less is no picture but a pixel that counts readers
)

// ErrUnfit marks a file that is no picture that can be shown.
var ErrUnfit = errors.New("it cannot be shown")

// Made is a picture as it is kept.
type Made struct {
	Name          string // of its content: 32 hexadecimal digits and .jpg or .png
	Type          string // media type
	Body          []byte
	Width, Height int // as it is shown, in px
}

// Make reads a picture and writes it anew, at most twice as wide as a mail.
func Make(body []byte) (Made, error) { return within(body, 2*Width) }

// Small is a picture that was made, no wider than a mail.
func Small(body []byte) (Made, error) { return within(body, Width) }

func within(body []byte, wide int) (Made, error) {
	img, err := decode(body)
	if err != nil {
		return Made{}, err
	}
	size := img.Bounds().Size()
	if size.X > wide {
		size = image.Pt(wide, max(size.Y*wide/size.X, 1))
	}
	return write(scaled(img, size))
}

// decode looks at a picture's size before it decodes it.
func decode(body []byte) (image.Image, error) {
	if len(body) > MaxBytes {
		return nil, fmt.Errorf("pictures: it has %d bytes, %d are allowed: %w", len(body), MaxBytes, ErrUnfit)
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("pictures: it is no JPEG, PNG, GIF or WebP (%v): %w", err, ErrUnfit)
	}
	if c.Width < minSide || c.Height < minSide {
		return nil, fmt.Errorf("pictures: %d by %d px is too small: %w", c.Width, c.Height, ErrUnfit)
	}
	if c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPoints {
		return nil, fmt.Errorf("pictures: %d by %d px is too large: %w", c.Width, c.Height, ErrUnfit)
	}
	img, _, err := image.Decode(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("pictures: the %s breaks off or is damaged (%v): %w", format, err, ErrUnfit)
	}
	return img, nil
}

// scaled draws a picture in a size, on nothing: what was transparent stays so.
func scaled(img image.Image, size image.Point) *image.NRGBA {
	out := image.NewNRGBA(image.Rectangle{Max: size})
	if size == img.Bounds().Size() {
		draw.Draw(out, out.Bounds(), img, img.Bounds().Min, draw.Src)
	} else {
		draw.CatmullRom.Scale(out, out.Bounds(), img, img.Bounds(), draw.Src, nil)
	}
	return out
}

// write gives the bytes: PNG where something shines through, else JPEG.
func write(img *image.NRGBA) (Made, error) {
	size := img.Bounds().Size()
	m := Made{Type: "image/jpeg", Width: size.X, Height: size.Y}
	if m.Width > Width {
		m.Width, m.Height = Width, max(size.Y*Width/size.X, 1)
	}
	var b bytes.Buffer
	end, err := ".jpg", error(nil)
	if img.Opaque() {
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 80})
	} else {
		m.Type, end = "image/png", ".png"
		err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img)
	}
	if err != nil {
		return Made{}, fmt.Errorf("pictures: %w", err)
	}
	sum := sha256.Sum256(b.Bytes())
	m.Name, m.Body = hex.EncodeToString(sum[:16])+end, b.Bytes()
	return m, nil
}
