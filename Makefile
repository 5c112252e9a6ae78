# The two commands to begin with: `make demo` and `make test`. `make help` lists the others.
# All targets work in .venv. It is made from requirements.lock, and made again only if that file or pyproject.toml changes.

BIN := .venv/bin
READY := .venv/.ready
ARGS ?=
JOBS ?= 3

# The two parts of the tests differ only in their marker, so together they are all tests: tests/harness/test_parts.py checks this.
PYTEST := $(BIN)/pytest -q -n $(JOBS) --dist loadfile --durations=10 --ignore=tests/compose

.PHONY: help setup demo test test-rest test-all alerts demo-hour compose docker-check check bench chaos-short chaos fuzz lock clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(READY) ## make .venv with all dependencies

$(READY): requirements.lock pyproject.toml .ci/setup
	@.ci/setup
	@touch $@

demo: $(READY) ## run the whole pipeline on an embedded broker and sandboxes, in half a minute (ARGS=--keep to keep it running)
	@$(BIN)/lofty-ghl demo $(ARGS)

test: $(READY) ## about eighteen minutes: fast tests, the pipeline on the embedded broker, part of it on a real Kafka, the console in Chromium (JOBS=3 files at a time)
	@$(PYTEST) -m "not thorough" $(ARGS)

test-rest: $(READY) ## the tests that `make test` leaves out: the pipeline on a real Kafka (needs Java and Maven, Docker or KAFKA_BOOTSTRAP_SERVERS), hostile input, walks
	@$(PYTEST) -m thorough $(ARGS)

test-all: test test-rest ## make test and make test-rest

alerts: $(READY) ## run docker-compose.yml's demo beside a real Prometheus: ask every query, check that every fault raises its alert
	@$(BIN)/pytest -q tests/compose $(ARGS)

demo-hour: $(READY) ## an hour: docker-compose.yml's demo without Docker; no connection may pause, fall silent or alert (ARGS="--minutes 10")
	@$(BIN)/python -m tests.compose.hour $(ARGS)

compose: $(READY) ## run docker-compose.yml's demo without Docker, until Ctrl-C
	@$(BIN)/python -m tests.compose $(ARGS)

docker-check: $(READY) ## ten minutes: check Dockerfile, docker-compose.yml and deploy/live/README.md on a Docker engine; as root on Linux it starts its own
	@$(BIN)/python -m tests.docker $(ARGS)

check: $(READY) ## lint, format, types, import floors, words: what CI runs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q tests/contract/test_import_floors.py tests/contract/test_words.py

bench: $(READY) ## measure the figures of tests/bench/README.md, on a real Kafka
	@$(BIN)/python -m tests.bench $(ARGS)

chaos-short: $(READY) ## five minutes of kills, freezes, broken brokers and vendors, then a check (ARGS="--seed N")
	@$(BIN)/python -m tests.chaos --kills 40 --minutes 3 $(ARGS)

chaos: $(READY) ## the same with at least 200 kills, in about 15 minutes
	@$(BIN)/python -m tests.chaos --kills 200 --minutes 10 --outage 20 --outage 60 $(ARGS)

fuzz: $(READY) ## ten minutes of hostile input at every entry point, on a real Kafka (ARGS="--seed N --minutes 1")
	@$(BIN)/python -m tests.fuzz $(ARGS)

lock: $(READY) ## resolve the dependencies again
	@python=$$(readlink -f $(BIN)/python) && "$$python" -m venv .cache/lock && .cache/lock/bin/pip install -q uv
	@.cache/lock/bin/uv pip compile -q --universal --python-version 3.11 --extra dev --generate-hashes --no-header \
		--upgrade pyproject.toml -o requirements.lock

clean: ## delete what the other targets made
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
