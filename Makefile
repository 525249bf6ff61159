# Everything a person types. The environment is .venv/, made once and again whenever the lock changes.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
LOCK := requirements/dev.txt

.PHONY: demo test reliability explore lint format typecheck bench pictures build preview lock clean help
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: $(STAMP)  ## the console in front of an embedded stack with a sample campaign; piped: a summary
	@$(BIN)/cpaas-console demo

test: $(STAMP)  ## the suite (about 16 minutes on two cores)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

reliability: $(STAMP)  ## the reliability catalogue at full size (about 19 minutes on two cores)
	@CPAAS_HYPOTHESIS_PROFILE=reliability $(BIN)/python -m pytest -n 2 --dist loadfile --timeout 900 \
	  -m 'reliability or hypothesis' tests/reliability tests/unit

explore: $(STAMP)  ## every property at 5,000 examples that no run has tried before, by hand and each night
	@CPAAS_HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -n 2 --dist loadfile --timeout 1800 -m hypothesis tests/unit

lint: $(STAMP)  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP)  ## apply the formatter and safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pictures: $(STAMP)  ## the pictures of the docs, drawn anew
	@$(BIN)/python -m tools.pictures

bench: $(STAMP)  ## measurements beside their peers, as ratios
	@$(BIN)/python -m bench

build: $(STAMP)  ## the Lambda layer (arm64, Python 3.13) under build/layer
	@$(BIN)/python tools/build_layer.py

preview: $(STAMP)  ## what this branch changes: resources, rights, policy findings, cost
	@$(BIN)/cpaas-console preview

lock: $(STAMP)  ## resolve the hashed requirements again
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" requirements/lambda.in -o requirements/lambda.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" --constraint requirements/lambda.txt --extra dev pyproject.toml -o $(LOCK)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" --constraint $(LOCK) requirements/bootstrap.in -o requirements/bootstrap.txt

clean:  ## remove what was built, and the environment
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: Python 3.11 or newer is needed; name one with 'make PYTHON=python3.12 ...'" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "make: this Python lacks the venv module; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@echo "making $(VENV) from $(LOCK) (once)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(LOCK)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
