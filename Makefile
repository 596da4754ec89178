# make train   sets everything up, then trains ProMP on half-cheetah; ARGS="--n_itr 30" passes flags on
# make test    sets everything up, then runs the tests, except those that train for minutes (marked long)
# make test-all  those too
# make check   format, lint, types, tests
# make docs    writes the documentation as a site; open site/index.html
# make legacy  adds gym, mujoco-py and MuJoCo 2.1.0 for --backend mujoco-py; needs gcc and more, see docker/README.md
# make docker-build | docker-run | docker-figures | docker-test   the same in a container; ARGS passes flags on
#              make docker-figures FIGURES="figure2 figure4" ARGS="--n_itr 60"   some figures, with flags that all of them take
.PHONY: setup train test test-all lint check format docs legacy docker-build docker-run docker-figures docker-test

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
	$(BIN)/mypy

check: lint test

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.venv/docs: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[docs]"
	touch $@

# mujoco-py compiles itself when it is first imported; it looks for MuJoCo there by itself, or where the variable says.
MUJOCO_PY_MUJOCO_PATH ?= $(HOME)/.mujoco/mujoco210
MUJOCO_PY = MUJOCO_PY_MUJOCO_PATH=$(MUJOCO_PY_MUJOCO_PATH) LD_LIBRARY_PATH=$(MUJOCO_PY_MUJOCO_PATH)/bin MUJOCO_PY_FORCE_CPU=1

legacy: .venv/legacy

.venv/legacy: .venv/installed $(MUJOCO_PY_MUJOCO_PATH)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev,legacy]"
	$(MUJOCO_PY) $(BIN)/python -c "import mujoco_py"
	touch $@

# The wheel of another package, which can't be installed itself, carries MuJoCo 2.1.0.
$(MUJOCO_PY_MUJOCO_PATH): | .venv/installed
	$(BIN)/python -m pip download --quiet --no-deps --ignore-requires-python --dest .venv/mujoco210 free-mujoco-py==2.1.6
	$(BIN)/python -m zipfile -e .venv/mujoco210/free_mujoco_py-2.1.6-py3-none-any.whl .venv/mujoco210
	mkdir -p $(dir $@)
	cp -r .venv/mujoco210/mujoco_py/binaries/linux/mujoco210 $@
	rm -r .venv/mujoco210
	touch $@

DOCKER ?= docker
IMAGE := meta_policy_search
WHERE := /opt/meta_policy_search
DOCKER_RUN = mkdir -p data && $(DOCKER) run --rm --user "$$(id -u):$$(id -g)" --volume "$(CURDIR)/data:$(WHERE)/data" $(IMAGE)

docker-build:
	$(DOCKER) build --build-arg GIT_COMMIT="$$(git describe --always --dirty --abbrev=40 --exclude='*')" \
		--tag $(IMAGE) --file docker/Dockerfile $(ARGS) .

docker-run:
	$(DOCKER_RUN) python run_scripts/pro-mp_run_mujoco.py $(ARGS)

FIGURES ?= figure1 formulations figure4 figure3 figure2

docker-figures:
	@code=0; for figure in $(FIGURES); do \
		$(DOCKER_RUN) python run_scripts/reproduce.py $$figure --out data/reproduce/figures $(ARGS) || code=$$?; \
	done; exit $$code

docker-test:
	$(DOCKER) run --rm $(IMAGE) make test
