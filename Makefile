# Two commands matter: `make book` builds the site, `make test` runs the tests. Both make the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Three processes on two cores: some tests wait, for a process that starts or for a lock. The tests of a process that is busy with
# a long one, as building the site is, are taken over by the others.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist worksteal
# Where the environment forbids bytecode, every process would compile the package anew, which takes a second.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install book lab test test-long lint clean

help:
	@echo "make book       install, run the notebooks on DIGITS, build the site and say where it is"
	@echo "make lab        install and open the notebooks in JupyterLab"
	@echo "make test       install and run the tests"
	@echo "make test-long  the same with the long tests"
	@echo "make lint       ruff, and import-linter on the rooms"
	@echo "make clean      remove what was built (not the environment: rm -r $(VENV))"

# Written last, so an interrupted install is taken up again. One `pip install` call, so that every pin holds at once.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV): this takes some minutes"
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --quiet \
		-c constraints.txt -e ".[book,lab,test,lint]"
	@touch $@

install: $(INSTALLED)

book: $(INSTALLED)
	$(BIN)/rethinkpool book --profile quick

lab: $(INSTALLED)
	$(BIN)/jupyter lab notebooks

test: $(INSTALLED)
	$(PYTEST) -m "not slow"

test-long: $(INSTALLED)
	$(PYTEST)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

clean:
	rm -rf build
