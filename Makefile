# Two commands are enough for a newcomer: `make run` and `make test`. `make help` lists the rest.
# Settings may be given on the command line: `make run PORT=8001`.

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
RUN_PYTEST := $(PY) -m pytest -n $(or $(WORKERS),2)
POSTGRES_15 := /usr/lib/postgresql/15/bin
ON_POSTGRES_15 := tests/architecture/test_migrations.py $(addprefix tests/,kernel points check_ins tiers members notices \
	channels concurrency merging privacy)
BEHIND_PGBOUNCER := tests/concurrency tests/journeys

.PHONY: help run reset status test check bench prove screenshots format lock assets \
	check-format check-lint check-types check-imports check-drift check-tests check-postgres-15 check-pgbouncer

help:
	@echo "make run          start everything on this machine; Ctrl-C stops it and keeps the data"
	@echo "make reset        delete all data of the trial"
	@echo "make status       show what of the trial is running"
	@echo "make test         all tests"
	@echo "make check        format, lint, types, imports, migration drift, tests: what CI runs"
	@echo "make check-postgres-15, make check-pgbouncer   on Debian's PostgreSQL 15, through its PgBouncer: CI runs them too"
	@echo "make bench        measure; one row alone with ROW=check-in"
	@echo "make prove        the long proofs in full size"
	@echo "make screenshots  take the pictures of the guide again"
	@echo "make format       format the code and repair what lint can repair"
	@echo "make lock         pin the newest versions that pyproject.toml allows"

run: $(STAMP)
	@$(PY) -m trial.assets
	@$(PY) -m trial run

reset: $(STAMP)
	@$(PY) -m trial reset

status: $(STAMP)
	@$(PY) -m trial status

assets: $(STAMP)
	@$(PY) -m trial.assets

test: $(STAMP)
	@$(PY) -m trial.assets
	@$(RUN_PYTEST) $(TESTS)

# One step after the other, cheap ones first, and the tests' closing line at the very end.
check: $(STAMP)
	@set -e; for step in format lint types imports drift tests; do \
		echo "── check: $$step"; \
		$(MAKE) --no-print-directory check-$$step || { echo "✗ make check failed at: $$step (alone: make check-$$step)" >&2; exit 1; }; \
	done

check-format: $(STAMP)
	@$(PY) -m ruff format --check --quiet . || { echo "not formatted: run make format" >&2; exit 1; }

check-lint: $(STAMP)
	@$(PY) -m ruff check --quiet .

check-types: $(STAMP)
	@$(PY) -m mypy

check-imports: $(STAMP)
	@$(VENV)/bin/lint-imports

check-drift: $(STAMP)
	@$(PY) -m trial.drift

check-tests: test

# Migrations, ledger and races on the oldest PostgreSQL that is supported.
check-postgres-15: $(STAMP)
	@if [ -x "$(POSTGRES_15)/postgres" ]; then \
		echo "── check: postgres-15"; TEST_POSTGRES_BIN="$(POSTGRES_15)" $(RUN_PYTEST) $(ON_POSTGRES_15); \
	else echo "skipped: PostgreSQL 15 is not in $(POSTGRES_15) (Debian: postgresql-15)"; fi

# Races and journeys as in a large installation, where connections are shared between transactions.
check-pgbouncer: $(STAMP)
	@if program=$$(PATH="$$PATH:/usr/sbin" command -v pgbouncer); then \
		echo "── check: pgbouncer"; TEST_PGBOUNCER="$$program" $(RUN_PYTEST) $(BEHIND_PGBOUNCER); \
	else echo "skipped: PgBouncer is not installed (Debian: pgbouncer)"; fi

bench: $(STAMP)
	@$(PY) -m benchmarks $(if $(ROW),--row $(ROW))

prove: $(STAMP)
	@PROOF_SIZE=full $(PY) -m pytest -m "kill or proof or hypothesis" -o timeout=3600 -o session_timeout=86400 -s

screenshots: $(STAMP)
	@$(PY) -m trial.assets
	@SCREENSHOTS=1 $(PY) -m pytest tests/browser/test_screenshots.py

format: $(STAMP)
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format --quiet .

# uv, because it is the resolver that pins one lock for all systems and Python versions.
lock: $(STAMP)
	@$(PY) -m venv var/lock && var/lock/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
	@var/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --extra trial --extra dev --output-file requirements.lock pyproject.toml

# The environment is made by the first Python that works and is new enough, and filled again when the lock changes.
# A folder that was moved or whose Python is gone is made anew.
$(STAMP): requirements.lock
	@$(PY) -c "" 2>/dev/null || { \
		for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
			if "$$python" -c "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1; then \
				echo "making $(VENV) with $$python"; rm -rf $(VENV); "$$python" -m venv $(VENV) && exit 0; \
				echo "✗ $(VENV) could not be made with $$python (see above)." >&2; exit 1; \
			fi; \
		done; \
		echo "✗ No Python 3.11 or newer with venv was found. Install one (Debian: python3 and python3-venv), or name it: make run PYTHON=/path/to/python3." >&2; exit 1; }
	@echo "installing packages"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock \
		|| { echo "✗ The packages could not be installed (see above)." >&2; exit 1; }
	@touch $@
