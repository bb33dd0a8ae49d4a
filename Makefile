# voltherd: every target sets up what it needs in .venv by itself (see scripts/setup.py) and is
# instant to set up again.  Needs Python 3.11 or newer (with venv, pip or uv), git and make.
#
#   make demo DEMO_ARGS="--headless"    make test TEST_ARGS="-k intake"    make bench

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs dashboard pins clean

SHELL := /bin/sh
VENV_BIN := .venv/bin
DEMO_ARGS ?=
TEST_ARGS ?=
TEST_JOBS ?= auto
BENCH_ARGS ?=
# Each job has a processor: more threads in one wait for each other, at 100 %.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

setup = python=$$(sh scripts/find-python) && "$$python" -I scripts/setup.py

help: ## say what there is to make
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

demo: ## run the main job on a bundled example and show the report (DEMO_ARGS go to `voltherd demo`)
	@$(setup) base
	@$(VENV_BIN)/voltherd demo $(DEMO_ARGS)

test: ## run the tests (TEST_ARGS go to pytest)
	@$(setup) test
	@$(ONE_THREAD) $(VENV_BIN)/python -m pytest -n $(TEST_JOBS) --dist worksteal $(TEST_ARGS)

lint: ## check format, style and types
	@$(setup) lint
	$(VENV_BIN)/ruff format --check .
	$(VENV_BIN)/ruff check .
	$(VENV_BIN)/mypy

bench: ## print the benchmark tables that the README quotes (BENCH_ARGS go to both)
	@$(setup) test
	$(VENV_BIN)/voltherd bench kernel $(BENCH_ARGS)
	$(VENV_BIN)/voltherd bench triage $(BENCH_ARGS)

docs: ## write the reference pages that come from the code
	@$(setup) test
	$(VENV_BIN)/python scripts/reference.py

dashboard: ## rebuild the dashboard in the package from web/ (needs Node 20.19 or newer)
	@cd web && npm ci && npm run build

# Exact versions with hashes, for every platform; needs uv and the network.  Names no host.
PIN_ANY := uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --no-annotate --custom-compile-command "make pins"
PIN := $(PIN_ANY) pyproject.toml --no-emit-package voltherd --group build

pins: ## choose newer versions of everything and record them in requirements/ (needs uv)
	$(PIN) --upgrade --all-extras --group test -o requirements/test.txt
	$(PIN) -c requirements/test.txt -o requirements/base.txt
	$(PIN) -c requirements/test.txt --group lint -o requirements/lint.txt
	echo batterydf==0.1.0 | $(PIN_ANY) - -o requirements/bdf-validator.txt

clean: ## remove what make and the tools have made
	rm -rf .venv .venv.lock .venv.incomplete build dist .pytest_cache .mypy_cache .ruff_cache \
		.hypothesis .coverage htmlcov web/node_modules
