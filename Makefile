# Two commands do everything: `make demo` and `make test`. `make help` lists the others.
# All work in .venv, which is made from requirements.lock and made again only when that or pyproject.toml changes.

BIN := .venv/bin
READY := .venv/.ready
ARGS ?=
JOBS ?= 3

# The two parts of the tests differ in their mark alone, so that together they are all: tests/harness/test_parts.py holds this.
PYTEST := $(BIN)/pytest -q -n $(JOBS) --dist loadfile --durations=10 --ignore=tests/compose

.PHONY: help setup demo test test-rest test-all alerts compose docker-check check bench chaos-short chaos fuzz lock clean
.DEFAULT_GOAL := help

help: ## what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(READY) ## make .venv with everything in it

$(READY): requirements.lock pyproject.toml .ci/setup
	@.ci/setup
	@touch $@

demo: $(READY) ## the whole flow on an embedded broker and sandboxes, in two minutes (ARGS=--keep to look around)
	@$(BIN)/lofty-ghl demo $(ARGS)

test: $(READY) ## in six to eight minutes: all that is fast, the pipeline on the embedded broker, some of it on a real Kafka, the console in Chromium (JOBS=3 files at a time)
	@$(PYTEST) -m "not thorough" $(ARGS)

test-rest: $(READY) ## what `make test` leaves out: the pipeline on a real Kafka, hostile corpora, walks; a real Kafka needs Java and Maven, Docker or KAFKA_BOOTSTRAP_SERVERS
	@$(PYTEST) -m thorough $(ARGS)

test-all: test test-rest ## both

alerts: $(READY) ## docker-compose.yml's demo beside a real Prometheus: every query is asked, every fault raises its alert
	@$(BIN)/pytest -q tests/compose $(ARGS)

compose: $(READY) ## docker-compose.yml's demo without Docker, until Ctrl-C
	@$(BIN)/python -m tests.compose $(ARGS)

docker-check: $(READY) ## in ten minutes: Dockerfile, docker-compose.yml and deploy/live/README.md on a Docker engine; as root on Linux it starts its own
	@$(BIN)/python -m tests.docker $(ARGS)

check: $(READY) ## lint, format, types, import floors: what CI runs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q tests/contract/test_import_floors.py

bench: $(READY) ## the figures of tests/bench/README.md, on a real Kafka
	@$(BIN)/python -m tests.bench $(ARGS)

chaos-short: $(READY) ## kills, freezes, broken brokers and vendors for five minutes, then a judge (ARGS="--seed N")
	@$(BIN)/python -m tests.chaos --kills 40 --minutes 3 $(ARGS)

chaos: $(READY) ## the same with at least 200 kills, in about a quarter of an hour
	@$(BIN)/python -m tests.chaos --kills 200 --minutes 10 --outage 20 --outage 60 $(ARGS)

fuzz: $(READY) ## hostile input at every door for ten minutes, on a real Kafka, and a verdict (ARGS="--seed N --minutes 1")
	@$(BIN)/python -m tests.fuzz $(ARGS)

lock: $(READY) ## resolve the dependencies again
	@python=$$(readlink -f $(BIN)/python) && "$$python" -m venv .cache/lock && .cache/lock/bin/pip install -q uv
	@.cache/lock/bin/uv pip compile -q --universal --python-version 3.11 --extra dev --generate-hashes --no-header \
		--upgrade pyproject.toml -o requirements.lock

clean: ## remove what the other targets made
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
