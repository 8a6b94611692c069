# Every target is listed by "make help". All of them work on a machine that has only Python >= 3.12 and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.locked
STAMP_DEV := $(VENV)/.locked-dev
# The first interpreter that is new enough; "python3" last, because it is often an old one.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $$p && break; done)
WORKERS ?= 2

.PHONY: soak help setup setup-dev demo test check format bench bench-sync bench-tenancy lock clean screenshots
.SILENT: help

help: ## list the targets
	grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

setup: $(STAMP) ## make .venv and install the locked dependencies (the others do this first)

setup-dev: $(STAMP_DEV) ## the same, with what tests and checks need

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.12 or newer is needed; none was found as python3.13, python3.12 or python3."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): $(VENV)/bin/python requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(STAMP_DEV): $(VENV)/bin/python requirements-dev.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(STAMP)

demo: $(STAMP) ## start everything: two companies in step with a living Notion sandbox; Ctrl-C stops it
	$(PY) manage.py demo

test: $(STAMP_DEV) ## run the whole test suite (REPORT=file.xml keeps its result)
	$(PY) -m pytest -n $(WORKERS) --dist loadgroup $(if $(REPORT),--junitxml=$(REPORT))

check: $(STAMP_DEV) ## style, types, migrations, import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	EMBEDDED_SERVICES=0 $(VENV)/bin/mypy .
	$(PY) manage.py prepare
	$(PY) manage.py makemigrations --check --dry-run
	EMBEDDED_SERVICES=0 $(PY) manage.py lint_migrations
	EMBEDDED_SERVICES=0 $(VENV)/bin/lint-imports

format: $(STAMP_DEV) ## let ruff put the code into shape
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

soak: $(STAMP_DEV) ## play thousands of random histories of both sides (HISTORIES=4000)
	NTS_HISTORIES=$(or $(HISTORIES),4000) NTS_HISTORY_STEPS=$(or $(STEPS),30) \
		$(PY) -m pytest -n $(WORKERS) tests/integrations/sync/test_histories.py

bench: $(STAMP_DEV) ## measure; figures go to benchmarks/results/
	$(PY) -m benchmarks

bench-sync: $(STAMP_DEV) ## count the calls of a working day in step, beside three other ways and the least possible
	$(PY) -m benchmarks sync

bench-tenancy: $(STAMP_DEV) ## measure the tenancy beside django-tenants and django-pgschemas (a quarter of an hour)
	$(PY) -m benchmarks tenancy

lock: $(STAMP_DEV) ## resolve the dependencies anew, with hashes and without naming a registry
	$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate \
		$(UPGRADE) pyproject.toml -o requirements.lock
	$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header --no-annotate \
		$(UPGRADE) --extra dev pyproject.toml -c requirements.lock -o requirements-dev.lock

screenshots: $(STAMP_DEV) ## take the pictures of docs/images from a running demo (EMAIL=… PASSWORD=… BASE=…)
	$(PY) docs/take_screenshots.py --base $(or $(BASE),http://acme.localhost:8000) --email $(EMAIL) --password $(PASSWORD)

clean: ## stop the embedded services and remove .venv and var
	@if test -x $(PY) -a -d var; then $(PY) -m config.embedded stop || true; fi
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
