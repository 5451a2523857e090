# make dev, make test: any Python from 3.11, make, and nothing else. Everything lands in .venv.
PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
export PYTHONPATH = layers/checkout:.

.PHONY: dev test test-all lint browser sam-validate deploy clean

dev: $(VENV)/.dev
	@$(BIN)/python -m devstack

test: $(VENV)/.test lint
	$(BIN)/pytest -m "not dynoxide and not browser"

# Adds the engine that threads can race on, a real browser, and SAM's own view of the template.
test-all: $(VENV)/.test lint browser sam-validate
	ENGINES=moto,dynoxide $(BIN)/pytest

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy layers/checkout/checkout devstack

browser:
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium; }

sam-validate: .venv-sam/.done
	AWS_DEFAULT_REGION=eu-west-1 SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam validate --lint

STAGE ?= dev
deploy: .venv-sam/.done
	.venv-sam/bin/sam build --config-env $(STAGE)
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
