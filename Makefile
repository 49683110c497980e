PYTHON ?= python3.11
PYTHONS ?= python3.11 python3.12 python3.13 python3.14
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUNS := $(VENV)/.runs
OLDEST := $(shell sed -n 's/.*"aiohttp>=\([0-9.]*\),.*/\1/p' pyproject.toml)
WIRE := .wire/aiohttp-$(OLDEST)
PIP := $(BIN)/pip install --quiet --disable-pip-version-check

# Tests start the program hundreds of times: compiled once, it starts in half the time, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test slow pythons check cover lint types wire replay soak bench bench-scale machines simulate smoke sandbox vendor pictures docs build lock clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

# What the harvester needs to run, and nothing of what its development needs besides.
$(RUNS): requirements-run.lock
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is needed; or name another, as in: make test PYTHON=python3.12"; exit 1; }
	@echo "Installing what harvester needs into $(VENV): some 20 packages, a quarter of a minute."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes --requirement requirements-run.lock
	@touch $@

$(READY): $(RUNS) requirements.lock pyproject.toml
	@echo "Installing what the tests and checks need: a minute."
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(RUNS) ## Harvest a thousand photos from a local Flickr; no key needed
	@$(BIN)/python -m harvester demo

# Tests sync thousands of times: where a file system in memory has room, no disk is waited for.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 2000000 {print "PYTEST_DEBUG_TEMPROOT=/dev/shm"}')
# A test that hangs ends its process, which tells where it stood, instead of all.
HANGS := -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true --max-worker-restart 0
TESTS := $(MEMORY) $(BIN)/pytest --quiet --numprocesses 3 --dist loadfile $(HANGS)

test: $(READY) ## Run the tests but for the slow ones
	$(TESTS) -m "not slow"

slow: $(READY) ## Run the slow tests, which `make test` leaves out: all, or those in the folders that SLOW names
	$(TESTS) -m slow $(SLOW)

pythons: ## Run all tests on each Python from 3.11 to 3.14 that is here, or on those that PYTHONS names
	@tried=; failed=; for python in $(PYTHONS); do \
		version=$$($$python --version 2>/dev/null) || { echo "$$python is not here: skipped."; continue; }; \
		echo "$$version:"; tried="$$tried $$python"; \
		$(MAKE) --no-print-directory test slow PYTHON="$$python" VENV=".pythons/$$(basename "$$python")" || failed="$$failed $$python"; \
	done; \
	test -n "$$tried" || { echo "No Python was tried."; exit 1; }; \
	test -z "$$failed" || { echo "The tests fail on$$failed."; exit 1; }; \
	echo "The tests pass on$$tried."

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)
	$(BIN)/mypy

check: ## What each Python must pass in CI: lint, types, all tests, the oldest aiohttp, speed, recorded answers
	./.ci/run

cover: $(READY) ## Run all tests with branch coverage; fail below the floor in pyproject.toml, as CI does
	$(TESTS) --cov --cov-report=term

$(WIRE): | $(READY)
	@$(PIP) --no-deps --target $@ aiohttp==$(OLDEST)

wire: $(READY) $(WIRE) ## Test calls with the oldest aiohttp that is allowed; the lock holds the newest
	PYTHONPATH=$(WIRE) $(BIN)/pytest --quiet tests/unit/transport tests/promises/exactly_once/test_strays.py

SOAKS := $(addprefix tests/promises/,test_soak.py many_machines/test_soak_dask.py repairable/test_soak_repair.py \
	exactly_once/test_durable_steps.py exactly_once/test_deepening_steps.py exactly_once/test_crashes.py \
	exactly_once/test_file_systems.py parts/test_parts_update.py quota/test_quota_machines.py \
	complete/test_sweep_odds.py update_is_atomic/test_year.py)

soak: $(READY) ## The long proofs: kills, quotas, a million photos, a million sweeps, a year (hours)
	HARVESTER_SOAK=1 $(BIN)/pytest --quiet $(SOAKS)

bench: $(READY) ## Measure speed, quota and memory, beside a bare loop and other tools (7 minutes)
	$(BIN)/python tests/bench/run.py

PHOTOS ?= 10000000
bench-scale: $(READY) ## Measure how all grows, up to 10,000,000 photos of listing or PHOTOS of them (40 minutes, 32 GB)
	$(BIN)/python tests/bench/scale.py $(PHOTOS)

machines: $(READY) ## Measure what many machines cost and gain, and how soon a harvest goes on after kills (5 minutes)
	$(BIN)/python tests/bench/machines.py

simulate: $(READY) ## Reckon a harvest of 100 million photos on many machines; no call is made (10 seconds)
	@PYTHONPATH=tests $(BIN)/python -m support.simulate

smoke: $(READY) ## Fail where the harvester has become half as fast beside a bare loop: what CI runs
	$(BIN)/python tests/bench/run.py --smoke

replay: $(READY) ## Harvest answers that Flickr really gave, where they lie beside the project
	@if [ -d ../shared/replay ]; then $(BIN)/python .ci/replay.py ../shared/replay/replay.py; fi

sandbox: $(READY) ## Serve a local Flickr
	@$(BIN)/harvester sandbox

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@command -v npm >/dev/null || { echo "npm is needed, from 20 on of node: it is only for who changes the pages in web/."; exit 1; }
	npm ci --prefix web --ignore-scripts --no-audit --no-fund
	@touch $@

vendor: web/node_modules/.package-lock.json ## Bundle the pages for a browser out of web/ into harvester/web/bundles/
	npm run --silent --prefix web build

pictures: $(READY) ## Make the README's pictures of the pages, with Chromium
	$(BIN)/python docs/pictures.py

docs: $(READY) ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file docs/mkdocs.yml --site-dir ../site

build: $(READY) ## Build the wheel and the source distribution into dist/
	$(BIN)/hatchling build

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --no-strip-extras --custom-compile-command "make lock"

lock: $(READY) ## Resolve the dependencies anew into requirements.lock and requirements-run.lock
	$(PIP) uv
	$(COMPILE) --group dev pyproject.toml --output-file requirements.lock
	$(COMPILE) --constraint requirements.lock pyproject.toml --output-file requirements-run.lock

clean: ## Remove what was made
	rm -rf $(VENV) .pythons .wire site .bench bench.json bench.svg bench-scale.json bench-scale.svg dist build demo .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.*
	find harvester tests -name __pycache__ -type d -prune -exec rm -rf {} +
