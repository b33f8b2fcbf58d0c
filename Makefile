# make demo | test | lab | test-lab | sim | blend | bench | lint | clean      nothing to install first but python3 >= 3.11, a C compiler and make
# make test JOBS=2                            in two thirds of the time: what does not telephone beside what does
# make demo STAY=1 LISTEN=0.0.0.0             goes on for a SIP phone of your own; on another machine with LISTEN
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip install --quiet --disable-pip-version-check
STAMP  := $(VENV)/.stamp
TOOLS  := $(VENV)/.tools

.PHONY: demo test lab test-lab sim blend bench lint clean venv
.DEFAULT_GOAL := test

venv: $(TOOLS)

# What runs, and on top of it what tests. Built anew when what it is made from changes; a broken one is never taken for
# whole.
$(STAMP): pyproject.toml setup.py $(wildcard _fastpath/*.pyx _fastpath/*.pxd)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "callfloor needs Python 3.11 or newer")'
	@echo "Setting up $(VENV), once: a virtual environment first, then its packages ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv python3-dev"; exit 1; }
	@echo "... pip fetches packages and compiles the fast path; it says nothing for about a minute ..."
	$(PIP) -e '.[softphone]'
	@touch $@

# callfloor itself is there already: pip adds the extras only.
$(TOOLS): $(STAMP)
	@echo "... and what tests need ..."
	$(PIP) 'callfloor[test,lint]'
	@touch $@

demo: $(STAMP)
	$(BIN)/callfloor demo$(if $(STAY), --stay)$(if $(LISTEN), --listen $(LISTEN))

# Files of tests, JOBS of them beside each other, one of which telephones (tests/beside.py); 0 is one after the other.
JOBS ?= 0
test: $(TOOLS)
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

# The hardware lab: a small virtual machine with the real DAHDI drivers, their spans wired to each other. Root makes it,
# once, in minutes, from a Debian archive; what is made lies in the cache folder. Where it cannot be made it says why, and
# its tests are skipped.
lab: $(TOOLS)
	$(BIN)/python -m tests.live.lab

test-lab: $(TOOLS)
	$(BIN)/python -m pytest -m lab tests/live/lab $(ARGS)

# Days of trouble over random sites, on all cores: make sim SECONDS=3600, or SEEDS=10000, or TOTAL=100000000 events; with
# FIRST=SEED they go on where others ended. All mutants of the core: make sim MUTANTS=1
SECONDS ?= $(if $(SEEDS)$(TOTAL),,60)
sim: $(TOOLS)
ifdef MUTANTS
	MUTANTS=1 $(BIN)/python -m pytest tests/sim/test_sim.py -q -rP -k mistake
else
	$(BIN)/python -m tests.sim $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEEDS),--seeds $(SEEDS)) \
	  $(if $(TOTAL),--total $(TOTAL)) $(if $(FIRST),--first $(FIRST)) $(if $(EVENTS),--events $(EVENTS))
endif

# A thousand contacts of all media to fifteen seats, by real means, three kills in between; in three minutes.
# ARGS='--contacts 200 --seats 6 --minutes 10 --kills 1' for less.
blend: $(TOOLS)
	$(BIN)/python -m tests.blend $(ARGS)

bench: $(TOOLS)
	$(BIN)/python -m tests.bench $(BENCH)

lint: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_style.py

clean:
	rm -rf $(VENV) build *.egg-info _fastpath/*.c _fastpath/*.so .callfloor .hypothesis .mypy_cache .pytest_cache .ruff_cache
