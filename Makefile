# make train   sets everything up, then trains ProMP on half-cheetah; ARGS="--n_itr 30" passes flags on
# make test    sets everything up, then runs the tests, except those that train for minutes (marked long)
# make test-all  those too
# make check   format, lint, tests
# make docs    writes the documentation as a site; open site/index.html
.PHONY: setup train test test-all lint check format docs

PYTHON ?= python3
BIN := .venv/bin
PARALLEL := --numprocesses auto --dist loadfile

setup: .venv/installed

.venv/installed: setup.py constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

train: setup
	$(BIN)/python run_scripts/pro-mp_run_mujoco.py $(ARGS)

test: setup
	$(BIN)/python -m pytest $(PARALLEL) -m "not long" $(ARGS)

test-all: setup
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

check: lint test

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.venv/docs: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[docs]"
	touch $@
