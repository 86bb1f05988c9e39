package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"apta/newsletter/transport"

	"github.com/spf13/cobra"
)

// DKIMConfig is with which keys mails are signed; none where no file is set.
type DKIMConfig struct {
	Domain          string `toml:"domain"`
	RSASelector     string `toml:"rsa_selector"`
	RSAFile         string `toml:"rsa_file"`
	Ed25519Selector string `toml:"ed25519_selector"`
	Ed25519File     string `toml:"ed25519_file"`
}

// dkimKeys reads the configured keys.
func (c *Config) dkimKeys() (keys []transport.DKIM, err error) {
	domain := c.DKIM.Domain
	if domain == "" {
		domain = c.domain()
	}
	for _, k := range []struct{ key, selector, file string }{{"dkim.rsa_file", c.DKIM.RSASelector, c.DKIM.RSAFile}, {"dkim.ed25519_file", c.DKIM.Ed25519Selector, c.DKIM.Ed25519File}} {
		if k.file == "" {
			continue
		}
		text, err := os.ReadFile(k.file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w (apta dkim keygen makes one)", k.key, err)
		}
		signer, err := transport.ParseKey(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", k.key, k.file, err)
		}
		keys = append(keys, transport.DKIM{Domain: domain, Selector: k.selector, Key: signer})
	}
	return keys, nil
}

func (a *app) dkimCommand() *cobra.Command {
	c := &cobra.Command{Use: "dkim", Short: "Make DKIM keys and show their DNS records"}
	c.AddCommand(a.dkimKeygen())
	return c
}

func (a *app) dkimKeygen() *cobra.Command {
	var kind, selector, out string
	c := &cobra.Command{
		Use:   "keygen",
		Short: "Make a key and print the DNS record to publish",
		Long: `Make a key and print the DNS record to publish. RSA is known to every receiver;
Ed25519 is short and fast. A mail may be signed with both.`,
		Example: "  apta dkim keygen --type rsa --selector r2026 --out dkim-rsa.pem\n  apta dkim keygen --type ed25519 --selector e2026 --out dkim-ed25519.pem",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			domain := cfg.DKIM.Domain
			if domain == "" {
				domain = cfg.domain()
			}
			if domain == "" {
				return cfg.errNoFrom()
			}
			key, err := transport.GenerateKey(kind)
			if err != nil {
				return &usageError{err}
			}
			text, err := transport.MarshalKey(key)
			if err != nil {
				return err
			}
			// O_EXCL: a key that is in use is not overwritten by accident.
			f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s is there already; remove it first if it is not in use", out)
			}
			if err != nil {
				return err
			}
			_, err = f.Write(text)
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
			line, err := transport.ZoneLine(transport.DKIM{Domain: domain, Selector: selector, Key: key})
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "wrote %s\n\nPublish this record:\n\n%s\n\nand set in the configuration:\n\n[dkim]\n%s_selector = %q\n%s_file = %q\n", out, line, kind, selector, kind, out)
			return nil
		},
	}
	c.Flags().StringVar(&kind, "type", "rsa", "rsa or ed25519")
	c.Flags().StringVar(&selector, "selector", "apta", "the name of the key in DNS")
	c.Flags().StringVar(&out, "out", "dkim.pem", "the file for the key")
	return c
}
