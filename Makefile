# Works with Python >= 3.11, git and make alone. PYTHON=/path/to/python3.12 takes that interpreter; ARGS go to the command.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-infra test-image test-cloud lint bench chaos tables permissions lock
unexport PYTHONDONTWRITEBYTECODE
MAKEFLAGS += --no-print-directory

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

setup: ## .venv from the locks; the other commands call it
	@GOAL=$(or $(firstword $(MAKECMDGOALS)),setup) bin/setup

demo: setup ## an issue becomes a proved pull request, on this machine
	@.venv/bin/persevere demo $(ARGS)

# All of them on every core, but at most four: each runs processes of its own. Some of them in one process.
side_by_side := -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

test: setup ## the tests; ARGS="tests/unit -k spec" for some
	@.venv/bin/python -m pytest -q $(if $(findstring tests/,$(ARGS)),,$(side_by_side)) $(ARGS)

test-infra: setup ## the AWS stack: synthesised, checked, packaged
	@bin/setup-infra
	@.venv/bin/python -m pytest -q tests/infra $(ARGS)

test-image: setup ## the runner's image, really built (root, buildah)
	@.venv/bin/python -m pytest -q tests/image $(ARGS)

test-cloud: setup ## the AWS stack, deployed to an emulator of AWS
	@bin/emulator && sh bin/setup-infra && npm ci --silent --prefix infra
	@PERSEVERE_TEST_CLOUD=1 .venv/bin/python -m pytest -q --durations=5 tests/cloud $(ARGS)

lint: setup ## ruff, mypy, import rules
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/python -m pytest -q tests/unit/test_import_rules.py

bench: setup ## cold starts, harness overhead a step, prompt size
	@.venv/bin/python -m bench $(ARGS)

chaos: setup ## the demo while machines are killed; ARGS="--kills 10"
	@.venv/bin/python -m local.demo.chaos $(ARGS)

tables: setup ## README's tables of commands and states, from the code
	@.venv/bin/python bin/tables

permissions: setup ## docs/permissions.md and docs/cost.md, from the AWS stack
	@bin/setup-infra
	@.venv/bin/python bin/aws-pages

lock: setup ## resolve the dependencies again; ARGS=--upgrade
	@bin/lock $(ARGS)
