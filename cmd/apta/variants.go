package main

import (
	"context"

	"apta/newsletter"
	"apta/newsletter/transport"
	"apta/subscribers"
)

// maxVariants bounds how often an issue is rendered. Readers of a rarer choice
// of topics get the whole issue.
const maxVariants = 64

// freezeVariants builds an edition for each variant that readers want, and in any
// case for the whole issue in both formats.
func (a *app) freezeVariants(ctx context.Context, r *rooms, issue newsletter.Issue) (map[string][]byte, error) {
	a = a.in(issue.Language) // whose words stand around it
	wanted, err := r.subscribers.Variants(ctx, maxVariants)
	if err != nil {
		return nil, err
	}
	if err := a.keepLogos(ctx, r); err != nil {
		return nil, err
	}
	if issue, err = a.fetchPictures(ctx, r, issue); err != nil {
		return nil, err
	}
	h, err := a.cfg.headers(issue.Week, a.now())
	if err != nil {
		return nil, err
	}
	editions := map[string][]byte{}
	for _, v := range append(wanted, subscribers.Variant{}, subscribers.Variant{Text: true}) {
		if editions[v.Key()] != nil {
			continue
		}
		about, empty := issue.About(v.Topics)
		if empty && len(v.Topics) > 0 {
			editions[v.Key()] = []byte(newsletter.NoEdition)
			continue
		}
		m, err := a.issueMail(ctx, r, about)
		if err != nil {
			return nil, err
		}
		if v.Text {
			m.HTML, m.Inline = "", nil
		}
		edition, err := transport.Freeze(m, h)
		if err != nil {
			return nil, err
		}
		editions[v.Key()] = edition.Bytes()
	}
	return editions, nil
}
