# `make help` lists the targets. The work is done by the scripts in scripts/.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
CARGO := $(PYTHON) scripts/cargo.py
EXAMPLE ?= examples/guestbook
PYTEST_ARGS ?=

# Python starts twice as fast from compiled files, whatever the caller's habit is.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run setup test test-rust test-python lint format bench wheel guests lock clean python services

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: python ## Build what is missing, serve examples/guestbook and print the URL
	@$(PYTHON) scripts/setup.py run
	@exec $(BIN)/paddock up $(EXAMPLE)

setup: python ## Prepare .venv for development
	@$(PYTHON) scripts/setup.py dev

test: setup test-rust test-python ## Every test: Rust, Python, end to end

test-rust: setup
	@# The release profile shares its compiled dependencies with the extension.
	$(CARGO) test --release --locked -p paddock-compose -p paddock-engine

test-python: setup services
	$(BIN)/python -m pytest $(PYTEST_ARGS)

services: python ## Install the real servers of the tests, in a directory of their own
	@$(PYTHON) scripts/services.py

lint: setup ## Style, types, import contracts, stub of the core, clippy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_rooms.py
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest paddock._core --mypy-config-file mypy.ini \
		--allowlist scripts/stubtest-allowlist.txt
	$(CARGO) fmt --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings

format: setup ## Rewrite Python and Rust in the project's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(CARGO) fmt

bench: setup ## Compare with the peers in one run; prints the ratios
	$(BIN)/python -m benchmarks

wheel: setup ## Build the abi3 wheel into dist/ and try it in a new environment without Rust
	$(PYTHON) packaging/wheel.py
	$(PYTHON) packaging/check_wheel.py dist

guests: python ## Build the guests of the tests again
	$(PYTHON) tests/guests/build.py

lock: ## Choose the versions of the Python tools anew (needs uv)
	$(PYTHON) scripts/lock.py

clean: ## Remove what was made here; compiled dependencies in the user's cache stay
	rm -rf .venv dist .paddock examples/*/.paddock .pytest_cache .mypy_cache .ruff_cache \
		.import_linter_cache .hypothesis python/paddock/_core*.so

python:
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 or later is needed"; exit 1; }
