//go:build ignore

// Writes caniemail.json from the data of the npm package caniemail: of every
// feature what its newest test says of each client that we name. Run by
// make caniemail.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
)

// named are the clients whose tests are kept.
var named = map[string]bool{
	"gmail.desktop-webmail": true, "gmail.ios": true, "gmail.android": true,
	"outlook.windows": true, "outlook.outlook-com": true, "outlook.macos": true, "outlook.ios": true, "outlook.android": true,
	"apple-mail.macos": true, "apple-mail.ios": true, "yahoo.desktop-webmail": true, "yahoo.ios": true, "yahoo.android": true,
	"samsung-email.android": true, "thunderbird.macos": true, "thunderbird.windows": true, "mail-ru.desktop-webmail": true,
}

type feature struct {
	Slug    string            `json:"slug"`
	Title   string            `json:"title"`
	URL     string            `json:"url"`
	Tested  string            `json:"tested"`
	Support map[string]string `json:"support"`
	Notes   map[string]string `json:"notes,omitempty"`
}

// versions are tests by their versions, oldest first, as the file has them.
type versions struct{ newest string }

func (v *versions) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(strings.NewReader(string(b)))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		if _, err := d.Token(); err != nil {
			return err
		}
		if err := d.Decode(&v.newest); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	log.SetFlags(0)
	folder := os.Args[1]
	read := func(file string, into any) {
		b, err := os.ReadFile(folder + "/" + file)
		if err == nil {
			err = json.Unmarshal(b, into)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	var pack struct{ Version, License string }
	read("package.json", &pack)
	var all struct {
		Updated string `json:"last_update_date"`
		Data    []struct {
			Slug, Title, URL string
			Tested           string                         `json:"last_test_date"`
			Stats            map[string]map[string]versions `json:"stats"`
			Notes            map[string]string              `json:"notes_by_num"`
		}
	}
	read("data/caniemail.json", &all)
	out := struct {
		Source   string    `json:"source"`
		Version  string    `json:"version"`
		License  string    `json:"license"`
		Updated  string    `json:"updated"`
		Features []feature `json:"features"`
	}{"https://www.caniemail.com, by way of the npm package caniemail", pack.Version, pack.License, all.Updated[:len("2006-01-02")], nil}
	for _, d := range all.Data {
		f := feature{Slug: d.Slug, Title: d.Title, URL: d.URL, Tested: d.Tested, Support: map[string]string{}, Notes: map[string]string{}}
		for family, platforms := range d.Stats {
			for platform, v := range platforms {
				if client := family + "." + platform; named[client] {
					f.Support[client] = v.newest
					for _, n := range strings.Fields(strings.ReplaceAll(v.newest, "#", " "))[1:] {
						f.Notes[n] = d.Notes[n]
					}
				}
			}
		}
		out.Features = append(out.Features, f)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(out); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("newsletter/render/check/caniemail.json", []byte(b.String()), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("caniemail.json: %d features, as of %s (npm caniemail %s)\n", len(out.Features), out.Updated, out.Version)
}
