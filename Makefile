# make dev, make test: any Python from 3.11, make, and nothing else. Everything lands in .venv.
PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
export PYTHONPATH = layers/checkout:.

.PHONY: dev demo test test-all lint browser sam-validate deploy clean
.PHONY: build bench-cold bench-warm bench-webhooks screenshots
.PHONY: test-sam-local sam-local-tests invoke sam-local-invoke

dev: $(VENV)/.dev
	@$(BIN)/python -m devstack

demo: $(VENV)/.dev
	@$(BIN)/python -m shop

test: $(VENV)/.test lint
	$(BIN)/pytest -m "not dynoxide and not browser and not artifact and not crash and not sam_local"

# Adds the engine that threads can race on, a real browser, SAM's own view of the template, and
# what was built in Lambda's container.
test-all: $(VENV)/.test lint browser sam-validate .aws-sam/local/.done
	ENGINES=moto,dynoxide $(BIN)/pytest -m "not sam_local"
	$(MAKE) test-sam-local

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy layers/checkout/checkout devstack functions shop

browser:
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; }

sam-validate: .venv-sam/.done
	AWS_DEFAULT_REGION=eu-west-1 SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam validate --lint

# ---------------------------------------------------------------- what is deployed
# make build ARCH=x86_64, where the stack's Architecture is that. No Docker; a Python 3.13.
ARCH ?= arm64
BUILD_DIR ?= .aws-sam/build
build: .venv-sam/.done
	@build_tools/python313 >/dev/null
	@env -u PYTHONPATH ARCH=$(ARCH) AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam build \
		--build-dir $(BUILD_DIR) --parameter-overrides Architecture=$(ARCH)

# Of the hosted page in every state; SCENES="open-card left" by choice.
screenshots: $(VENV)/.test browser
	@$(BIN)/python -m scripts.screenshots $(SCENES)

# Each prints a table. RUNS=15 and FUNCTIONS="ShowPage PayPage" by choice.
bench-cold bench-warm: bench-%: $(VENV)/.dev .aws-sam/local/.done
	@$(BIN)/python -m benchmarks.$* $(FUNCTIONS)

# Ten endpoints, five of them hanging: do the others notice? EVENTS=60 RATE=2 ROUNDS=3 by choice.
bench-webhooks: $(VENV)/.dev
	@$(BIN)/python -m benchmarks.webhooks

# ---------------------------------------------------------------- in Lambda's container
# Skipped without Docker; CI=true installs it.
test-sam-local: .venv-sam/.done
	@scripts/with-docker --or-skip $(MAKE) --no-print-directory sam-local-tests

sam-local-tests: $(VENV)/.test .aws-sam/local/.done
	$(BIN)/pytest -m sam_local tests/sam_local

# make invoke FUNCTION=ShowPage EVENT=events/show_page.json
invoke: .venv-sam/.done
	@test -n "$(FUNCTION)" -a -f "$(EVENT)" || { echo "make invoke FUNCTION=<one of template.yaml> EVENT=events/<its sample>.json"; exit 2; }
	@scripts/with-docker $(MAKE) --no-print-directory sam-local-invoke

sam-local-invoke: $(VENV)/.dev .aws-sam/local/.done
	@$(BIN)/python -m devstack.cli.sam_local "$(FUNCTION)" "$(EVENT)"

# For this machine's processor, whatever is deployed; again whenever a source is newer.
LOCAL_ARCH = $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
.aws-sam/local/.done: .venv-sam/.done template.yaml $(shell find functions layers build_tools -type f -not -name '*.pyc')
	@echo "building for sam local" >&2
	@mkdir -p .aws-sam
	@$(MAKE) build ARCH=$(LOCAL_ARCH) BUILD_DIR=.aws-sam/local > .aws-sam/local.log 2>&1 || { cat .aws-sam/local.log >&2; exit 1; }
	@touch $@

STAGE ?= dev
deploy: build
	.venv-sam/bin/sam deploy --config-env $(STAGE)

$(VENV)/.dev: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.x"; exit 1; }
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "installing what devstack needs (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.test: $(VENV)/.dev requirements/test.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@

# An environment of its own: aws-sam-cli pins another boto3. The file lists everything it needs.
.venv-sam/.done: requirements/sam.txt
	@test -d .venv-sam || $(PYTHON) -m venv .venv-sam
	@.venv-sam/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/sam.txt
	@touch $@

clean:
	rm -rf $(VENV) .venv-sam .data .tools .aws-sam
