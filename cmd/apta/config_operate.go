package main

import (
	"fmt"
	"path/filepath"
)

// BackupConfig says where copies of the database are put.
type BackupConfig struct {
	Folder string `toml:"folder"`
	Keep   int    `toml:"keep"` // of those with a name of our own; 0 keeps all
}

func (c *Config) checkBackup(bad func(key, format string, args ...any)) {
	if c.Backup.Keep < 0 {
		bad("backup.keep", "%d is negative; 0 keeps all", c.Backup.Keep)
	}
	if c.Backup.Folder == "" {
		bad("backup.folder", "it is empty: name a folder, such as backups")
	}
}

// keepBesides are the files that a backup of the database does not hold and
// without which it is worth less.
func (c *Config) keepBesides() (list []string) {
	add := func(key, file, why string) {
		if file != "" {
			list = append(list, fmt.Sprintf("%s (%s: %s)", file, key, why))
		}
	}
	if c.Secret == "" {
		add("secret_file", c.SecretFile, "the links in all mails sent, and the list of addresses never to be mailed")
	}
	add("dkim.rsa_file", c.DKIM.RSAFile, "signs mails")
	add("dkim.ed25519_file", c.DKIM.Ed25519File, "signs mails")
	for _, r := range c.relays() {
		add(r.key+".password_file", r.PasswordFile, "the relay's password")
	}
	if file, err := filepath.Abs(c.file); err == nil {
		add("the configuration", file, "all settings")
	}
	return list
}
