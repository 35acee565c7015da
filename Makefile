# Bandmate from a fresh clone: Python 3.11, make and git are all it needs.
#   make song    install, then write and sing one song into out/first-song/
#   make up      the embedded platform on http://127.0.0.1:8000, until Ctrl-C
#   make test    install with what the tests need, then run all of them but those that have a target of their own
#   make chaos-test  kill every part of a real platform at every stage of its work
#   make explore the property tests on examples that no run has tried
#   make lint    format, lint, types, import rules, generated files
#   make bench   the figures of docs, measured here, into bench-out/
#   make images  the container images; make stack starts all of them, make stack-down stops them, make stack-test tries them
#   make clean   remove everything that the others made
# With more than Python (below): stack, stack-down, stack-test, images, image-test (a container engine); synth, cdk-test,
# simulate (Node); glue-test, glue-bench (Java 17); lambda-test; sdk-test (an engine and 700 MB).

SHELL := /bin/bash -euo pipefail
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
# What `make` runs keeps its data inside the clone; the `bandmate` command alone uses ~/.local/share/bandmate.
export BANDMATE_HOME ?= $(CURDIR)/out/home
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Whole files to each worker: the tests of one file may share a platform.
PYTEST_FLAGS ?= -q -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

DISTRIBUTIONS := shared $(addprefix services/,ingest train generate vocal[espeak] model local)
PYPROJECTS := shared/pyproject.toml $(wildcard services/*/pyproject.toml)
EDITABLE := $(addprefix -e ./,$(DISTRIBUTIONS))

.PHONY: song up test chaos-test explore lint check-generated bench clean install install-test
.DELETE_ON_ERROR:

song: install
	$(BIN)/bandmate song --style folk --key D --tempo 96 --bars 8 --seed 7 --lyrics examples/first-song.txt --out out/first-song

up: install
	$(BIN)/bandmate up

test: install-test
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

chaos-test: install-test
	$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/chaos

explore: install-test
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest $(PYTEST_FLAGS) tests/unit

lint: install-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

check-generated: install-test
	$(BIN)/python -m bandmate_shared.contracts.export --check
	$(BIN)/python scripts/settings_page.py --check

bench: install-test
	$(BIN)/python -m tests.bench

clean:
	rm -rf $(VENV) $(VENV)-* out bench-out cdk.out

install: $(VENV)/song.stamp
install-test: $(VENV)/test.stamp

$(VENV)/song.stamp: constraints.txt $(PYPROJECTS)
	@scripts/install song "$(PYTHON)" "$(VENV)" $(EDITABLE)
	@touch $@

$(VENV)/test.stamp: requirements-test.txt $(VENV)/song.stamp
	@scripts/install test "$(PYTHON)" "$(VENV)" -r requirements-test.txt
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
	$(SPARK)/bin/python -m tests.bench.bench_glue

glue-test: glue-install
	$(SPARK)/bin/python -m pytest -q -p no:xdist --confcutdir tests/glue tests/glue

$(SPARK)/stamp: deploy/glue/requirements-spark.txt constraints.txt
	"$(PYTHON)" -m venv $(SPARK)
	$(SPARK)/bin/pip install --quiet --progress-bar off --no-compile -c constraints.txt -r deploy/glue/requirements-spark.txt
	@touch $@

# Containers: an engine and its compose command must be here; scripts/engine-ready says whether they are.
.PHONY: images stack stack-down stack-test

images:
	scripts/stack build

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
