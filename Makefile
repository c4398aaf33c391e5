# `make demo` sets everything up and runs the whole job on generated scans; `make test` sets up and passes all tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PARTS := engine reliability slicer
TIMED := engine slicer

.PHONY: demo test $(PARTS:%=test-%) $(PARTS:%=counted-%) lint format hooks clean

demo: $(VENV)/.installed
	$(BIN)/dints demo --run runs/demo

ifdef PART
# One folder or file of the tests: make test PART=engine/space
test: $(VENV)/.installed
	$(BIN)/pytest Testing/$(PART)
else
# The engine and the panels are tested in processes of their own, as they run, two side by side; tests that measure time
# come last, one by one. Together they must reach enough lines.
test: lint
	$(BIN)/coverage erase
	$(MAKE) --no-print-directory --jobs=2 --output-sync $(PARTS:%=counted-%)
	$(foreach part,$(TIMED),$(BIN)/coverage run $(BIN)/pytest Testing/$(part) -m quiet &&) true
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
endif

$(PARTS:%=counted-%): counted-%:
	$(BIN)/coverage run $(BIN)/pytest Testing/$* -m 'not quiet'

$(PARTS:%=test-%): test-%: $(VENV)/.installed
	$(BIN)/pytest Testing/$*

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=DiNTSEngine $(BIN)/lint-imports --no-cache
	$(BIN)/python Testing/lint/sizes.py

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Git runs the checks of .pre-commit-config.yaml before each commit.
hooks: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[hooks]'
	$(BIN)/pre-commit install

# batchgeneratorsv2 has nnU-Net's augmentations, which ours are held against; they need nothing of what it asks for.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[pictures,tests,slicer]'
	$(BIN)/pip install --quiet --constraint constraints.txt --no-deps batchgeneratorsv2
	touch $@

clean:
	rm -rf $(VENV) runs build DiNTSEngine/*.egg-info .coverage*
