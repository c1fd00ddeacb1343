# Two commands matter: `make demo` and `make test`. Both set up everything they need, and are quick the second time.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED := --no-deps --require-hashes

.PHONY: help demo test check lint format setup models constraints clean
.DELETE_ON_ERROR:
.DEFAULT_GOAL := demo

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: models  ## set up, then play the main job and keep running
	$(BIN)/campusgate demo $(ARGS)

test: $(VENV)/.test models lint  ## set up, then lint, type-check and run every test
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# Tests that start no process and ask no broker: whole rooms, and the pure middle of others. Where a test runs against
# several backends, the parameter in its name tells which.
pick = $(foreach name,$(2),tests/$(1)/test_$(name).py)
QUICK := tests/access tests/database tests/web \
	$(call pick,accounts,card_states ledger_transfers) \
	$(call pick,edge,liveness matcher ongoing_passages tracker vote) \
	$(call pick,gate_controller,computer door interlock numbers supervision turnstile) \
	$(call pick,messages,command_client messages signing twins) \
	$(call pick,models,calibration score_tail similarity_transform template) \
	$(call pick,operations,documentation server_clock) \
	$(wildcard tests/test_*.py)
WITHOUT_SERVERS := not postgresql and not mosquitto and not embedded

check: $(VENV)/.test models lint  ## lint, type-check and run the tests that need no server (one to two minutes)
	$(BIN)/python -m pytest -n auto --dist worksteal -k "$(WITHOUT_SERVERS)" $(QUICK) $(ARGS)

lint: $(VENV)/.test  ## Ruff and mypy alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.test  ## mend what Ruff can mend, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: $(VENV)/.runtime  ## install the pinned packages into .venv
models: setup  ## fetch and convert the face models
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

clean:  ## remove .venv and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info
