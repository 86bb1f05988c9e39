package templates

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"strings"
)

// Asset is a file served to browsers under a path that changes with its content,
// so that it may be kept for ever.
type Asset struct {
	Path string // such as /assets/site.1a2b3c4d.css
	Type string // the media type, for Content-Type
	Body []byte
}

// Assets lists every asset.
func Assets() ([]Asset, error) {
	paths, err := assetPaths()
	if err != nil {
		return nil, err
	}
	var list []Asset
	for name, p := range paths {
		body, err := files.ReadFile("assets/" + name)
		if err != nil {
			return nil, fmt.Errorf("templates: assets: %w", err)
		}
		list = append(list, Asset{Path: p, Type: mime.TypeByExtension(path.Ext(name)), Body: body})
	}
	return list, nil
}

// assetPaths gives every asset's path by the name of its file.
func assetPaths() (map[string]string, error) {
	entries, err := fs.ReadDir(files, "assets")
	if err != nil {
		return nil, fmt.Errorf("templates: assets: %w", err)
	}
	paths := map[string]string{}
	for _, e := range entries {
		body, err := files.ReadFile("assets/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("templates: assets: %w", err)
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(e.Name())
		paths[e.Name()] = "/assets/" + strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:4]) + ext
	}
	return paths, nil
}

// AssetPath gives the path of an asset by the name of its file.
func AssetPath(name string) (string, error) {
	paths, err := assetPaths()
	if err != nil {
		return "", err
	}
	return assetPath(paths, name)
}

// assetPath finds one of them; an unknown name is a mistake in a template.
func assetPath(paths map[string]string, name string) (string, error) {
	p, ok := paths[name]
	if !ok {
		return "", fmt.Errorf("templates: there is no asset %q", name)
	}
	return p, nil
}
