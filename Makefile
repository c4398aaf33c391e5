# `make demo` sets everything up and runs the whole job on generated scans; `make test` sets up and passes all tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint clean

demo: $(VENV)/.installed
	$(BIN)/dints demo --run runs/demo

# The engine and the panels are tested in processes of their own, as they run.
test: $(VENV)/.installed lint
	$(BIN)/pytest Testing/engine
	$(BIN)/pytest Testing/reliability
	$(BIN)/pytest Testing/slicer

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=DiNTSEngine $(BIN)/lint-imports --no-cache

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[pictures,tests,slicer]'
	touch $@

clean:
	rm -rf $(VENV) runs build DiNTSEngine/*.egg-info
