# Every target sets up what it needs: a virtual environment in .venv with the exact versions of constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/ready-core
READY := $(VENV)/ready
PEERS := $(VENV)-peers/ready $(VENV)-pylmnn/ready
# two tests at a time with a thread each; tests of threads set their own number
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

# compiled once, not by each of the many processes that tests and experiments start
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-all test-kernels test-clock lint docs examples figures results reproduce reproduce-quick fuzz mutation peers-env \
  test-lowest test-newest package clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(CORE)  ## Solve LMNN to a proved optimum on four data sets: a table, results and figures in out/demo
	$(BIN)/python experiments/demo.py

test: $(READY)  ## Run the tests, but for the slow ones; warnings are errors
	$(PYTEST) -m "not slow"

test-slow: $(READY)  ## Run the slow tests: every experiment in its quick size
	$(PYTEST) -m slow

test-all: test test-slow  ## Run all tests

TIMES ?= all
test-kernels: $(READY)  ## Run the tests of what is printed with every BLAS kernel of this processor, on 1 and 2 threads
	.ci/kernels $(BIN)/python $(TIMES)

test-clock: $(READY)  ## Run the tests that look at a clock beside a busy process on every core
	.ci/busy $(BIN)/python -m pytest -m clock

lint: $(READY)  ## Check style, types and docstrings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python .ci/docstrings.py

docs: $(READY)  ## Build the site into out/docs, with every example run; a warning is an error
	rm -rf out/docs docs/api docs/gallery
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs out/docs

peers-env: $(PEERS)  ## Set up .venv-peers and .venv-pylmnn with the packages that experiments compare with

results: $(READY) $(PEERS)  ## Run every experiment at full size and rewrite experiments/results (more than an hour)
	$(BIN)/python experiments/bench_import.py
	$(BIN)/python experiments/bench_impostors.py
	$(BIN)/python experiments/sdp_forms.py
	$(BIN)/python experiments/bench_solvers.py
	$(BIN)/python experiments/bench_newton.py
	$(BIN)/python experiments/family.py
	$(BIN)/python experiments/ten_metrics.py
	$(BIN)/python experiments/low_rank.py
	$(BIN)/python experiments/stochastic.py
	$(BIN)/python experiments/engines.py
	$(BIN)/python experiments/bench_commits.py
	$(BIN)/python experiments/warm_starts.py
	$(BIN)/python experiments/bench_estimator.py
	$(BIN)/python experiments/cross_validation.py
	$(BIN)/python experiments/peers.py
	$(BIN)/python experiments/comparisons.py
	$(BIN)/python experiments/ball_trees.py
	$(BIN)/python experiments/diagnose.py
	$(BIN)/python experiments/paper_figures.py
	$(BIN)/python experiments/speed_ups.py
	$(BIN)/python experiments/galleries.py
	$(BIN)/python experiments/nips2005.py
	$(BIN)/python experiments/coming_from.py
	$(BIN)/python experiments/scaling.py
	$(BIN)/python experiments/verify_small.py
	$(BIN)/python experiments/external_solvers.py
	$(BIN)/python experiments/convergence.py
	$(BIN)/python experiments/margins.py
	$(BIN)/python experiments/plane.py
	$(BIN)/python experiments/optimum.py
	$(BIN)/python experiments/proofs.py
	$(BIN)/python experiments/faults.py
	$(BIN)/python experiments/rigour.py
	$(BIN)/python experiments/fuzz_files.py
	$(BIN)/python experiments/hard_problems.py
	$(BIN)/python experiments/fuzz.py
	OMP_NUM_THREADS=1 $(BIN)/python experiments/mutation.py

reproduce-quick: $(READY)  ## Table 1 of the paper on its small data and a part of letters (minutes)
	$(BIN)/python experiments/reproduce.py --quick

reproduce: $(READY)  ## Table 1 of the paper (hours; goes on where it was ended), its pictures and pages
	$(BIN)/python experiments/reproduce.py
	$(BIN)/python experiments/nips2005.py
	$(BIN)/python experiments/galleries.py
	$(BIN)/python figures/draw.py
	$(BIN)/python figures/reproduction.py
	$(BIN)/python figures/tables.py

fuzz: $(READY)  ## Solve 10,000 nasty problems and judge them in exact arithmetic (hours; goes on where it was ended)
	$(BIN)/python experiments/fuzz.py

mutation: $(READY)  ## Put small faults into the proof, its checker and the problem, and count those that tests notice (an hour)
	OMP_NUM_THREADS=1 $(BIN)/python experiments/mutation.py

examples: $(READY)  ## Run every example and draw its picture in examples/pictures
	set -e; for script in examples/[a-z]*.py; do $(BIN)/python $$script --out examples/pictures; done

figures: $(READY)  ## Draw figures/ and the tables of the pages from experiments/results
	$(BIN)/python figures/draw.py
	$(BIN)/python figures/reproduction.py
	$(BIN)/python figures/slider.py
	$(BIN)/python figures/tables.py

package: $(READY)  ## Build wheel and sdist, install the sdist alone in an empty environment and run the quick start there
	rm -rf dist .venv-package
	$(BIN)/python -m build --outdir dist
	$(PYTHON) -m venv .venv-package
	.venv-package/bin/python -m pip install --quiet --constraint constraints.txt dist/*.tar.gz
	cd examples && ../.venv-package/bin/python -W error quick_start.py --out ../out/package
	cd examples && ../.venv-package/bin/lmnn-sdp solve wine --standardize

TESTS ?=
test-lowest:  ## Run the tests (or those of TESTS=...) with the oldest supported dependencies
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --constraint .ci/lowest.txt --editable ".[test]"
	OMP_NUM_THREADS=1 .venv-lowest/bin/python -m pytest --numprocesses 2 --dist worksteal $(TESTS)

test-newest:  ## Run the tests with the newest released dependencies
	$(PYTHON) -m venv .venv-newest
	.venv-newest/bin/python -m pip install --quiet --upgrade --editable ".[test]"
	.venv-newest/bin/python -m pytest

clean:  ## Remove environments, caches and outputs
	rm -rf .venv .venv-lowest .venv-newest .venv-peers .venv-pylmnn .venv-package out docs/api docs/gallery build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# without the bytecode of what is never imported: half the time, and 150 MB less
$(CORE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python >= 3.11 is needed; run make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up $(VENV) with what lmnn_sdp needs: some 220 MB to download, 800 MB on disk, once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --no-compile --constraint constraints.txt --editable .
	@echo "$(VENV) is ready: $$(du -sm $(VENV) | cut -f1) MB."
	@touch $@

$(READY): $(CORE)
	@echo "Adding to $(VENV) what tests and checks need: some 110 MB to download, 400 MB on disk, once."
	$(BIN)/python -m pip install --no-compile --constraint constraints.txt --editable ".[dev]"
	@touch $@

$(VENV)-peers/ready: .ci/peers.txt
	$(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/python -m pip install --quiet --no-deps --requirement .ci/peers.txt
	touch $@

$(VENV)-pylmnn/ready: .ci/pylmnn.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "PyLMNN needs a SciPy that has no wheels beyond Python 3.11; run make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)-pylmnn
	$(VENV)-pylmnn/bin/python -m pip install --quiet --no-deps --requirement .ci/pylmnn.txt
	touch $@
