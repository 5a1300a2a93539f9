# On a machine with nothing but python3 (3.11 or later) and make:
#   make run    creates .venv, installs ppcdbg, opens the UI on the demo guest (without a terminal: a headless demonstration)
#   make test   also installs what the tests need, then runs the linter, the type checker and every test
#   make soak   the longer runs that `make test` leaves out; PPCDBG_ENDURANCE=10 for ten minutes of endurance
#   make wheel-test   sdist and wheel: built, installed into empty environments, and run there
# Bytecode is compiled at installation, because where PYTHONDONTWRITEBYTECODE is set each start would compile it anew.
# PYTHON=... chooses the interpreter; PYTEST_ARGS=... is handed to pytest.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test soak wheel-test format clean

run: .venv/installed
	@if [ -t 0 ] && [ -t 1 ]; then exec $(BIN)/ppcdbg; else exec sh .ci/demonstration $(BIN)/ppcdbg; fi

test: .venv/installed-dev
	@sh .ci/tools
	@BIN=$(BIN) sh .ci/check $(PYTEST_ARGS)

soak: .venv/installed-dev
	@sh .ci/tools
	$(BIN)/python -m pytest -m soak $(PYTEST_ARGS)

wheel-test:
	@sh .ci/wheel-test

format: .venv/installed-dev
	$(BIN)/ruff check --fix ppcdbg tests
	$(BIN)/ruff format ppcdbg tests

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/bin/python:
	@PYTHON=$(PYTHON) sh .ci/venv

.venv/installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python -m compileall -q ppcdbg
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m compileall -q ppcdbg
	@touch $@ .venv/installed
