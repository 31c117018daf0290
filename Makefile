# Every command that people and CI run. `make` alone lists them.
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
FUZZ_READY := .venv/ready-fuzz
WORKERS ?= 2
ARGS ?=
SEEDS ?= 20
FIRST ?= 1
SECONDS ?= 60
ROUNDS ?= 100

.PHONY: help setup check test coverage demo kill world planted fuzz bench lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with the locked dependencies and the program, .venv/bin/detente

$(READY): requirements/dev.txt pyproject.toml scripts/setup.sh
	@PYTHON="$(PYTHON)" bash scripts/setup.sh
	@touch $@

check: $(READY) ## Look without running: style, types, which room imports which, tidiness
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q tests/tidy

test: check ## All checks and all tests (WORKERS=2 at a time; ARGS goes to pytest)
	$(BIN)/pytest -n $(WORKERS) --ignore=tests/tidy $(ARGS)

coverage: $(READY) ## Run the tests and list every branch of the pure rooms that none of them takes
	$(BIN)/coverage run -m pytest -q $(ARGS)
	$(BIN)/coverage report

demo: $(READY) ## Play the whole program on this machine (ARGS="--no-serve" and others: see detente demo --help)
	$(BIN)/detente demo $(ARGS)

kill: $(READY) ## Kill real stations (kill -9) in ROUNDS bursts of 2,000 messages, the instants from seed FIRST
	$(BIN)/python -m scripts.kill $(ROUNDS) $(FIRST)

world: $(READY) ## Many stations and every fault from one seed: SEEDS runs, the first with seed FIRST; resumes, keeps a tally
	$(BIN)/python -m detente.testing.world --seeds $(SEEDS) --first $(FIRST) --workers $(WORKERS) --tally world.tally

planted: $(READY) ## Plant faults into the core, one at a time: the world must catch each
	$(BIN)/python -m detente.testing.planted

fuzz: $(FUZZ_READY) ## Throw octets at every decoder, guided by coverage, for SECONDS each (ARGS="charter wire": only those)
	$(BIN)/python -m fuzz.run --seconds $(SECONDS) $(ARGS)

$(FUZZ_READY): $(READY) requirements/fuzz.txt
	$(BIN)/pip --disable-pip-version-check --quiet install --require-hashes --no-deps --only-binary :all: -r requirements/fuzz.txt
	@touch $@

bench: $(READY) ## Measure this machine: messages, receipts, octets on the wire (ARGS="--json" and others: detente bench --help)
	$(BIN)/detente bench $(ARGS)

lock: $(READY) ## Write the exact versions and hashes anew (UPGRADE=1 takes newer versions)
	$(BIN)/uv pip compile $(LOCK) requirements/run.in -o requirements/run.txt
	$(BIN)/uv pip compile $(LOCK) -c requirements/run.txt requirements/run.in requirements/dev.in -o requirements/dev.txt
	$(BIN)/uv pip compile $(LOCK) requirements/fuzz.in -o requirements/fuzz.txt

# No address of a package index, no path and no date are recorded.
LOCK := --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	$(if $(UPGRADE),--upgrade)

clean: ## Remove everything that these commands made
	rm -rf .venv fuzz/corpus .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage build dist
	find src tests fuzz -type d -name __pycache__ -prune -exec rm -rf {} +
