# The front door. Every target does the set-up it needs by itself.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraints requirements.lock --build-constraints requirements.lock

UV35 := $(BIN)/uv pip install --quiet --python .venv-spark35/bin/python

.PHONY: help setup spark35 demo test test-long check bench bench-spark spark-bundle lock clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# uv comes from the same hash-pinned lock as everything else.
$(BIN)/uv: requirements.lock
	@echo "setup: environment in .venv" >&2
	@$(PYTHON) -c 'import sys; sys.exit("wordstreet needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv .venv
	@awk '/^uv==/ {on = 1} on {print} on && !/\\$$/ {exit}' requirements.lock > .venv/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.lock
	@touch $@

.venv/base: $(BIN)/uv pyproject.toml
	@echo "setup: wordstreet and what it needs (versions and hashes from requirements.lock)" >&2
	@$(UV) --editable .
	@touch $@

.venv/dev: .venv/base
	@echo "setup: what tests, checks and benchmarks need" >&2
	@$(UV) --group dev
	@touch $@

.venv-spark35/ready: .venv/base requirements-spark35.lock
	@echo "setup: the Spark 3.5 line with Spark NLP in .venv-spark35" >&2
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-spark35
	@$(UV35) --require-hashes --build-constraints requirements.lock -r requirements-spark35.lock
	@$(UV35) --no-deps --build-constraints requirements.lock --editable .
	@touch $@

spark35: .venv-spark35/ready  ## the other Spark line, with Spark NLP, in .venv-spark35

setup: .venv/dev  ## the environment in .venv, the command .venv/bin/wordstreet

demo: .venv/base  ## the whole road on a simulated world, offline
	@$(BIN)/wordstreet demo

test: .venv/dev  ## the tests, with a real broker and both lines of Spark where there is Java
	@$(MAKE) --no-print-directory spark35 || echo "setup: no Spark 3.5 here; its tests will be skipped" >&2
	@$(BIN)/python -m pytest -m "not long" -n 2 --dist loadfile

test-long: .venv/dev  ## the long campaigns: crashes, fuzzing, statistics
	@$(BIN)/python -m pytest -m long -o timeout=3600

check: .venv/dev  ## lint, types, import contracts, docstrings
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/interrogate --quiet src tests bench deploy

bench: .venv/dev  ## the embedded road against a plain loop, and arrival to readable
	@$(BIN)/python -m bench.road

bench-spark: .venv/dev  ## Kafka and Spark: the original job, Spark + vaderSentiment, and both our engines
	@$(BIN)/python -m bench.kafka

spark-bundle: .venv/dev  ## dist/spark: all that spark-submit needs on machines with bare Pythons
	@$(BIN)/python deploy/spark/bundle.py dist/spark

lock: .venv/dev  ## take the newest versions pyproject.toml allows into requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-header \
		--all-extras --group dev --python-version 3.11 pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --no-header \
		--python-version 3.11 requirements-spark35.in -o requirements-spark35.lock

clean:  ## remove the environment and caches, never data
	rm -rf .venv .venv-spark35 .mypy_cache .ruff_cache .pytest_cache .hypothesis
