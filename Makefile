# `make demo` and `make test` are enough to begin with; `make docs` builds the documentation site.
#   make demo PYTHON=python3.12   makes the environment with this Python, a name or a path
#   make demo LATEST=1            takes the newest version of everything, not the tested ones of constraints.txt
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DOCS_INSTALLED := $(VENV)/.docs-installed
CONSTRAINTS := constraints.txt

# The environment keeps its Python unless PYTHON says otherwise. One without pip was not finished.
PYTHON ?= $(shell $(BIN)/python -c 'import pip' 2>/dev/null && echo $(BIN)/python || echo python3)
PYTHON := $(PYTHON)
NEWEST := $(filter-out 0,$(LATEST))
IDENTITY := import sys; print(sys.version.split()[0], sys.base_prefix)

# The stamp says what the environment was made with. Another Python or another choice of versions makes it again.
WANTED := $(or $(shell $(PYTHON) -c '$(IDENTITY)' 2>/dev/null),unknown)
STAMP := $(WANTED) $(if $(NEWEST),newest,tested)
ifneq ($(shell cat $(INSTALLED) 2>/dev/null),$(STAMP))
.PHONY: $(INSTALLED)
endif

# The container's name, image and GPUs: `make run GPUS=none`, `make run GPUS='"device=1,2"'`.
IMAGE ?= bvas
NAME ?= bvas
GPUS ?= all
COMMAND ?= bash
GPU_OPTION := $(if $(filter none,$(GPUS)),,--gpus '$(GPUS)')

.PHONY: demo test test-slow check docs bench install clean build run exec logs stop

demo: $(INSTALLED)
	$(BIN)/bvas demo

# The second run is NVDEC's: the vendor's library over an emulated driver, or on the GPU where there is one.
test: $(INSTALLED)
	$(BIN)/python -m pytest
	$(BIN)/python -m pytest tests/video -m gpu --emulated-driver

# What takes too long for the default suite; Ray is installed for it alone.
test-slow: $(INSTALLED)
	$(PIP_INSTALL) --editable '.[ray]'
	$(BIN)/python -m pytest -m slow

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The site in docs/_build, without a network; the notebook is executed, and warnings are errors.
docs: $(DOCS_INSTALLED)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env docs docs/_build/html

bench: $(INSTALLED)
	$(BIN)/python benchmarks/bench_decode.py
	$(BIN)/python benchmarks/bench_open.py
	$(BIN)/python benchmarks/bench_loader.py
	$(BIN)/python benchmarks/bench_predict.py

install: $(INSTALLED)

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	$(if $(NEWEST),--upgrade --upgrade-strategy eager,--constraint $(CONSTRAINTS))

# SoccerNet is here for the test that our scores equal its own; of what it asks for, the
# evaluation needs nothing more.
$(INSTALLED): pyproject.toml $(CONSTRAINTS)
	test "$$($(BIN)/python -c 'import pip; $(IDENTITY)' 2>/dev/null)" = '$(WANTED)' || $(PYTHON) -m venv --clear $(VENV)
	$(PIP_INSTALL) --editable '.[dev]'
	$(PIP_INSTALL) --no-deps 'SoccerNet>=0.2'
	echo '$(STAMP)' > $@

$(DOCS_INSTALLED): $(INSTALLED)
	$(PIP_INSTALL) --editable '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) demo docs/_build .mypy_cache .pytest_cache .ruff_cache

build:
	docker build --tag $(IMAGE) .

run:
	docker run --detach --interactive --tty --name $(NAME) $(GPU_OPTION) --shm-size 8g \
		--volume $(CURDIR):/workdir $(IMAGE)

exec:
	docker exec --interactive --tty $(NAME) $(COMMAND)

logs:
	docker logs --follow $(NAME)

stop:
	-docker rm --force $(NAME)
