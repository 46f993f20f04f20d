# Every verb sets up what it needs: git, make and Python 3.11 or newer are enough.

PYTHON ?= python3
VENV ?= .venv
TESTS ?=
PORT ?= 8000
SITE_PORT ?= $(shell expr $(PORT) + 1)
# Without its bytecode a process takes three times as long to start, and the tests start many.
unexport PYTHONDONTWRITEBYTECODE

BIN = $(VENV)/bin
READY = $(VENV)/ready

.PHONY: help setup run test test-sites screenshots check bench openapi readme migration lock clean

help:
	@echo "make setup      make $(VENV), with everything in it and the command paywall"
	@echo "make run        start a small newspaper, and the service that it sells through"
	@echo "make test       run the tests, on SQLite and on a PostgreSQL of their own"
	@echo "make test-sites   run it behind Debian's Caddy and nginx, with hostile traffic for a minute"
	@echo "make screenshots   make a picture of everything that readers see"
	@echo "make check      format, lint, types, import order and the house's rules"
	@echo "make bench      measure how fast it is, beside a bare server and pgbench"
	@echo "make openapi    write openapi/paywall.yaml anew, from the routes"
	@echo "make readme     write the README's tables and answers anew, from the code"
	@echo "make migration NAME=\"…\"   draft a migration for what changed in paywall/tables/"
	@echo "make lock       choose the newest versions of all dependencies"
	@echo "make clean      remove what the other verbs made, except for data under var/"

setup: $(READY)
	@echo "Ready: $(BIN)/paywall. Next: make run, or make test."

# uv comes out of the hashed lock, by the pip of the interpreter, and then does the rest in seconds.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is not Python 3.11 or newer. Name one: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 2; }
	@echo "Making $(VENV) from requirements.lock…"
	@$(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline --editable .
	@touch $@

run: $(READY)
	@$(BIN)/python -m paywall.sandbox --port $(PORT) --site-port $(SITE_PORT)

test: $(READY)
	@$(BIN)/python -m tests.journeys.browser
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(TESTS)
	@echo "The tests pass. Next: make check."

test-sites: $(READY)
	@$(BIN)/python -m tests.sites.proxies
	@$(BIN)/python -m pytest -q -s tests/sites
	@echo "No answer reached another client. Next: make check."

screenshots: $(READY)
	@$(BIN)/python -m tests.journeys.browser
	@$(BIN)/python -m tests.journeys.screenshots
	@echo "Every state is in screenshots/. Next: look at them."

check: $(READY)
	@$(BIN)/ruff format --quiet --diff . || { echo "Mend the form: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy paywall tests
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -q tests/house tests/contract/test_file.py tests/contract/test_breaking.py
	@echo "The house is in order. Next: make test."

bench: $(READY)
	@$(BIN)/python -m tests.bench

openapi: $(READY)
	@$(BIN)/python -m tests.contract.file
	@echo "openapi/paywall.yaml is today's contract. Next: git diff openapi."

readme: $(READY)
	@$(BIN)/python -m tests.house.readme
	@echo "README.md has the tables and the answers of today's code. Next: git diff README.md."

migration: $(READY)
	@test -n '$(NAME)' || { echo 'Name it: make migration NAME="readers have a language"' >&2; exit 2; }
	@$(BIN)/python -m paywall.migrations.draft '$(NAME)'
	@$(BIN)/ruff format --quiet paywall/migrations
	@echo "Read the draft in paywall/migrations/versions. Next: make test TESTS=tests/migrations."

lock: $(READY)
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --group dev pyproject.toml -o requirements.lock
	@echo "requirements.lock has today's versions. Next: make test."

clean:
	@rm -rf $(VENV) .venv-* dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Clean; data under var/ is left as it was. Next: make setup."
