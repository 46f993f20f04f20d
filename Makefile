# Each target installs what it needs: git, make and Python 3.11 or newer are enough.

PYTHON ?= python3
VENV ?= .venv
TESTS ?=
PORT ?= 8000
ROUNDS ?= 10
SITE_PORT ?= $(shell expr $(PORT) + 1)
# Without bytecode files a process starts three times slower, and the tests start many processes.
unexport PYTHONDONTWRITEBYTECODE

BIN = $(VENV)/bin
READY = $(VENV)/ready

.PHONY: help setup run test test-alerts test-sites test-image test-failover test-upgrade screenshots check audit bench torture soak openapi docs words currencies migration lock clean

help:
	@echo "make setup      install everything into $(VENV), with the command paywall"
	@echo "make run        start the sandbox: a sample newspaper, the service, stand-ins for Stripe and Bakong;"
	@echo "                PORT= sets the service's port, SITE_PORT= the newspaper's (one higher)"
	@echo "make test       run the tests, on SQLite and on a PostgreSQL of their own"
	@echo "make test-sites   run the service behind Debian's Caddy and nginx, and the plug-in in its WordPress"
	@echo "make test-image   build the image and let it do its main job; as root on Debian"
	@echo "make test-failover   lose the leader of a PostgreSQL cluster again and again, ROUNDS= times in each way;"
	@echo "                as root on Debian, an hour"
	@echo "make test-upgrade   migrate an earlier release (FROM= its commit) under load, serve with both, and go back"
	@echo "make test-alerts   see each alert fire in a real Prometheus (root, Debian)"
	@echo "make screenshots   take a screenshot of everything that readers see"
	@echo "make check      check format, lint, types, import order and the house rules"
	@echo "make audit      look up known vulnerabilities of the locked packages, and write the bill of materials"
	@echo "make bench      measure performance, compared with a bare server and pgbench"
	@echo "make torture    kill, freeze and fill everything under load, and verify what is left;"
	@echo "                MINUTES= (10) for each database, SEED= repeats, DATABASE= chooses one"
	@echo "make soak       mixed load and floods for an hour (MINUTES=): memory, descriptors and tasks stay the same"
	@echo "make openapi    regenerate openapi/paywall.yaml from the routes"
	@echo "make docs       regenerate the tables and recorded answers in the README and docs/"
	@echo "make words      write words-sheet.csv: all texts in both languages, for a native reviewer"
	@echo "make currencies   regenerate the table of currencies from the locked list of ISO 4217"
	@echo "make migration NAME=\"…\"   draft a migration for changed tables"
	@echo "make lock       upgrade all dependencies to their newest versions"
	@echo "make clean      remove what the other targets created, except for the data in var/"

setup: $(READY)
	@echo "Ready: $(BIN)/paywall. Next: make run, or make test."

# The interpreter's pip installs uv from the hashed lock; uv then installs the rest in seconds.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is not Python 3.11 or newer. Choose another: make $(MAKECMDGOALS) PYTHON=python3.11" >&2; exit 2; }
	@echo "Installing requirements.lock into $(VENV)…"
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

# A real Prometheus sees each alert fire. Needs root, and Debian's package prometheus.
test-alerts: $(READY)
	@command -v prometheus >/dev/null || apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends prometheus
	@promtool check rules docker/monitoring/alerts.yaml
	@$(BIN)/python -m tests.alerts
	@echo "Each alert fired. Next: make check."

test-sites: $(READY)
	@$(BIN)/python -m tests.sites.packages
	@$(BIN)/python -m tests.journeys.browser
	@$(BIN)/python -m pytest -q -s tests/sites/test_sites.py
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/sites --ignore=tests/sites/test_sites.py
	@echo "The tests of sites pass. Next: make check."

test-image: $(READY)
	@$(BIN)/python -m tests.image

test-failover: $(READY)
	$(call install,tests/failover/requirements.lock,.venv-failover)
	@$(BIN)/python -m tests.failover --rounds $(ROUNDS)

screenshots: $(READY)
	@$(BIN)/python -m tests.journeys.browser
	@$(BIN)/python -m tests.journeys.screenshots
	@echo "The screenshots are in screenshots/."

check: $(READY)
	@$(BIN)/ruff format --quiet --diff . || { echo "Fix the format: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy paywall tests
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -q tests/house tests/contract/test_file.py tests/contract/test_breaking.py
	@echo "The checks pass. Next: make test."

bench: $(READY)
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.journeys.browser
	@$(BIN)/python -m tests.bench.wall

torture: $(READY)
	@$(BIN)/python -m tests.torture

test-upgrade: $(READY)
	@$(BIN)/python -m tests.upgrade

soak: $(READY)
	@$(BIN)/python -m tests.soak

# What is only used now and then has an environment and a lock of its own.
define install
	@$(BIN)/uv venv --quiet --allow-existing $(2)
	@$(BIN)/uv pip install --quiet --python $(2)/bin/python --require-hashes --requirements $(1)
endef

audit: $(READY)
	$(call install,.ci/audit.lock,.venv-audit)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --constraint requirements.lock pyproject.toml --output-file .venv-audit/runtime.lock
	@.venv-audit/bin/cyclonedx-py requirements --output-file paywall.cdx.json .venv-audit/runtime.lock
	@echo "paywall.cdx.json lists what a release consists of (CycloneDX)."
	@.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock
	@echo "No locked package has a known vulnerability."

openapi: $(READY)
	@$(BIN)/python -m tests.contract.recording
	@$(BIN)/python -m tests.contract.file
	@echo "openapi/paywall.yaml is up to date. Next: git diff openapi."

docs: $(READY)
	@$(BIN)/python -m tests.house.docs
	@echo "README.md and docs/ are up to date. Next: git diff README.md docs."

words: $(READY)
	@$(BIN)/python -m tests.web.sheet
	@echo "words-sheet.csv has all texts. Open it in a spreadsheet."

currencies: $(READY)
	@$(BIN)/python -m tests.rules.currencies
	@echo "paywall/rules/currencies.py is up to date. Next: make test TESTS=tests/rules."

migration: $(READY)
	@test -n '$(NAME)' || { echo 'Name the migration: make migration NAME="readers have a language"' >&2; exit 2; }
	@$(BIN)/python -m paywall.database.migrations.draft '$(NAME)'
	@$(BIN)/ruff format --quiet paywall/database/migrations
	@echo "Read the draft in paywall/database/migrations/versions. Next: make test TESTS=tests/database/migrations."

# Without index lines, which would name a host.
LOCK = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --no-emit-index-url

lock: $(READY)
	@$(LOCK) --group dev pyproject.toml -o requirements.lock
	@echo pip-audit cyclonedx-bom | tr ' ' '\n' | $(LOCK) - -o .ci/audit.lock
	@echo 'patroni[etcd3,psycopg3]' | $(LOCK) - -o tests/failover/requirements.lock
	@echo "All locks are up to date. Next: make test."

clean:
	@rm -rf $(VENV) .venv-* dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Removed. The data in var/ was kept. Next: make setup."
