# Two commands matter: `make demo` runs the main job, `make test` passes the tests. Both set up what they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP     = $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps

.PHONY: help setup demo test lint types serve doctor contracts lock clean

help: ## Show what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Assay needs Python 3.11 or newer: set PYTHON=python3.x"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	@echo "Setting up .venv (about a minute, once)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing hash-locked dependencies"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing hash-locked development tools"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

setup: $(VENV)/.runtime ## Create .venv with the locked dependencies

demo: $(VENV)/.runtime ## Run the main job end to end and leave build/demo/index.html
	@$(BIN)/assay demo --out build/demo

test: $(VENV)/.dev ## Pass the tests
	@$(BIN)/python -m pytest -n $${ASSAY_TEST_PROCESSES:-2} --dist loadfile $(TESTS)

lint: $(VENV)/.dev ## Check style and the walls between the rooms
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(VENV)/.dev ## Check types
	@$(BIN)/mypy

serve: $(VENV)/.runtime ## Start the service on loopback
	@$(BIN)/assay serve

doctor: $(VENV)/.runtime ## Find what is wrong with this installation
	@$(BIN)/assay doctor

contracts: ## Test the contracts and compare the committed artifacts (needs Node.js)
	@cd contracts && npm ci --ignore-scripts --no-audit --no-fund --silent && npm test --silent

lock: ## Resolve the locks anew (needs uv)
	uv pip compile --quiet --no-header --no-annotate --python-version 3.11 --generate-hashes --no-emit-index-url --prerelease allow --override .ci/lock-overrides.txt pyproject.toml -o requirements.lock
	uv pip compile --quiet --no-header --no-annotate --python-version 3.11 --generate-hashes --no-emit-index-url --prerelease allow --override .ci/lock-overrides.txt --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## Remove what was built
	rm -rf build $(VENV)
