# `make demo` and `make test` need only python3 (3.11 or newer) and make: each makes what it needs.
PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin
INSTALL := pip install --quiet --disable-pip-version-check
PENGUINS := pellucid/data/tables/penguins.csv
DEMO := demo.run

.PHONY: help demo test lint types unit test-torch test-long record bench step probes epochs fuzz fuzz-files stacks kill docs peers clean

help:
	@echo "make demo       install, train on the bundled penguins, predict, show what was made"
	@echo "make test       format, lint, types, tests, the commands of the documentation"
	@echo "make test-torch the tests that compare with PyTorch, live, and those of tables in other packages"
	@echo "make test-long  the tests that take minutes as well, and more random examples"
	@echo "make record     write what PyTorch computes now into the record that make test compares with"
	@echo "make bench      real tables beside scikit-learn"
	@echo "make step       training steps beside PyTorch and JAX (after make peers)"
	@echo "make probes     what watching a training costs"
	@echo "make epochs     what an epoch of fit costs"
	@echo "make fuzz       20,000 random graphs, compiled and by NumPy, verified, between closed pages"
	@echo "make fuzz-files 20,000 damaged and hostile model files"
	@echo "make stacks     500 random networks, compiled and by NumPy"
	@echo "make kill       kill training at random moments and resume it"
	@echo "make docs       the reference of every public name, in build/docs"
	@echo "make peers      the libraries to measure against, in their own environment"
	@echo "make clean      remove everything that was made"

demo: $(VENV)/.installed
	$(BIN)/pellucid fit $(PENGUINS) --target species --out $(DEMO) --force
	$(BIN)/pellucid predict $(DEMO) $(PENGUINS) --output $(DEMO)/predictions.csv
	$(BIN)/pellucid inspect $(DEMO)
	@echo
	@echo "The table is         $(PENGUINS)"
	@echo "The model is         $(DEMO)/model.safetensors"
	@echo "Its history is       $(DEMO)/history.jsonl"
	@echo "Its predictions are  $(DEMO)/predictions.csv"

test: lint types unit

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

unit: $(VENV)/.dev
	$(BIN)/pytest -q -n auto

test-torch: $(VENV)/.torch
	$(BIN)/pytest -q -n auto --torch live -m "recorded or torch or tables"

test-long: $(VENV)/.torch
	$(BIN)/pytest -q --torch live -m "slow or not slow" --hypothesis-profile long

record: $(VENV)/.torch
	$(BIN)/pytest -q --torch record -m recorded

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks.tables

step: $(VENV)/.dev
	$(BIN)/python -m benchmarks.step --costs

probes: $(VENV)/.dev
	$(BIN)/python -m benchmarks.probes

epochs: $(VENV)/.dev
	$(BIN)/python -m benchmarks.epochs

stacks: $(VENV)/.dev
	$(BIN)/python -m benchmarks.stacks --stacks 500

fuzz: $(VENV)/.dev
	$(BIN)/python -m benchmarks.fuzz --guarded --graphs 20000

fuzz-files: $(VENV)/.dev
	$(BIN)/python -m benchmarks.files --mutations 20000

kill: $(VENV)/.dev
	$(BIN)/python -m benchmarks.kill

docs: $(VENV)/.docs
	$(BIN)/pdoc --output-directory build/docs pellucid
	@echo "The reference is build/docs/index.html"

peers: $(PEERS)/.installed

clean:
	rm -rf $(VENV) $(PEERS) $(DEMO) build .mypy_cache .ruff_cache .pytest_cache .hypothesis

# An environment is made once; what is in it is renewed when the project file changes.
$(BIN)/pip $(PEERS)/bin/pip:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Pellucid needs Python 3.11 or newer; $(PYTHON) is {v[0]}.{v[1]}. Try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(@D)/..

$(VENV)/.installed: pyproject.toml | $(BIN)/pip
	$(BIN)/$(INSTALL) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/pip
	$(BIN)/$(INSTALL) -e '.[dev]'
	@touch $(VENV)/.installed $@

$(VENV)/.bench: pyproject.toml | $(BIN)/pip
	$(BIN)/$(INSTALL) -e '.[dev,bench]'
	@touch $(VENV)/.installed $(VENV)/.dev $@

$(VENV)/.docs: pyproject.toml | $(BIN)/pip
	$(BIN)/$(INSTALL) -e '.[dev,docs]'
	@touch $(VENV)/.installed $(VENV)/.dev $@

$(VENV)/.torch: pyproject.toml | $(BIN)/pip
	$(BIN)/$(INSTALL) -e '.[dev,bench,torch]'
	@touch $(VENV)/.installed $(VENV)/.dev $(VENV)/.bench $@

$(PEERS)/.installed: pyproject.toml | $(PEERS)/bin/pip
	$(PEERS)/bin/$(INSTALL) -e '.[sklearn,torch]' jax jaxlib optax
	@touch $@
