package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"apta/subscribers/database"
)

// Editor is somebody who works at the desk.
type Editor struct {
	ID       database.ID `json:"id"`
	Name     string      `json:"name"`
	Email    string      `json:"email"` // lower case
	Role     Role        `json:"role"`
	Language string      `json:"language,omitempty"` // of the desk's words; empty follows the browser
	Created  time.Time   `json:"created"`
}

// Role is what an editor may do. Each includes those before it.
type Role string

// An editor makes issues, a publisher approves and sends them, and an owner
// decides about everything else: editors, relays, tokens, readers' data.
const (
	Anyone    Role = ""
	Writer    Role = "editor"
	Publisher Role = "publisher"
	Owner     Role = "owner"
)

// Roles lists the roles of editors, the least first.
var Roles = [...]Role{Writer, Publisher, Owner}

// ParseRole reads a role's name.
func ParseRole(text string) (Role, error) {
	if r := Role(text); slices.Contains(Roles[:], r) {
		return r, nil
	}
	return "", fmt.Errorf("desk: %q is no role: they are editor, publisher and owner", text)
}

// Has reports whether a role includes another.
func (r Role) Has(least Role) bool {
	return least == Anyone || slices.Index(Roles[:], r) >= slices.Index(Roles[:], least)
}

type editorKey struct{}

// From gives the editor who asks for a page that Require guards.
func From(ctx context.Context) Editor {
	v, _ := ctx.Value(editorKey{}).(visit)
	return v.Editor
}

// visit is a request by somebody who is signed in.
type visit struct {
	Editor
	session database.ID
	since   time.Time // when they signed in
}

func visiting(ctx context.Context) visit {
	v, _ := ctx.Value(editorKey{}).(visit)
	return v
}

// Reasons why something about editors cannot be done.
var (
	ErrNoEditor  = errors.New("there is no such editor")
	ErrTaken     = errors.New("there is an editor with this address already")
	ErrLastOwner = errors.New("this is the last owner: make another one first")
	ErrLink      = errors.New("the link is not known, was used, or has expired")
	ErrPassword  = errors.New("the address or the password is wrong")
	ErrMany      = errors.New("too many tries: wait a quarter of an hour, or sign in by mail")
)
