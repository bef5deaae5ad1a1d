# Everything a newcomer needs: Python 3.11+ and make. `make demo` first.
PYTHON ?= python3
ARGS   ?=

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.stamp
UV    ?= $(firstword $(shell command -v uv 2>/dev/null) $(wildcard $(BIN)/uv))

COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help env demo test lint types layers check format bench soak openapi openapi-check lock clean

help:
	@echo 'make demo           simulated sources, synced and judged, then the API (ARGS=--once: ends after the table)'
	@echo 'make test           all tests (ARGS=... goes to pytest)'
	@echo 'make check          lint, types and layers'
	@echo 'make openapi        writes openapi/pmo-hub.json from the code; openapi-check fails where the two differ'
	@echo 'make bench, soak    measurements; long runs'
	@echo 'make lock           resolves the dependencies anew into requirements*.lock (needs uv)'
	@echo 'make clean          removes the environment and what tools left'

env: $(STAMP)

# Two calls, because pip refuses a hashed lock and an editable install in one. The build backend is in the lock, hence no isolation.
$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "pmo-hub needs Python 3.11 or newer, and '$(PYTHON)' is not: name one with make PYTHON=/path/to/python3.11." >&2; exit 1; }
	@if command -v uv >/dev/null 2>&1; then \
		echo 'Creating $(VENV) with uv'; \
		{ test -x $(BIN)/python || uv venv --quiet --python "$$(command -v $(PYTHON))" $(VENV); } && \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
		echo 'Creating $(VENV) with pip (about a minute)'; \
		{ $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV); } && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@

demo: $(STAMP)
	@$(BIN)/pmo-hub demo $(ARGS)

test: $(STAMP)
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports --no-cache

check: lint types layers

bench: $(STAMP)
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(STAMP)
	$(BIN)/python -m pytest -m soak $(ARGS)

openapi: $(STAMP)
	@mkdir -p openapi
	@$(BIN)/pmo-hub openapi > openapi/pmo-hub.json.new && mv openapi/pmo-hub.json.new openapi/pmo-hub.json

openapi-check: $(STAMP)
	@$(BIN)/pmo-hub openapi | diff -u openapi/pmo-hub.json - || { \
		echo 'openapi/pmo-hub.json differs from the code: run make openapi and read the difference.' >&2; exit 1; }

lock:
	@test -n "$(UV)" || { echo 'make lock needs uv: put it on the PATH or into $(BIN).' >&2; exit 1; }
	$(COMPILE) --upgrade pyproject.toml --output-file requirements.lock
	$(COMPILE) --upgrade pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
