# Every command begins with what it needs: `make play` and `make test` work on a machine with nothing but python3 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ALONE := device or live or pd or browser or slow

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev play test test-fast check lint bench chaos docs clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/live.stamp ## system library if missing, virtual environment, liveseq

setup-dev: $(VENV)/dev.stamp ## the same with everything to train, test and measure

play: setup ## sound: a first corpus is made on first use; without a sound device the set is recorded to takes/
	$(BIN)/python run_server.py --play drone

test: setup-dev check ## every check and every test: those that nobody may disturb one by one, the others on every core
	$(BIN)/python -m pytest -n logical -m "not ($(ALONE))" --ignore tests/train
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --dist loadfile tests/train
	$(BIN)/python -m pytest -m "$(ALONE)" --ignore tests/train

test-fast: setup-dev check ## what a change needs in 3 minutes: no device, no server, no browser, no Pd, no training
	$(BIN)/python -m pytest -n logical -m "not ($(ALONE))" --ignore tests/train

check: setup-dev ## formatting, lint, types; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

lint: setup-dev ## mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev ## measure on this machine: benchmarks/results/*.json and the docs (ONLY="name ...": these alone)
	$(BIN)/python -m benchmarks.all $(if $(ONLY),--only $(ONLY))

chaos: setup-dev ## hurt a playing server in every way: docs/reliability.md (over an hour)
	$(BIN)/python -m benchmarks.all --only chaos

docs: setup-dev ## docs/osc.md and the pictures, from the code
	$(BIN)/liveseq osc table --out docs/osc.md
	$(BIN)/python tools/house.py
	$(BIN)/liveseq corpus demo
	$(BIN)/python tools/take_picture.py
	$(BIN)/python tools/generator_sheets.py

clean: ## what can be made again
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(VENV)/system.stamp:
	sh tools/system-packages.sh
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade pip
	touch $@

$(VENV)/live.stamp: $(VENV)/system.stamp pyproject.toml
	$(BIN)/python -m pip install -qq --editable .
	touch $@

$(VENV)/dev.stamp: $(VENV)/system.stamp pyproject.toml
	sh tools/system-packages.sh --test
	$(BIN)/python -m pip install -qq torch==2.13.0
	$(BIN)/python -m pip install -qq --editable '.[dev]'
	touch $@ $(VENV)/live.stamp
