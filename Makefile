# The commands a contributor needs; `make` alone lists them.
#
# Everything runs in .venv, which the first command builds (a few minutes, from the network) and
# the next ones reuse (seconds, no network). It is brought up to date when pyproject.toml or
# constraints.txt changes, and built anew when an installation was interrupted.

.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PORT ?= 8000
# Not taken from the environment, where some shells and tools set HOST to the machine's name.
HOST := 127.0.0.1
# Given to pytest or to the benchmarks: make test ARGS="-k smaa"
ARGS :=

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# What building this project asks for. Installed from constraints.txt like all the rest, then used
# without build isolation: isolation would fetch unpinned copies, differently for each pip version.
BUILD_TOOLS := hatchling editables
# How many workers is said in tests/conftest.py. What Python compiles is kept whatever the shell says:
# each worker would spend ten seconds on it again.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist worksteal

# What the tests of tests/browser/test_lighthouse.py run; it needs Node 18.16 or later, and version 13
# needs Node 22. Installed beside the project, without a lock file.
LIGHTHOUSE := 12.8.2
TOOLS := .tools
NPM_INSTALL := npm install --prefix $(TOOLS) --no-save --no-package-lock --no-audit --no-fund \
	--ignore-scripts --loglevel error

.PHONY: help install run serve test test-browser lighthouse check fix bench data docs-schema docs-screenshots \
	docs-shown constraints clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(RUNTIME) ## Install the program: .venv/bin/geo-matcher

run: $(RUNTIME) ## Start the web service on this machine (HOST=127.0.0.1 PORT=8000)
	@exec $(BIN)/geo-matcher serve --host $(HOST) --port $(PORT)

serve: run ## The same as run

test: $(DEV) ## Run all the tests (ARGS="-k word" for a few of them)
	@$(PYTEST) $(ARGS)

test-browser: $(DEV) ## Run only the tests that drive a real browser
	@$(PYTEST) -m browser tests/browser $(ARGS)

lighthouse: $(TOOLS)/.lighthouse-$(LIGHTHOUSE) ## Install Lighthouse for the tests, from npm

$(TOOLS)/.lighthouse-$(LIGHTHOUSE):
	@command -v npm >/dev/null || { \
		echo "There is no npm here: install Node 18.16 or later with its npm." >&2; exit 1; }
	@echo "Installing Lighthouse $(LIGHTHOUSE) into $(TOOLS)" >&2
	@rm -rf $(TOOLS); mkdir -p $(TOOLS)
	@$(NPM_INSTALL) lighthouse@$(LIGHTHOUSE)
	@touch $@

check: $(DEV) ## Check format, lint, types, tests without a browser, coverage; changes no source file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PYTEST) -m "not browser" --cov --cov-report=term $(ARGS)

fix: $(DEV) ## Format the code and repair what the linter can repair
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(DEV) ## Measure against named peers (ARGS=ranking for one)
	@$(BIN)/python -m tests.benchmarks $(ARGS)

data: $(RUNTIME) ## Make the derived half of the data release again (no internet)
	@$(BIN)/geo-matcher data build

docs-schema: $(DEV) ## Write the JSON Schema of a ranking again
	@$(BIN)/python docs/schemas/write.py

docs-shown: $(DEV) ## Run the commands on data again and write what they print
	@$(BIN)/python docs/releases_shown.py

docs-screenshots: $(DEV) ## Take the documentation's pictures again
	@$(BIN)/python docs/screenshots.py
	@$(BIN)/python docs/access_pictures.py

constraints: ## Choose every version anew and rewrite constraints.txt
	@set -e; $(require-python); \
	work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; trap 'exit 130' INT TERM; \
	$(PYTHON) -m venv "$$work/venv"; \
	"$$work/venv/bin/python" -m pip --disable-pip-version-check install --quiet $(BUILD_TOOLS) '.[dev]'; \
	"$$work/venv/bin/python" -m pip --disable-pip-version-check freeze --all --exclude pip \
		--exclude setuptools --exclude geo-matcher > "$$work/constraints.txt"; \
	cp "$$work/constraints.txt" constraints.txt
	@echo "constraints.txt is new; now run: make check"

clean: ## Remove the virtual environment, the tools, the caches and the build output
	rm -rf $(VENV) $(TOOLS) build dist htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find geo_matcher api tests docs -type d -name __pycache__ -prune -exec rm -rf {} +

# --- The virtual environment -------------------------------------------------------------------

define require-python
command -v $(PYTHON) >/dev/null || { \
	echo "There is no $(PYTHON) here: install Python 3.11 or later, or name it with PYTHON=..." >&2; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "geo_matcher needs Python 3.11 or later and $(PYTHON) is $$($(PYTHON) --version 2>&1): name another with PYTHON=python3.12" >&2; exit 1; }
endef

# $(call install,WHAT): bring .venv up to date with WHAT ('.' or '.[dev]').
# .venv/.whole is there only while no installation is under way, so that one cut short by Ctrl-C or
# a power cut shows, and is done again from nothing. One that merely fails (no network, say) leaves
# the environment as it was.
define install
set -e; \
if ! { [ -e $(VENV)/.whole ] && $(BIN)/python -c '' 2>/dev/null; }; then \
	$(require-python); \
	$(PYTHON) -m venv --clear $(VENV); \
fi; \
rm -f $(VENV)/.whole; trap 'exit 130' INT TERM; \
echo "Installing $(1) into $(VENV)" >&2; \
$(PIP) install --quiet -c constraints.txt $(BUILD_TOOLS) \
	&& $(PIP) install --quiet -c constraints.txt --no-build-isolation -e $(1) \
	|| { touch $(VENV)/.whole; exit 1; }; \
touch $(VENV)/.whole
endef

$(RUNTIME): pyproject.toml constraints.txt
	@$(call install,'.')
	@touch $@

$(DEV): pyproject.toml constraints.txt
	@$(call install,'.[dev]')
	@touch $(RUNTIME) $@
