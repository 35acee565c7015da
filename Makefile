# Bandmate from a fresh clone: Python 3.11, make and git are all it needs.
#   make song    install, then write and sing one song into out/first-song/
#   make demo    write the ten songs of docs/listen.md into out/demo/
#   make demo-voices  sing a verse by every singer and language into out/demo-voices/, with pictures of the sound
#   make up      the embedded platform on http://127.0.0.1:8000, until Ctrl-C
#   make test    install with what the tests need, then run all of them but those that have a target of their own
#   make unit    the unit tests that start no process and use no network, in under three minutes
#   make coverage  the same, and which lines and branches they do not reach
#   make test-fast MODULE=vocal   the unit tests of one service or room, without workers: tests/unit/vocal
#   make client-test  generate a TypeScript and a Python client from /openapi.json and use them; needs Node
#   make chaos-test  kill every part of a real platform at every stage of its work
#   make walk-test  200 songs of one's own: ingest, train for ten minutes, promote, go on from one, roll back
#   make studio-test  drive the page with a real browser (Debian: apt-get install chromium)
#   make screenshots  photograph the pages of the studio into docs/images/studio/; needs chromium, too
#   make explore the property tests on examples that no run has tried
#   make lint    format, lint, import rules, generated files; needs no torch
#   make types   mypy in strict mode
#   make lint-js  the types of the page's JavaScript, by TypeScript; needs Node
#   make bench   the figures of docs, measured here, into bench-out/
#   make image-all  the image with the embedded platform, for a home server
#   make images  the container images; make stack starts all of them, make stack-down stops them, make stack-test tries them
#   make clean   remove everything that the others made
# With more than Python (below): stack, stack-down, stack-test, images, image-all, image-test (a container engine); synth, cdk-test,
# simulate (Node); glue-test, glue-bench (Java 17); lambda-test; sdk-test (an engine and 700 MB).

SHELL := /bin/bash -euo pipefail
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
# What `make` runs keeps its data inside the clone; the `bandmate` command alone uses ~/.local/share/bandmate.
export BANDMATE_HOME ?= $(CURDIR)/out/home
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Packages are compiled on first import, not when they are installed: without the result every process would start seconds later.
unexport PYTHONDONTWRITEBYTECODE

# Whole files to each worker: the tests of one file may share a platform.
PYTEST_FLAGS ?= -q -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

DISTRIBUTIONS := shared $(addprefix services/,ingest train generate vocal model studio local)
PYPROJECTS := shared/pyproject.toml $(wildcard services/*/pyproject.toml) benchmarks/pyproject.toml
EDITABLE := $(addprefix -e ./,$(DISTRIBUTIONS))

.PHONY: client-test song demo demo-voices up test unit coverage test-fast chaos-test walk-test studio-test screenshots explore lint lint-js types check-generated bench clean install install-lint install-test install-browser
.DELETE_ON_ERROR:

song: install
	$(BIN)/bandmate song --style folk --key D --tempo 96 --bars 8 --seed 7 --lyrics examples/first-song.txt --out out/first-song

demo: install
	$(BIN)/python scripts/demo.py

demo-voices: install-test
	$(BIN)/python -m bandmate_bench.cli.demo_voices --out out/demo-voices

up: install
	$(BIN)/bandmate up

test: install-test
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

unit: install-test
	$(BIN)/python -m pytest $(PYTEST_FLAGS) -r fE --no-processes tests/unit

coverage: install-test
	$(BIN)/python -m pytest $(PYTEST_FLAGS) -r fE --no-processes --cov --cov-report=term:skip-covered tests/unit

test-fast: install-test
	@[ -n "$(MODULE)" ] || { echo "which tests? make test-fast MODULE=vocal, one of: $$(cd tests/unit && ls -d */ | tr -d /)" >&2; exit 2; }
	$(BIN)/python -m pytest -q -n 0 tests/unit/$(MODULE)

client-test: install-test
	$(BIN)/python -m pytest -q -n 0 tests/clients

chaos-test: install-test
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/chaos

walk-test: install-test
	BANDMATE_WALK_SONGS=200 BANDMATE_WALK_MINUTES=10 $(BIN)/python -m pytest -q -n 0 tests/e2e/test_walk.py

studio-test: install-browser
	$(BIN)/python -m pytest -q -p no:xdist tests/studio

screenshots: install-browser
	$(BIN)/python -m tests.studio.screenshots docs/images/studio

explore: install-test
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest $(PYTEST_FLAGS) tests/unit

lint: install-lint check-generated
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: install-test
	$(BIN)/mypy

# TypeScript reads the JSDoc of the page; nothing is compiled. The libraries' types are those of the vendored versions.
JS := $(CURDIR)/.venv-js
lint-js: $(JS)/stamp
	$(JS)/node_modules/.bin/tsc -p services/studio/tsconfig.json

$(JS)/stamp: services/studio/bandmate_studio/web/vendor/vendor.json
	@command -v npm >/dev/null || { echo "make lint-js needs Node with npm (on Debian: apt-get install npm)" >&2; exit 1; }
	@mkdir -p $(JS)
	npm install --prefix $(JS) --no-fund --no-audit --no-save --no-package-lock typescript@5.9.3 $$($(PYTHON) scripts/vendor_js.py --list)
	@touch $@

check-generated: install
	$(BIN)/python -m bandmate_shared.contracts.export --check
	$(BIN)/python scripts/settings_page.py --check
	$(BIN)/python scripts/vendor_js.py --check

bench: install-test
	$(BIN)/python -m bandmate_bench.timing

clean:
	rm -rf $(VENV) $(VENV)-* out bench-out cdk.out

install: $(VENV)/song.stamp
install-lint: $(VENV)/lint.stamp
install-test: $(VENV)/test.stamp
install-browser: $(VENV)/browser.stamp

$(VENV)/song.stamp: constraints.txt $(PYPROJECTS)
	@scripts/install song "$(PYTHON)" "$(VENV)" $(EDITABLE)
	@touch $@

$(VENV)/lint.stamp: requirements-lint.txt $(VENV)/song.stamp
	@scripts/install lint "$(PYTHON)" "$(VENV)" -r requirements-lint.txt
	@touch $@

$(VENV)/test.stamp: requirements-test.txt requirements-lint.txt $(VENV)/song.stamp
	@scripts/install test "$(PYTHON)" "$(VENV)" -r requirements-test.txt
	@touch $@

$(VENV)/browser.stamp: requirements-browser.txt $(VENV)/test.stamp
	@scripts/install test "$(PYTHON)" "$(VENV)" -r requirements-browser.txt
	@touch $@

# Glue: one wheel with the cleaning, and Spark 4.1.1 on this machine in place of Glue 6.0 (Java 17 must be here).
.PHONY: glue-package glue-test glue-bench glue-install
SPARK := $(CURDIR)/.venv-spark

glue-package: install
	rm -rf out/glue && mkdir -p out/glue
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation -w out/glue ./deploy/glue
	$(BIN)/python deploy/glue/modules.py out/glue > out/glue/modules.txt

glue-install: glue-package $(SPARK)/stamp
	$(SPARK)/bin/pip install --quiet --no-deps --force-reinstall out/glue/bandmate_glue-*.whl

glue-bench: glue-install
	PYTHONPATH=benchmarks $(SPARK)/bin/python -m bandmate_bench.timing.glue_spark

glue-test: glue-install
	$(SPARK)/bin/python -m pytest -q -p no:xdist --confcutdir tests/glue tests/glue

$(SPARK)/stamp: deploy/glue/requirements-spark.txt constraints.txt
	"$(PYTHON)" -m venv $(SPARK)
	$(SPARK)/bin/pip install --quiet --progress-bar off --no-compile -c constraints.txt -r deploy/glue/requirements-spark.txt
	@touch $@

# Containers: an engine and its compose command must be here; scripts/engine-ready says whether they are.
.PHONY: images image-all stack stack-down stack-test

images:
	scripts/stack build

image-all:
	scripts/stack build all

stack: images
	scripts/stack up

stack-down:
	scripts/stack down

stack-test: install-test images
	$(BIN)/python -m pytest -q -p no:xdist $(STACK_TEST_FLAGS) tests/stack

# The CDK app (deploy/aws): templates of every size without an account or a container engine, checked by cdk-nag and cfn-lint.
.PHONY: synth cdk-test simulate
CDK := $(CURDIR)/.venv-cdk

synth: $(CDK)/cdk.stamp lambda-package
	rm -rf cdk.out
	JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 $(CDK)/bin/python deploy/aws/synth.py
	$(CDK)/bin/cfn-lint --config-file deploy/aws/cfnlintrc.yaml cdk.out/*/*.template.json

# What the templates have to say: read from cdk.out, compared with the code of the services.
cdk-test: install-test
	@[ -d cdk.out ] || { echo "make cdk-test reads the templates that make synth writes; run that first" >&2; exit 1; }
	$(BIN)/mypy --config-file= --strict --python-executable $(CDK)/bin/python deploy/aws/app.py deploy/aws/synth.py deploy/aws/bandmate_aws
	$(BIN)/mypy --strict deploy/simulate
	$(BIN)/python -m pytest -q tests/aws

# The scaling policies of those templates under load: docs/reference/scaling.md with its plots.
simulate: install-test
	@[ -d cdk.out ] || { echo "make simulate reads the policies out of the templates; run make synth first" >&2; exit 1; }
	$(BIN)/python -m deploy.simulate

$(CDK)/cdk.stamp: deploy/aws/requirements.txt
	@command -v node >/dev/null || { echo "make synth needs Node 20 or newer: it runs the CDK's engine (on Debian: apt-get install nodejs)" >&2; exit 1; }
	$(PYTHON) -m venv $(CDK)
	$(CDK)/bin/pip install --quiet --progress-bar off --no-compile -r deploy/aws/requirements.txt
	@touch $@

# Lambda: one zip with all handlers, and an emulator that really runs them.
.PHONY: lambda-package lambda-test
EMULATOR := $(CURDIR)/.venv-ministack

lambda-package: install
	$(BIN)/python deploy/lambda/package.py out/lambda/bandmate-lambda.zip

lambda-test: install-test lambda-package $(EMULATOR)/stamp
	$(BIN)/python -m pytest -q -p no:xdist tests/lambda

$(EMULATOR)/stamp: deploy/lambda/requirements-ministack.txt
	"$(PYTHON)" -m venv $(EMULATOR)
	$(EMULATOR)/bin/pip install --quiet --progress-bar off --no-compile -r $<
	@touch $@

# The model image as SageMaker starts it, training and serving.
.PHONY: image-test sdk-test
SAGEMAKER_SDK := $(CURDIR)/.venv-sagemaker

image-test: install-test
	$(BIN)/python -m pytest -q -p no:xdist tests/images

# SageMaker's own SDK trains with the image in its local mode: no account, but 700 MB of packages.
sdk-test: install-test $(SAGEMAKER_SDK)/stamp
	$(BIN)/python -m pytest -q -p no:xdist tests/sagemaker_sdk

$(SAGEMAKER_SDK)/stamp: tests/sagemaker_sdk/requirements.txt
	"$(PYTHON)" -m venv $(SAGEMAKER_SDK)
	$(SAGEMAKER_SDK)/bin/pip install --quiet --progress-bar off --no-compile -r $<
	@touch $@
