# Bandmate from a fresh clone: Python 3.11, make and git are all it needs.
#   make song    install, then write and sing one song into out/first-song/
#   make up      the embedded platform on http://127.0.0.1:8000, until Ctrl-C
#   make test    install with what the tests need, then run all of them
#   make explore the property tests on examples that no run has tried
#   make lint    format, lint, types, import rules, generated files
#   make bench   the figures of docs, measured here, into bench-out/
#   make clean   remove everything that the others made

SHELL := /bin/bash -euo pipefail
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
# What `make` runs keeps its data inside the clone; the `bandmate` command alone uses ~/.local/share/bandmate.
export BANDMATE_HOME ?= $(CURDIR)/out/home
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Whole files to each worker: the tests of one file may share a platform.
PYTEST_FLAGS ?= -q -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

DISTRIBUTIONS := shared $(addprefix services/,ingest train generate vocal[espeak] model local)
PYPROJECTS := shared/pyproject.toml $(wildcard services/*/pyproject.toml)
EDITABLE := $(addprefix -e ./,$(DISTRIBUTIONS))

.PHONY: song up test explore lint check-generated bench clean install install-test
.DELETE_ON_ERROR:

song: install
	$(BIN)/bandmate song --style folk --key D --tempo 96 --bars 8 --seed 7 --lyrics examples/first-song.txt --out out/first-song

up: install
	$(BIN)/bandmate up

test: install-test
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

explore: install-test
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest $(PYTEST_FLAGS) tests/unit

lint: install-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

check-generated: install-test
	$(BIN)/python -m bandmate_shared.contracts.export --check
	$(BIN)/python scripts/settings_page.py --check

bench: install-test
	$(BIN)/python -m tests.bench

clean:
	rm -rf $(VENV) out bench-out

install: $(VENV)/song.stamp
install-test: $(VENV)/test.stamp

$(VENV)/song.stamp: constraints.txt $(PYPROJECTS)
	@scripts/install song "$(PYTHON)" "$(VENV)" $(EDITABLE)
	@touch $@

$(VENV)/test.stamp: requirements-test.txt $(VENV)/song.stamp
	@scripts/install test "$(PYTHON)" "$(VENV)" -r requirements-test.txt
	@touch $@
