# The two commands are `make run` and `make test`. Both prepare .venv themselves.

PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help run venv test check format lock bench clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Start the service on this machine, making whatever is missing
	@$(PYTHON) .ci/environment.py run
	@exec $(VENV_PYTHON) -m app start

venv: ## Make or update .venv with the development tools
	@$(PYTHON) .ci/environment.py dev

test: venv ## Run every test, on SQLite and PostgreSQL (ARGS="-k name" to choose)
	@$(VENV_PYTHON) -m pytest $(ARGS)

check: venv ## Check format, lint, types, floors, dependencies and the contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict app tests migrations
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(VENV_PYTHON) -m app openapi --check

format: venv ## Put the code in order
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: venv ## Write the lock files again from pyproject.toml (ARGS=--upgrade for newer versions)
	$(LOCK) --extra postgres --extra fast $(ARGS) -o requirements.txt
	$(LOCK) --all-extras --group dev $(ARGS) -o requirements-dev.txt

bench: venv ## Measure against bare servers (SIZES=1000000, ARGS="--only discovery")
	@SIZES="$(SIZES)" $(VENV_PYTHON) -m tests.benchmarks $(ARGS)

clean: ## Remove .venv and every cache (never a database)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		.schemathesis .coverage htmlcov .ci/openapi/node_modules .ci/openapi/build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
