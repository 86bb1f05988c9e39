package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"apta/newsletter"
	"apta/newsletter/intake/fetch"
	"apta/newsletter/pictures"

	"golang.org/x/sync/errgroup"
)

// How long one picture, and all of an issue, may take to be fetched; and how many
// are fetched at a time.
const (
	pictureTimeout  = 10 * time.Second
	picturesTimeout = 40 * time.Second
	picturesAtOnce  = 3
)

// fetchPictures gives the issue's strands their pictures: those that were fetched
// before, and the others from where they lie. One that is not to be had, or is
// not fit to be shown, is left out and said in the log: a mail has no hole where
// it would be.
func (a *app) fetchPictures(ctx context.Context, r *rooms, issue newsletter.Issue) (newsletter.Issue, error) {
	if a.cfg.Look.look.Images == newsletter.ImagesNone {
		return issue, nil
	}
	issue, missing, err := a.knownPictures(ctx, r, issue)
	if err != nil || len(missing) == 0 {
		return issue, err
	}
	within, cancel := context.WithTimeout(ctx, picturesTimeout)
	defer cancel()
	fetcher := fetch.New(fetch.Options{Allow: a.cfg.Intake.allow, Timeout: pictureTimeout, MaxBytes: pictures.MaxBytes, UserAgent: "Apta (+" + a.cfg.BaseURL + ")"})
	var group errgroup.Group
	group.SetLimit(picturesAtOnce)
	var decoding sync.Mutex // of large pictures one at a time is in memory
	for _, address := range missing {
		group.Go(func() error {
			page, err := fetcher.Get(within, fetch.Request{URL: address, Accept: "image/jpeg, image/png, image/webp, image/gif"})
			if err == nil {
				decoding.Lock()
				var made pictures.Made
				made, err = pictures.Make(page.Body)
				decoding.Unlock()
				if err == nil {
					return r.newsletter.PutPicture(ctx, newsletter.Picture{Name: made.Name, Width: made.Width, Height: made.Height}, made.Type, made.Body, address)
				}
			}
			r.log.Warn("a picture is left out", "week", issue.Week, "url", address, "err", err)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return issue, err
	}
	issue, _, err = a.knownPictures(ctx, r, issue)
	return issue, err
}

// knownPictures gives each strand the picture that is kept of one of its stories,
// and the addresses of those that are not kept. The issue that it was given stays as it is.
func (a *app) knownPictures(ctx context.Context, r *rooms, issue newsletter.Issue) (newsletter.Issue, []string, error) {
	var missing []string
	strands := make([]newsletter.Strand, len(issue.Strands))
	for i, s := range issue.Strands {
		s.Items = append([]newsletter.Piece(nil), s.Items...)
		for j := range s.Items {
			piece := &s.Items[j]
			if piece.Image == "" || piece.Picture != nil {
				continue
			}
			p, found, err := r.newsletter.PictureFrom(ctx, piece.Image)
			if err != nil {
				return issue, nil, err
			}
			if !found {
				missing = append(missing, piece.Image)
				break // a strand shows one picture: the others wait until this is known to be none
			}
			p.Alt = piece.Title
			piece.Picture = &p
			break
		}
		strands[i] = s
	}
	issue.Strands = strands
	return issue, missing, nil
}

// keepLogos puts the newsletter's logos where its site serves pictures.
func (a *app) keepLogos(ctx context.Context, r *rooms) error {
	for _, l := range a.cfg.Look.logos {
		if err := r.newsletter.PutPicture(ctx, newsletter.Picture{Name: l.Name, Width: l.Width, Height: l.Height}, l.Type, l.Body, ""); err != nil {
			return err
		}
	}
	return nil
}

// attach adds the pictures that a mail has in itself.
func (a *app) attach(ctx context.Context, r *rooms, m newsletter.Mail) (newsletter.Mail, error) {
	for i := range m.Inline {
		p := &m.Inline[i]
		kind, body, err := r.newsletter.PictureBody(ctx, p.Name)
		if errors.Is(err, newsletter.ErrNotFound) {
			return m, fmt.Errorf("the picture %s, which the mail shows, is not kept any more: approve the issue again", p.Name)
		}
		if err != nil {
			return m, err
		}
		p.Type, p.Body = kind, body
		if small, err := pictures.Small(body); err == nil && len(small.Body) < len(body) {
			p.Type, p.Body = small.Type, small.Body
		}
	}
	return m, nil
}

// issueMail renders an issue with all that belongs to its mail.
func (a *app) issueMail(ctx context.Context, r *rooms, issue newsletter.Issue) (newsletter.Mail, error) {
	a = a.in(issue.Language)
	issue, _, err := a.knownPictures(ctx, r, issue)
	if err != nil {
		return newsletter.Mail{}, err
	}
	m, err := r.renderer.Mail(issue, a.cfg.masthead())
	if err != nil {
		return m, err
	}
	return a.attach(ctx, r, m)
}
