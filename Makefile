# Each target sets itself up in .venv: a machine with Python 3.11+ and make is enough.
#
#   make demo                      what respool does, in 15 seconds
#   make test PYTHON=python3.12    use another interpreter (.venv is recreated when it differs)
#   make test ARGS="-k pool -x"    ARGS is passed to the program behind the target
#   make test WORKERS=0            run one test at a time, in a single process (for --pdb)

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
ARGS ?=
DIST ?= dist
SEEDS ?= 2000
CLUSTER_SEEDS ?= 500
SECONDS ?= 300
MINUTES ?= 5
WORKERS ?= 4

# The tests that "make prove" runs in their full form.
LONG_PROOFS = tests/stepper tests/gates tests/servers tests/asyncio_ tests/threads tests/testing tests/commands \
  tests/pooling tests/routing tests/protocol tests/facts

# Without compiled files, every process of a run rewrites and compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

# PYTHON is used if it is given, whatever .venv was made with; otherwise the first interpreter that is new enough.
ifdef PYTHON
  ASKED := yes
else
  PYTHON = $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
    $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
endif

# Prints the packages of a dependency group, for versions of pip without --group (before 25.1).
GROUP = $(PY) -c 'import sys, tomllib; \
  print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"][sys.argv[1]], sep="\n")'
INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check --no-warn-script-location

.DEFAULT_GOAL := help
.PHONY: help demo test lint types generate check-generated prove mutants fuzz soak consumers dropin-suite bench docs speed wheel clean FORCE
.NOTPARALLEL:

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-24s %s\n", $$1, $$2 }'

demo: $(READY)-demo ## run a mixed load against an embedded server and show what happened
	@$(PY) -m respool demo $(ARGS)

test: $(READY)-dev ## run all tests, four files at a time
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(READY)-dev ## check style and find likely mistakes (ruff)
	@$(PY) -m ruff check $(ARGS)

types: $(READY)-types ## check types (mypy strict, pyright)
	@$(PY) -m mypy $(ARGS)
	@$(PY) -m pyright --pythonpath $(PY) $(ARGS)

generate: $(READY)-venv ## write the generated files: the twins for threads, the command methods
	@$(PY) tools/generate.py $(ARGS)

check-generated: $(READY)-venv ## fail where a generated file is out of date
	@$(PY) tools/generate.py --check

prove: $(READY)-dev ## run SEEDS (2000) simulated histories, as many interleavings of threads, and the other long proofs
	@$(PY) -m tests.simulation --seeds $(SEEDS) --jobs 2
	@$(PY) -m tests.simulation --cluster --seeds $(CLUSTER_SEEDS) --jobs 2
	@$(PY) -m tests.interleavings --seeds $(SEEDS) --jobs 2
	@RESPOOL_PROVE=1 $(PY) -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(LONG_PROOFS)
	@$(PY) -m tests.fuzz.fuzz_wire --seconds 60

mutants: $(READY)-dev ## break the machines in every known way, and count how many breaks a test notices
	@$(PY) tools/mutants.py $(ARGS)

fuzz: $(READY)-dev ## feed the wire arbitrary bytes for SECONDS (300)
	@$(PY) -m tests.fuzz.fuzz_wire --seconds $(SECONDS) $(ARGS)

soak: $(READY)-dev ## mixed load and mixed faults for MINUTES (5); memory must stay flat
	@$(PY) -m tests.soak --minutes $(MINUTES) $(ARGS)

consumers: $(READY)-dev ## run jobs of Celery, RQ, Django and others over respool.compat.redis
	@$(GROUP) consumers > $(READY)-consumers-packages
	@$(INSTALL) -r $(READY)-consumers-packages
	@$(PY) -m pytest -q tests/compat/redis/consumers $(ARGS)

dropin-suite: $(READY)-dev ## run redis-py's own test suite over respool.compat.redis, and compare
	@$(GROUP) dropin-suite > $(READY)-dropin-suite-packages
	@$(INSTALL) -r $(READY)-dropin-suite-packages
	@$(PY) tools/dropin_suite.py $(ARGS)

bench: $(READY)-bench ## measure respool, the bare floor and the peers side by side
	@$(PY) -m benchmarks $(ARGS)

docs: $(READY)-docs ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict $(ARGS)

speed: $(READY)-dev ## compile respool-speed into .venv, which needs a C compiler; from then on respool uses it there
	@$(INSTALL) ./speed

wheel: $(READY)-venv ## build the wheel into dist/
	@$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(DIST) .

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) build dist site htmlcov .coverage .hypothesis speed/build .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Setting up ----------------------------------------------------------------------------------------------
# A stamp file records that .venv has what a target needs; it is recreated when pyproject.toml changes.

ifdef ASKED
$(READY)-venv: FORCE
endif
$(READY)-venv:
	@test -n "$(PYTHON)" || { echo "make: respool needs Python 3.11 or newer; say which: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $(PYTHON) is no Python 3.11 or newer" >&2; exit 1; }
	@wanted=$$($(PYTHON) --version); \
	if [ "$$(cat $@ 2>/dev/null)" != "$$wanted" ] || ! $(PY) --version >/dev/null 2>&1; then \
	  echo "Making $(VENV) with $$wanted ..."; \
	  rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) && echo "$$wanted" > $@; \
	fi

$(READY)-demo: $(READY)-venv pyproject.toml
	@echo "Installing respool and an embedded server into $(VENV) (once) ..."
	@$(INSTALL) -e '.[cli,embedded,fast]'
	@touch $@

$(READY)-dev: $(READY)-venv pyproject.toml
	@echo "Installing respool and its development tools into $(VENV) (once) ..."
	@$(GROUP) dev > $@-packages
	@$(INSTALL) -e . -r $@-packages
	@$(GROUP) newest > $@-packages
	@$(INSTALL) --only-binary :all: -r $@-packages 2>/dev/null || echo "No Redis 8.2 for this platform: its tests skip."
	@touch $@

$(READY)-types: $(READY)-dev
	@echo "Installing the type checkers into $(VENV) (once) ..."
	@$(GROUP) types > $@-packages
	@$(INSTALL) -r $@-packages
	@touch $@

$(READY)-bench: $(READY)-dev
	@echo "Installing the peers to measure against into $(VENV) (once) ..."
	@$(GROUP) bench > $@-packages
	@$(INSTALL) -r $@-packages
	@$(INSTALL) ./speed 2>/dev/null || echo "No C compiler: the side with respool-speed is missing."
	@touch $@

$(READY)-docs: $(READY)-venv pyproject.toml
	@echo "Installing what builds the documentation into $(VENV) (once) ..."
	@$(GROUP) docs > $@-packages
	@$(INSTALL) -e . -r $@-packages
	@touch $@
