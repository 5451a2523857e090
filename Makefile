# `make help` lists the targets. make dev and make test need Python 3.11 or newer and make, and install
# into .venv.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
# One more worker than CPUs, because some tests wait for sockets and processes.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
export PYTHONPATH = layers/checkout:.

.PHONY: help dev demo listen client-tools test test-all lint checkov browser firefox sam-validate clean
.PHONY: build deploy preflight smoke bench-cold bench-warm bench-webhooks bench-devstack bench-scale screenshots lighthouse
.PHONY: test-sam-local sam-local-tests invoke sam-local-invoke sam-local-env sam-local-open openapi openapi-lint

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {print "\n" substr($$0, 5)} \
		/^[a-z][a-z -]*:.*## / {printf "  %-22s %s\n", $$1, $$2}' Makefile

##@ Run

dev: $(VENV)/.dev ## run the service on http://127.0.0.1:3000 (ENGINE, PORT, DATA, FRESH=1, SEED=shop.yaml)
	@$(BIN)/python -m devstack

demo: $(VENV)/.dev ## run the service in memory, and a shop for each dialect (RAILS=fake)
	@$(BIN)/python -m shop

listen: $(VENV)/.dev ## print the webhooks of a running make dev, verified (HOOKS_PORT=4000)
	@$(BIN)/python -m shop.listen

openapi: $(VENV)/.dev ## write the OpenAPI documents anew (docs/openapi)
	@$(BIN)/python -m devstack.openapi

# Pinned. Its package has no dependencies.
openapi-lint: ## check the OpenAPI documents with Redocly (npm)
	@npm exec --yes -- @redocly/cli@2.77.0 lint --config docs/openapi/redocly.yaml --max-problems 20 \
		docs/openapi/paygate.json docs/openapi/payrex.json

##@ Check

test: $(VENV)/.test lint ## run the linters, and the tests that need Python alone
	$(BIN)/pytest -n $(WORKERS) --dist loadscope -m "not dynoxide and not browser and not artifact and not crash and not fuzz and not clients and not sam_local"

# Adds dynoxide, on which the tests of the table run again and threads can race, hostile requests to every route, a
# real browser, the clients in Node and PHP, SAM's and checkov's checks of the template, and the built functions in
# Lambda's container.
test-all: test browser firefox client-tools sam-validate checkov openapi-lint .aws-sam/local/.done ## run every test
	ENGINES=dynoxide HYPOTHESIS_PROFILE=long $(BIN)/pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder --durations=25 -m "not sam_local"
	$(MAKE) test-sam-local

lint: $(VENV)/.test ## check style, types and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

sam-validate: .venv-sam/.done ## check the templates with SAM's linter
	AWS_DEFAULT_REGION=eu-west-1 SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam validate --lint
	.venv-sam/bin/cfn-lint --regions us-east-1 -- edge/web_acl.yaml

checkov: .venv-checkov/.done ## check template.yaml with checkov; .checkov.yaml says what is skipped, and why
	@.venv-checkov/bin/checkov --config-file .checkov.yaml

browser: ## install Chromium if it is missing (apt)
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; }

firefox: ## install Firefox if it is missing (apt)
	@command -v firefox-esr >/dev/null || { apt-get update -qq && apt-get install -y -qq firefox-esr; }

client-tools: clients/node/node_modules/.done examples/node-shop/node_modules/.done ## install PHP and Composer if they are missing (apt), and npm packages
	@{ php -m | grep -q '^curl$$' && command -v composer; } >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq php-cli php-curl composer; }

screenshots: $(VENV)/.test browser ## take pictures of the page in every state (SCENES="open-card left")
	@$(BIN)/python -m scripts.screenshots $(SCENES)

lighthouse: $(VENV)/.test browser ## measure the open page with Lighthouse (npm)
	@$(BIN)/python -m scripts.lighthouse

##@ Measure

bench-cold bench-warm: bench-%: $(VENV)/.dev .aws-sam/local/.done ## time starts and calls (RUNS=15 FUNCTIONS="ShowPage")
	@$(BIN)/python -m benchmarks.$* $(FUNCTIONS)

bench-webhooks: $(VENV)/.dev ## time webhooks while other endpoints hang (EVENTS=60 RATE=2 ROUNDS=3)
	@$(BIN)/python -m benchmarks.webhooks

bench-devstack: $(VENV)/.dev ## time devstack with few and with many sessions (SESSIONS=50000 ROUNDS=7)
	@$(BIN)/python -m benchmarks.devstack

bench-scale: $(VENV)/.test ## compute and simulate how far a stack scales; docs/scale.md (PARTS="model timers throttling due")
	@$(BIN)/python -m benchmarks.scale $(PARTS)

##@ Deploy

# ARCH is the stack's parameter Architecture. Needs Python 3.13, and no Docker.
ARCH ?= arm64
BUILD_DIR ?= .aws-sam/build
build: .venv-sam/.done ## build what is deployed (ARCH=x86_64)
	@build_tools/python313 >/dev/null
	@env -u PYTHONPATH ARCH=$(ARCH) AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam build \
		--build-dir $(BUILD_DIR) --parameter-overrides Architecture=$(ARCH)

# PARAMETERS are further parameters of the stack, for example PARAMETERS="AlarmEmail=ops@example.com".
STAGE ?= dev
STACK_PARAMETERS = $(shell sed -n 's/^parameter_overrides = "\(Stage=$(STAGE) .*\)"/\1/p' samconfig.toml) \
	Architecture=$(ARCH) $(PARAMETERS)
# A digest of the sources and parameters: when it changes, all functions get new versions.
BUILD_ID = $(shell { echo $(STACK_PARAMETERS); find template.yaml functions layers build_tools -type f \
	-not -path '*/__pycache__/*' | LC_ALL=C sort | xargs cat; } | sha256sum | cut -d' ' -f1)
deploy: build ## deploy to AWS (STAGE=staging ARCH=x86_64 PARAMETERS="AlarmEmail=…")
	.venv-sam/bin/sam deploy --config-env $(STAGE) $(DEPLOY_OPTIONS) --parameter-overrides $(STACK_PARAMETERS) BuildId=$(BUILD_ID)

preflight: $(VENV)/.dev ## check account, quotas and domain before a deployment (STAGE=prod ACCOUNT=…)
	@$(BIN)/python scripts/preflight.py $(STACK_PARAMETERS)

smoke: $(VENV)/.dev ## create, pay, hear of it, expire at a running stack (URL=https://… KEY=sk_test_…)
	@$(BIN)/python scripts/smoke.py "$(URL)" "$(KEY)"

##@ Run in Lambda's container

test-sam-local: .venv-sam/.done ## invoke every function; skipped without Docker (CI=true installs it)
	@scripts/with-docker --or-skip $(MAKE) --no-print-directory sam-local-tests

sam-local-tests: $(VENV)/.test .aws-sam/local/.done ## like test-sam-local, with Docker already running
	$(BIN)/pytest -m sam_local tests/sam_local

# Without prerequisites, so that a wrong call is answered before anything is installed.
invoke: ## invoke one function (FUNCTION=ShowPage EVENT=events/show_page.json)
	@test -n "$(FUNCTION)" -a -f "$(EVENT)" || { echo "make invoke FUNCTION=<one of template.yaml> EVENT=events/<its sample>.json"; exit 2; }
	@$(MAKE) --no-print-directory .venv-sam/.done
	@scripts/with-docker $(MAKE) --no-print-directory sam-local-invoke

sam-local-invoke: $(VENV)/.dev .aws-sam/local/.done ## like invoke, with Docker already running
	@$(BIN)/python -m devstack.cli.sam_local "$(FUNCTION)" "$(EVENT)"

sam-local-env: .venv-sam/.done ## open a table with samples for plain `sam local invoke` commands
	@scripts/with-docker $(MAKE) --no-print-directory sam-local-open

sam-local-open: $(VENV)/.dev .aws-sam/local/.done ## like sam-local-env, with Docker already running
	@$(BIN)/python -m devstack.cli.sam_local

# Built for this machine's CPU, and again if a source is newer.
LOCAL_ARCH = $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)
.aws-sam/local/.done: .venv-sam/.done template.yaml $(shell find functions layers build_tools -type f -not -path '*/__pycache__/*')
	@echo "building for sam local" >&2
	@mkdir -p .aws-sam
	@$(MAKE) build ARCH=$(LOCAL_ARCH) BUILD_DIR=.aws-sam/local > .aws-sam/local.log 2>&1 || { cat .aws-sam/local.log >&2; exit 1; }
	@touch $@

# ---------------------------------------------------------------- files that targets need

$(VENV)/.dev: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.x"; exit 1; }
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "installing what devstack needs (once)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.test: $(VENV)/.dev requirements/test.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/test.txt
	@touch $@

%/node_modules/.done: %/package-lock.json
	@npm --version >/dev/null || { echo "Node 20 or newer and npm are needed"; exit 1; }
	@cd $* && npm ci --silent
	@touch $@

# A separate environment, because aws-sam-cli pins another boto3. The file lists all that it needs.
.venv-sam/.done: requirements/sam.txt
	@test -d .venv-sam || $(PYTHON) -m venv .venv-sam
	@.venv-sam/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r requirements/sam.txt
	@touch $@

# The same for checkov.
.venv-checkov/.done: requirements/checkov.txt
	@test -d .venv-checkov || $(PYTHON) -m venv .venv-checkov
	@.venv-checkov/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/checkov.txt
	@touch $@

##@ Clean up

clean: ## remove everything that was installed or built
	rm -rf $(VENV) .venv-sam .venv-checkov .data .tools .aws-sam clients/node/node_modules examples/node-shop/node_modules
