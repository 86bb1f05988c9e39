package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// Whatever names a file is found beside the configuration, wherever apta is
// started from.
func TestEveryFileIsBesideTheConfiguration(t *testing.T) {
	c := defaults()
	fields := configFields(reflect.ValueOf(&c).Elem(), "")
	named := 0
	for _, f := range fields {
		if f.value.Kind() == reflect.String && (strings.HasSuffix(f.key, "_file") || strings.HasSuffix(f.key, "folder") || strings.HasSuffix(f.key, "acme_roots")) {
			f.value.SetString("here")
			named++
		}
	}
	c.resolvePaths("/etc/apta/apta.toml")
	for _, f := range fields {
		if f.value.Kind() == reflect.String && f.value.String() == "here" {
			t.Errorf("%s is looked for where apta is started", f.key)
		}
	}
	if named < 10 {
		t.Errorf("only %d keys name files", named)
	}
}

// loadSite writes the files of a configuration and reads the first.
func loadSite(t *testing.T, environ []string, files ...string) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return loadConfig(filepath.Join(dir, files[0]), true, environ)
}

// A further newsletter says only what differs; lists of tables it takes whole. A
// variable changes what it inherits and nothing that it says itself.
func TestAFurtherNewsletterIsAnOverlay(t *testing.T) {
	main, err := loadSite(t, []string{"APTA_MAIL_FROM=env@quay.example", "APTA_SMTP_HOST=mail.env.example"}, "apta.toml", `
newsletters = ["a/ports.toml", "b.toml"]
[newsletter]
newsroom = "Quay Post"
topics = ["Courts", "Schools"]
[schedule]
cron = "0 9 * * FRI"
zone = "Europe/Berlin"
[smtp]
tls = "none"
password_file = "secret"
[limits]
domains = { "slow.example" = 1 }
[[theme]]
name = "Courts"
[dkim]
rsa_selector = "r1"
rsa_file = "rsa.pem"
`, "a/ports.toml", `
[newsletter]
slug = "ports"
topics = ["Ships"]
[schedule]
cron = "0 18 * * SUN"
[mail]
from = "ports@quay.example"
[[relay]]
host = "relay.example"
password_file = "own"
[limits]
domains = { "other.example" = 2 }
[[theme]]
name = "Ships"
`, "b.toml", `
[newsletter]
slug = "b"
`)
	if err != nil {
		t.Fatal(err)
	}
	all := main.newsletters()
	if len(all) != 3 || all[0] != main || len(all[1].newsletters()) != 3 {
		t.Fatalf("there are %d newsletters", len(all))
	}
	ports, b := all[1], all[2]
	dir := filepath.Dir(main.file)
	for what, got := range map[string][2]any{
		"newsroom":          {ports.Newsletter.Newsroom, "Quay Post"},
		"zone":              {ports.Schedule.Zone, "Europe/Berlin"},
		"cron":              {ports.Schedule.Cron, "0 18 * * SUN"},
		"its topics":        {strings.Join(ports.Newsletter.Topics, " "), "Ships"},
		"the main topics":   {strings.Join(main.Newsletter.Topics, " "), "Courts Schools"},
		"its sender":        {ports.from.Address, "ports@quay.example"},
		"the inherited":     {b.from.Address, "env@quay.example"},
		"its relay":         {ports.relays()[0].Host, "relay.example"},
		"the other relay":   {b.relays()[0].Host, "mail.env.example"},
		"its password":      {ports.relays()[0].PasswordFile, filepath.Join(dir, "a", "own")},
		"the main password": {b.relays()[0].PasswordFile, filepath.Join(dir, "secret")},
		"its key":           {ports.DKIM.RSAFile, filepath.Join(dir, "rsa.pem")},
		"the database":      {ports.Database, filepath.Join(dir, "apta.db")},
		"its themes":        {len(ports.Theme), 1},
		"its theme":         {ports.Theme[0].Name, "Ships"},
		"the main theme":    {main.Theme[0].Name, "Courts"},
		"the main limits":   {len(main.Limits.Domains), 1},
		"its list":          {ports.listID(), "ports.quay.example"},
		"its front":         {ports.masthead().FrontURL(), main.BaseURL + "/ports"},
		"the main front":    {main.masthead().FrontURL(), main.BaseURL + "/"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %v, not %v", what, got[0], got[1])
		}
	}
}

// Newsletters whose mails go over the same relays within the same limits share a
// sender, the others have one of their own.
func TestNewslettersThatGoTheSameWayShareASender(t *testing.T) {
	main, err := loadSite(t, nil, "apta.toml", `
newsletters = ["same.toml", "elsewhere.toml", "slower.toml"]
[mail]
from = "weekly@quay.example"
`, "same.toml", "[newsletter]\nslug = \"same\"\n[mail]\nfrom = \"same@quay.example\"\n",
		"elsewhere.toml", "[newsletter]\nslug = \"elsewhere\"\n[smtp]\nhost = \"relay.example\"\n",
		"slower.toml", "[newsletter]\nslug = \"slower\"\n[limits]\nper_domain = 2\n")
	if err != nil {
		t.Fatal(err)
	}
	var groups [][]string
	for _, g := range main.carriers() {
		var slugs []string
		for _, c := range g {
			slugs = append(slugs, c.Newsletter.Slug)
		}
		groups = append(groups, slugs)
	}
	if want := [][]string{{"weekly", "same"}, {"elsewhere"}, {"slower"}}; !reflect.DeepEqual(groups, want) {
		t.Errorf("they go %v, not %v", groups, want)
	}
}
