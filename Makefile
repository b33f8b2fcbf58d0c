# make demo | test | bench | lint | clean      nothing to install first but python3 >= 3.11, a C compiler and make
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamp

.PHONY: demo test bench lint clean venv
.DEFAULT_GOAL := test

venv: $(STAMP)

# One environment for all of it. Built anew when what it is made from changes; a broken one is never taken for whole.
$(STAMP): pyproject.toml setup.py $(wildcard _fastpath/*.pyx _fastpath/*.pxd)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "callfloor needs Python 3.11 or newer")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv python3-dev"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[softphone,test,lint]'
	@touch $@

demo: $(STAMP)
	$(BIN)/callfloor demo

test: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

bench: $(STAMP)
	$(BIN)/python -m tests.bench $(BENCH)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_style.py

clean:
	rm -rf $(VENV) build *.egg-info _fastpath/*.c _fastpath/*.so .callfloor .hypothesis .mypy_cache .pytest_cache .ruff_cache
