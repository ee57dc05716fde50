# Trailgate: make help prints the targets. Every one of them works in a fresh
# clone: what a machine lacks, scripts/deps installs or names.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The recipes share bin/ and two cores; go runs what it can in parallel itself.
.NOTPARALLEL:

export PATH := $(PATH):/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/sbin
export CGO_ENABLED := 1
# A test never learns of the SSH agent or the settings of whoever runs it.
unexport SSH_AUTH_SOCK SSH_ASKPASS

ARGS     ?=
PKG      ?= ./...
FUZZTIME ?= 10s
SOAK     ?= 20
KILLS    ?= 1000
BENCH    ?= .
COUNT    ?= 1
RECORD   ?=
TIMEOUT  ?= 15m
# Two packages at a time: some start servers and query workers of their own.
TESTFLAGS ?= -race -p 2 -timeout $(TIMEOUT)

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X github.com/trailgate/trailgate/internal/cli.version=$(VERSION)

##@ Use

.PHONY: help
help: ## print this
	@awk 'BEGIN {FS = ":.*## "; print "make TARGET [ARGS=…]"} \
	  /^##@/ {print "\n" substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: deps ## build bin/trailgate
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/trailgate ./cmd/trailgate

.PHONY: demo
demo: build ## show all of it working with the real ssh; ARGS=--once ends after the play
	bin/trailgate demo $(ARGS)

##@ Hold it to its promises

.PHONY: test
test: deps lint ## all tests, with the race detector; PKG=./internal/trail/... for some
	go test $(TESTFLAGS) $(PKG)

.PHONY: lint
lint: deps ## gofmt, go vet, shell syntax
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then \
	  echo "error: not formatted: $$unformatted" >&2; echo "hint: gofmt -w $$unformatted" >&2; exit 1; fi
	go vet $(PKG)
	go vet -tags conformance ./e2e
	go vet -tags trino ./internal/query/duckdb
	@for script in scripts/* .ci/run; do bash -n $$script; done

.PHONY: check
check: ## exactly what CI runs
	.ci/run

.PHONY: conformance
conformance: ## dbclient, plink, paramiko and asyncssh against the gate (installs them)
	scripts/conformance

.PHONY: test-trino
test-trino: deps ## a real Trino answers as recorded; RECORD=1 records what it says
	TRAILGATE_RECORD=$(RECORD) scripts/trino go test -tags trino -count=1 -run '^TestTrino' -timeout 30m -v ./internal/query/duckdb
	go test -count=1 -run '^TestAnswersAreThoseOfTrino$$' ./internal/query/duckdb

.PHONY: fuzz
fuzz: deps ## every fuzz target for FUZZTIME=10s
	scripts/fuzz $(FUZZTIME) $(PKG)

.PHONY: soak
soak: deps ## all tests SOAK=20 times over, shuffled, and KILLS=1000 kills under load
	TRAILGATE_HOSTILE=all go test -run "^TestHostileStatements$$" -timeout 15m -v ./internal/app
	TRAILGATE_KILLS=$(KILLS) go test -race -run '^TestKilledServerLosesNothing$$' -timeout 3h -v ./e2e
	TRAILGATE_CUTS=1 go test -run 'Cut|Crash|Faults' -timeout 1h ./internal/trail
	go test -race -p 1 -count $(SOAK) -shuffle on -timeout 6h $(PKG)

.PHONY: bench
bench: deps ## benchmarks; BENCH=Append picks some, COUNT=7 repeats them
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -p 1 -timeout 1h $(PKG)

##@ Work on it

.PHONY: generate
generate: deps ## the reference page, JSON Schema and table from the event types
	go generate ./...

.PHONY: deps
deps: ## install what a fresh Debian with Go lacks, or say what to install
	@scripts/deps

.PHONY: clean
clean: ## remove bin/
	rm -rf bin
