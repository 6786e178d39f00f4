# Two commands are enough: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# The container's name, image and GPUs: `make run GPUS=none`, `make run GPUS='"device=1,2"'`.
IMAGE ?= bvas
NAME ?= bvas
GPUS ?= all
COMMAND ?= bash
GPU_OPTION := $(if $(filter none,$(GPUS)),,--gpus '$(GPUS)')

.PHONY: demo test test-slow check bench install clean build run exec logs stop

demo: $(INSTALLED)
	$(BIN)/bvas demo

test: $(INSTALLED)
	$(BIN)/python -m pytest

# What takes too long for the default suite.
test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(INSTALLED)
	$(BIN)/python benchmarks/bench_decode.py
	$(BIN)/python benchmarks/bench_open.py
	$(BIN)/python benchmarks/bench_loader.py
	$(BIN)/python benchmarks/bench_predict.py

install: $(INSTALLED)

# SoccerNet is here for the test that our scores equal its own; of what it asks for, the
# evaluation needs nothing more.
$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'SoccerNet>=0.2'
	touch $@

clean:
	rm -rf $(VENV) demo .mypy_cache .pytest_cache .ruff_cache

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
