# make demo and make test need only python3 (3.11 or newer) and make; each makes what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PENGUINS := pellucid/data/tables/penguins.csv
DEMO := demo.run

.PHONY: demo test lint types unit test-long bench tables kill docs peers clean

demo: $(VENV)/.installed
	@rm -rf $(DEMO)
	$(BIN)/pellucid fit $(PENGUINS) --target species --out $(DEMO)
	$(BIN)/pellucid predict $(DEMO) $(PENGUINS) --output $(DEMO)/predictions.csv
	$(BIN)/pellucid inspect $(DEMO)
	@echo
	@echo "The model is $(DEMO)/model.safetensors, its history $(DEMO)/history.jsonl,"
	@echo "its predictions $(DEMO)/predictions.csv. The table is $(PENGUINS)."

test: lint types unit

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

unit: $(VENV)/.dev
	$(BIN)/pytest -q

test-long: $(VENV)/.dev
	$(BIN)/pytest -q -m "slow or not slow"

tables: $(VENV)/.dev
	$(BIN)/python -m benchmarks.tables

kill: $(VENV)/.dev
	$(BIN)/python -m benchmarks.kill

docs: $(VENV)/.dev
	$(BIN)/pdoc --docformat google -o build/docs pellucid
	@echo "The reference is build/docs/index.html."

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Pellucid needs Python 3.11 or newer; {sys.executable} is {v.major}.{v.minor}. Try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) $(DEMO) build .mypy_cache .ruff_cache .pytest_cache .hypothesis
