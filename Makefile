# `make demo` sets everything up and runs the whole job on generated scans; `make test` sets up and passes all tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PARTS := engine reliability slicer

.PHONY: demo test $(PARTS:%=test-%) lint format hooks clean

demo: $(VENV)/.installed
	$(BIN)/dints demo --run runs/demo

ifdef PART
# One folder or file of the tests: make test PART=engine/space
test: $(VENV)/.installed
	$(BIN)/pytest Testing/$(PART)
else
# Whatever shows no window is tested side by side, two processes at a time; tests that measure time come after them, and so
# do the panels. Together they must reach enough lines.
test: lint
	$(BIN)/coverage erase
	$(MAKE) --no-print-directory --jobs=2 --output-sync counted-engine counted-remote counted-reliability
	$(BIN)/coverage run $(BIN)/pytest Testing/engine -m quiet
	$(BIN)/coverage run $(BIN)/pytest Testing/slicer
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
endif

REMOTE := Testing/engine/remote
counted-engine: TESTS := Testing/engine --ignore $(REMOTE)
counted-remote: TESTS := $(REMOTE)
counted-reliability: TESTS := Testing/reliability
counted-%:
	$(BIN)/coverage run $(BIN)/pytest $(TESTS) -m 'not quiet'

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
