# Every verb makes its own .venv; nothing but make and Python >= 3.11 is needed beforehand.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; exit; }; done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.run
DEV_STAMP := $(VENV)/.dev
FUZZ_STAMP := $(VENV)/.fuzz
MUTANTS_STAMP := $(VENV)/.mutants
NODE_STAMP := tests/conformance/node_modules/.installed

.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.x" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements/run.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: demo
demo: $(RUN_STAMP) ## Run the whole chain on a tenant on this machine
	@$(BIN)/obo-mcp demo

.PHONY: test
test: $(DEV_STAMP) ## Run the tests
	@$(BIN)/python -m pytest

.PHONY: check
check: $(DEV_STAMP) ## Lint, types, import contracts, tests: what CI runs
	@.ci/check $(BIN)

.PHONY: coverage
coverage: $(DEV_STAMP) ## Run the tests and show which lines none of them reaches (twice the time)
	@$(BIN)/python -m pytest --cov --cov-report=term

.PHONY: fix
fix: $(DEV_STAMP) ## Format, and mend what can be mended by itself
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(DEV_STAMP) ## Measure the figures of docs/reference/figures.md
	@$(BIN)/python tests/load/bench.py

$(NODE_STAMP): tests/conformance/package-lock.json
	@command -v npm >/dev/null || { echo "npm is needed, of any Node >= 20" >&2; exit 1; }
	cd $(<D) && npm ci --loglevel=error
	@touch $@

.PHONY: conformance
conformance: $(DEV_STAMP) $(NODE_STAMP) ## Run the official MCP suite and the Inspector (npm)
	@OBO_MCP_TEST_NODE=1 $(BIN)/python -m pytest tests/conformance

INBOUND := authority claims compact encoding jwk jwks metadata principal traps verifier

.PHONY: vectors
vectors: $(DEV_STAMP) ## Prove the inbound side: vectors, forgeries, properties, corpus
	@$(BIN)/python -m pytest tests/vectors tests/fuzz $(INBOUND:%=tests/unit/library/test_%.py)

$(FUZZ_STAMP): requirements/fuzz.txt $(DEV_STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $@

RUNS ?= 1000000

.PHONY: fuzz
fuzz: $(FUZZ_STAMP) ## Fuzz what reads tokens, claims and keys, RUNS times
	@mkdir -p build/fuzz/found
	@PYTHONPATH=tests $(BIN)/python -m fuzz.fuzz_inbound -runs=$(RUNS) -max_len=20000 -keep_seed=1 \
		-dict=tests/fuzz/words.dict -artifact_prefix=build/fuzz/ -print_final_stats=1 \
		build/fuzz/found tests/fuzz/corpus

.PHONY: nightly
nightly: $(FUZZ_STAMP) ## Everything at night size: mutations, properties, ten million fuzz runs
	@OBO_MCP_NIGHTLY=1 $(BIN)/python -m pytest -s --timeout=3600 tests/fuzz
	@OBO_MCP_NIGHTLY=1 $(BIN)/python -m pytest --timeout=3600 --ignore=tests/fuzz
	@$(MAKE) --no-print-directory fuzz RUNS=10000000

$(MUTANTS_STAMP): requirements/mutants.txt $(DEV_STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/mutants.txt
	@touch $@

CHILDREN ?= 2

.PHONY: mutants
mutants: $(MUTANTS_STAMP) ## Break the inbound code in a thousand places: do its tests notice?
	@rm -rf build/mutants && mkdir -p build/mutants
	@tar -c --exclude=node_modules --exclude=__pycache__ src tests pyproject.toml | tar -x -C build/mutants
	@cd build/mutants && ../../$(BIN)/mutmut run --max-children $(CHILDREN)
	@cd build/mutants && ../../$(BIN)/mutmut results && ../../$(BIN)/mutmut export-cicd-stats
	@cd build/mutants && ../../$(BIN)/python tests/mutants/outside_functions.py
	@cd build/mutants && ../../$(BIN)/python tests/mutants/score.py

.PHONY: docs
docs: $(DEV_STAMP) ## Regenerate the generated blocks of docs/reference
	@$(BIN)/python docs/generate.py

.PHONY: image
image: $(DEV_STAMP) ## Build the container image and start it, locked down
	@deploy/image.sh

.PHONY: lock
lock: $(DEV_STAMP) ## Resolve requirements/*.txt anew, hashed, one week behind the index
	@$(BIN)/pip install --quiet uv
	@deploy/lock.sh $(BIN)/uv
