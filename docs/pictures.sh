#!/bin/sh
# Makes the pictures of the README from what apta demo sends and shows.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
./bin/apta demo --serve --dir "$work" > "$work/log" 2>&1 &
demo=$!
trap 'kill $demo 2>/dev/null; rm -rf "$work"' EXIT
tries=0
until grep -q 'The public page' "$work/log"; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || { cat "$work/log"; exit 1; }
	sleep 0.1
done
page=$(sed -n 's/^The public page: \([^ ]*\).*/\1/p' "$work/log")
shot() { # name, width, height, address
	"$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update \
		--disable-sync --hide-scrollbars --user-data-dir="$work/$1" --screenshot="docs/$1.png" --window-size="$2,$3" "$4" 2> "$work/$1.log" || { cat "$work/$1.log"; exit 1; }
}
shot mail 680 860 "$(sed -n "s/^Look at the mail:  //p" "$work/log")"
shot page 900 860 "$page"

# The desk's are taken on the journey that the tests make; these are kept.
APTA_E2E=1 APTA_DOCS="$work/desk" go test ./cmd/apta -run TestDeskInABrowser -count=1
mkdir -p docs/desk
for name in overview overview-dark calendar calendar-narrow-dark feeds import-dark numbers numbers-narrow people readers settings signin; do
	cp "$work/desk/$name.png" docs/desk/
done
