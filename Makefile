# Two commands matter: `make demo` and `make test`. Both set up everything they need, and are quick the second time.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED := --no-deps --require-hashes

.PHONY: demo test lint check setup models constraints clean
.DELETE_ON_ERROR:

demo: models  ## set up, then play the main job and keep running
	$(BIN)/campusgate demo $(ARGS)

test: $(VENV)/.test models lint  ## set up, then lint, type-check and run every test
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(VENV)/.runtime
models: setup
	$(BIN)/campusgate models install --quiet

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: constraints/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing pinned packages (once; a few minutes on a slow line)"
	$(INSTALL) $(LOCKED) -r constraints/runtime.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: constraints/test.txt $(VENV)/.runtime
	$(INSTALL) $(LOCKED) -r constraints/test.txt
	@touch $@

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-emit-package dlib --custom-compile-command "make constraints" pyproject.toml

constraints:  ## renew the pinned versions (needs uv)
	$(COMPILE) --extra postgresql -o constraints/runtime.txt
	$(COMPILE) --extra gpio -o constraints/gate.txt
	$(COMPILE) --extra postgresql --extra test -o constraints/test.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info
