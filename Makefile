# Two commands for a newcomer: make demo, make test. The others are for those
# who work on Apta.
export CGO_ENABLED = 0

.PHONY: build demo test check race torture e2e bench pictures golden golden-pictures release fuzz vuln caniemail

build: ## the binary, as ./bin/apta
	go build -trimpath -o bin/apta ./cmd/apta

demo: build ## the whole job on this machine, with a sample week
	./bin/apta demo

test: ## every fast test
	go test ./...

check: ## what must be quiet before a commit
	@test -z "$$(gofmt -l cmd newsletter subscribers templates)" || { gofmt -l cmd newsletter subscribers templates; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	CGO_ENABLED=1 go test -race -timeout 30m ./...

torture: ## the crash and storm tests in full: fifty kills, twenty thousand readers, five minutes of 4xx
	APTA_TORTURE=1 go test ./newsletter/delivery -run 'TestFault_(L|S3)' -v -timeout 30m
	APTA_TORTURE=1 go test ./newsletter/jobs ./newsletter/schedule ./cmd/apta -run TestFault_ -v -timeout 2h
	APTA_TORTURE=1 go test ./subscribers ./subscribers/pages -run 'TestFault_W[34]' -v -timeout 30m
	$(MAKE) fuzz FUZZTIME=10m

e2e: ## a thousand mails through a real Postfix, and the public pages in Chromium; .ci/run says what they want installed
	APTA_E2E=1 go test ./cmd/apta -run 'TestPostfix|InABrowser|TestMail' -count=1 -v -timeout 30m
	APTA_E2E=1 go test ./newsletter/bounce -run RealServer -count=1 -v

bench: ## the figures of docs/performance.md
	go test ./newsletter/intake/... -run '^$$' -bench . -benchmem
	go test ./newsletter/assemble ./newsletter/render ./newsletter/transport ./newsletter/archive -run '^$$' -bench . -benchmem
	go test ./cmd/apta -run '^$$' -bench . -benchtime 10x
	APTA_IMPORT_ROWS=1000000 go test ./subscribers -run '^$$' -bench ImportCSV -benchtime 1x
	go test ./newsletter/delivery -run '^$$' -bench . -benchtime 1x -timeout 30m

pictures: build ## the pictures of the README, made with Chromium
	sh docs/pictures.sh
	mkdir -p docs/email && APTA_E2E=1 APTA_DOCS_PICTURES=$(CURDIR)/docs/email go test ./cmd/apta -run TestMailInABrowser -count=1

golden: ## write the golden files anew; read the difference before you commit it
	go test ./newsletter/assemble ./newsletter/render ./newsletter/transport -update

golden-pictures: ## the stored pictures of the mails anew; look at the difference before you commit it
	APTA_E2E=1 APTA_GOLDEN_PICTURES=1 go test ./cmd/apta -run TestMailInABrowser -count=1 -v -timeout 15m

release: ## dist/: static binaries and Debian packages for amd64 and arm64, with man pages, SBOM and checksums
	.ci/release

FUZZTIME = 20s
fuzz: ## every parser, FUZZTIME each; what it finds is kept beside the test, in testdata/fuzz
	@grep -rl --include=*_test.go '^func Fuzz' cmd newsletter subscribers | sort | while read -r file; do \
		grep -o '^func Fuzz[A-Za-z0-9_]*' $$file | while read -r _ name; do \
			echo "== $$name in $$(dirname $$file)"; \
			go test ./$$(dirname $$file) -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) || exit 1; \
		done || exit 1; \
	done

vuln: ## known faults of what we use, by the Go vulnerability database; asks vuln.go.dev
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

caniemail: ## the data on what mail programs support, anew from the npm package caniemail
	@work=$$(mktemp -d) && npm pack caniemail@latest --silent --pack-destination $$work > /dev/null && tar -xzf $$work/caniemail-*.tgz -C $$work && \
		go run newsletter/render/check/vendor_caniemail.go $$work/package && rm -rf $$work
