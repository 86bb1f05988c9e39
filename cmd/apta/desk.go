package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"apta/newsletter"
	"apta/newsletter/assemble"
	"apta/newsletter/desk"
	"apta/newsletter/intake/fetch"
)

// editors keeps those who work at the desk.
func (r *rooms) editors(a *app) *desk.Editors { return desk.NewEditors(r.db, r.ids, a.now, nil) }

// desk is the handler of /desk/.
func (a *app) desk(r *rooms) (*desk.Desk, error) {
	m := a.cfg.masthead()
	var all []desk.Newsletter
	for _, n := range a.newsletters() {
		all = append(all, n.deskNewsletter())
	}
	identity, err := a.cfg.identity()
	if err != nil {
		return nil, err
	}
	return desk.New(desk.Options{
		Identity: identity,
		Newsroom: m.Newsroom, BaseURL: m.BaseURL, Language: m.Language, Newsletters: all,
		Store: r.newsletter, Editors: r.editors(a), Steering: a.steering(r), Ledger: r.ledger, Renderer: r.renderer, Notices: r.notices,
		Feeds: a.poller(r, fetch.DefaultTimeout), Tokens: r.tokens(a.now), Webhooks: r.webhooks,
		ReadPage: func(ctx context.Context, address string) (newsletter.Item, error) { return a.readPage(ctx, address) },
		Week:     a.week(r), Visitor: a.cfg.visitor, Now: a.now, Log: r.log,
	})
}

// deskNewsletter is the app's newsletter as the desk knows it.
func (a *app) deskNewsletter() desk.Newsletter {
	n := desk.Newsletter{Masthead: a.cfg.masthead(), Readers: a.rooms.subscribers, Flow: a.flow(a.rooms), Start: configured{a, a.rooms}.Start, Settings: func() []desk.Setting { return a.cfg.settings(a.environ) }}
	if a.cfg.Newsletter.StyleFile != "" {
		n.Style = styleFile{a.cfg}
	}
	for _, r := range a.cfg.relays() {
		n.Relays = append(n.Relays, desk.Relay{Name: r.Name, Address: net.JoinHostPort(r.Host, strconv.Itoa(r.Port)) + ", TLS " + r.TLS, Test: func(ctx context.Context) error {
			server, err := r.transport(a.cfg)
			if err != nil {
				return err
			}
			conn, err := server.Dial(ctx)
			if err != nil {
				return a.relayHint(r, err)
			}
			return conn.Quit()
		}})
	}
	return n
}

// styleFile is the newsletter's file of words, as the desk changes it.
type styleFile struct{ cfg *Config }

// Read gives the file's name and its text.
func (f styleFile) Read() (name, text string, err error) {
	b, err := os.ReadFile(f.cfg.Newsletter.StyleFile)
	return f.cfg.Newsletter.StyleFile, string(b), err
}

// Save puts a text that is in order in the file's place, whole or not at all.
func (f styleFile) Save(text string) error {
	name := f.cfg.Newsletter.StyleFile
	p, err := assemble.ParseStyle(filepath.Base(name), []byte(text))
	if err != nil {
		return err
	}
	if !sameLanguage(p.Language, f.cfg.Newsletter.Language) {
		return fmt.Errorf("%s: language is %q, but newsletter.language is %q", filepath.Base(name), p.Language, f.cfg.Newsletter.Language)
	}
	next, err := os.CreateTemp(filepath.Dir(name), ".style-*")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) // gone where it was renamed
	if _, err := next.WriteString(text); err != nil {
		next.Close()
		return err
	}
	if err := next.Sync(); err != nil {
		next.Close()
		return err
	}
	if err := next.Close(); err != nil {
		return err
	}
	if info, err := os.Stat(name); err == nil {
		if err := os.Chmod(next.Name(), info.Mode().Perm()); err != nil {
			return err
		}
	}
	return os.Rename(next.Name(), name)
}

// secretKeys are keys whose values nobody is shown.
var secretKeys = []string{"secret", "password", "token", "key", "client_secret"}

// settings are all keys of the configuration, what they are worth, and where that
// was said.
func (c *Config) settings(environ []string) (list []desk.Setting) {
	lines := c.lines
	if lines == nil {
		if text, err := os.ReadFile(c.file); err == nil {
			lines = keyLines(text)
		}
	}
	for _, f := range configFields(reflect.ValueOf(c).Elem(), "") {
		s := desk.Setting{Key: f.key, Value: settingValue(f)}
		if _, set := envValue(environ, envName(f.key)); set {
			s.From = envName(f.key)
		} else if line := lines[f.key]; line > 0 {
			s.From = fmt.Sprintf("%s:%d", filepath.Base(c.file), line)
		}
		list = append(list, s)
	}
	return list
}

// settingValue writes a key's value. Of a URL the password is left out, and a
// secret is only said to be there.
func settingValue(f configField) string {
	text := fmt.Sprint(f.value.Interface())
	switch kind := f.value.Kind(); {
	case kind == reflect.Slice && f.value.Len() > 0 && f.value.Type().Elem().Kind() == reflect.Struct, kind == reflect.Map && f.value.Len() > 0 && f.value.Type().Elem().Kind() == reflect.Struct:
		return fmt.Sprintf("(%d)", f.value.Len()) // their passwords are in them
	case kind == reflect.Slice || kind == reflect.Map:
		return strings.Trim(strings.TrimPrefix(text, "map"), "[]")
	}
	last := f.key[strings.LastIndexByte(f.key, '.')+1:]
	if text != "" && slices.Contains(secretKeys, last) {
		return "••••••"
	}
	if scheme, rest, found := strings.Cut(text, "://"); found {
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			user, _, _ := strings.Cut(rest[:at], ":")
			return scheme + "://" + user + rest[at:]
		}
	}
	return text
}

// printFirstLink says how the first owner gets in, where there is no editor yet.
func (a *app) printFirstLink(ctx context.Context, r *rooms) error {
	secret, err := r.editors(a).FirstLink(ctx)
	if err != nil || secret == "" {
		return err
	}
	fmt.Fprintf(a.stdout, "nobody can sign in to the desk yet; whoever opens this first, within a day, owns it:\n  %s/desk/first/%s\n", a.cfg.BaseURL, secret)
	return nil
}
