package main

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// relaysOf is the SMTP server of each script, by the script's folder.
var relaysOf sync.Map

func fetch(url string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.Status + "\n" + string(body), err
}
