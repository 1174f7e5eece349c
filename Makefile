# Everything starts from a bare Python 3.11: each target sets up what it needs in .venv by itself.
PYTHON ?= python3
BIN    := .venv/bin
SETUP  := .venv/.ready
# Two more than cores: tests wait for processes, browsers and servers for about half of their time.
PYTEST_WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(os.cpu_count() + 2, 8))')
# A file's tests in one process, so that they share its services, databases and browsers; in the order of tests/conftest.py.
PYTEST := $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder

# Compiled once, not once a process: the tests start many.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test quick shuffle test-dir random coverage browser faketime components check bench faults dist docs clean help

help:
	@echo "make demo   the whole workflow on sample data: plan, run, quarantine, fix, second run, what arrived"
	@echo "make test   all tests (sets up its own PostgreSQL and sandbox)"
	@echo "make quick  the tests of sources, records, rendering, delivery, configuration and docs: in a minute"
	@echo "make test-dir D=delivery   the tests of one folder"
	@echo "make shuffle   make quick in random order"
	@echo "make random all tests but the browser's, with new random examples"
	@echo "make coverage  whether its own test file alone runs every line of each pure file"
	@echo "make check  formatting, lint, types and the import rules"
	@echo "make dist   wheel and source distribution, each tried in an empty environment"
	@echo "make docs   the documents as a site, in site/"
	@echo "make faults the fault campaign: docs/guarantees/campaign.md (takes up to an hour)"
	@echo "make bench  the benchmark table, beside hand-written loops and dlt (takes minutes)"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Penstock needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv || (rm -rf .venv && $(PYTHON) -m venv --without-pip .venv && $(PYTHON) -m pip --python .venv install pip)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

UI := $(shell find ui \( -name node_modules -o -name dist \) -prune -o -type f -print)  # changed: the pages are built anew

$(SETUP): $(BIN)/python pyproject.toml constraints.txt hatch_build.py $(UI)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(SETUP)-dev: $(SETUP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev
	@touch $@

$(SETUP)-bench: $(SETUP)-dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	@touch $@

demo: $(SETUP)
	@$(BIN)/penstock demo

# The browser's tests drive the machine's Chromium; where there is none, the distribution's package without windows is
# installed, without what it recommends: a third of the packages.
browser:
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	  || command -v google-chrome >/dev/null || (apt-get update -qq \
	    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null) \
	  || (echo "The browser's tests need Chromium: install it, then run make test again" && exit 1)

# The tests that set the clock need libfaketime. Where it cannot be installed they are not run, and say so.
faketime:
	@ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || (apt-get update -qq \
	    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libfaketime >/dev/null) \
	  || echo "libfaketime cannot be installed: the tests of the clock are not run"

# The web UI's types and component tests.
components: $(SETUP)-dev
	$(BIN)/python ui/check.py

# Each pure file by its own tests alone.
coverage: $(SETUP)-dev
	$(BIN)/python tests/individual_coverage.py

test: $(SETUP)-dev browser faketime components coverage
	$(PYTEST)

# Without browser and PostgreSQL, with few random examples; tests/conftest.py says which folders.
QUICK := PENSTOCK_EXAMPLES=quick $(PYTEST) --quick

quick: $(SETUP)-dev
	$(QUICK)

# make shuffle SEED=… repeats an order.
SEED ?= $(shell date +%s)
shuffle: $(SETUP)-dev
	$(QUICK) -p randomly --randomly-seed=$(SEED)

test-dir: $(SETUP)-dev
	$(PYTEST) tests/$(D)

# The property-based tests with new random examples; `make test` takes the same ones in every run.
random: $(SETUP)-dev
	PENSTOCK_EXAMPLES=random $(PYTEST) --ignore=tests/ui

check: $(SETUP)-dev
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(SETUP)-bench
	$(BIN)/python benchmarks/compare.py

# make faults ARGS="--only kills --seed 3" runs a part; without arguments the report in docs/guarantees is written.
ARGS ?= --seed 1 --to docs/guarantees
faults: $(SETUP)-dev faketime
	$(BIN)/python benchmarks/fault_campaign.py $(ARGS)

# The wheel is built from the source distribution.
dist: $(SETUP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dist
	$(BIN)/python .ci/dist.py

# A link or an anchor that leads nowhere is an error.
docs: $(SETUP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --clean

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build site
