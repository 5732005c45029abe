# make demo   a portal with a SmartRecruiters simulator and a sample engine; Ctrl-C stops it
# make serve  a portal in earnest: settings from the environment or .env
# make test   the suite, on PostgreSQL too where it is installed
# make crash  the portal under faults, and what became of all it had accepted; ARGS="--seed 7 --long --postgresql"
# make bench  measures pace, throughput, delay, memory and recovery; the report goes to var/bench
# make lint   style, types, imports, dependencies, Django's own checks
# make setup  the virtual environment alone; PYTHON=… names the interpreter
# make lock   the requirements anew from pyproject.toml
# make pictures  the README's pictures anew, by the browser tests
# make messages  the texts anew into templates/locale/*/LC_MESSAGES/django.po (needs gettext); LANGUAGE=fr begins another

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11
BIN := .venv/bin

# $(call install,KIND): the first Python that is new enough sets up .venv.
define install
@for python in $(PYTHON); do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		exec "$$python" config/setup/install.py $(1); \
	fi; \
done; \
echo "make setup: no Python 3.11 or newer among: $(PYTHON). Install it, or name it by PYTHON=…" >&2; \
exit 1
endef

.PHONY: help setup setup-development demo serve test crash bench lint lock pictures messages

help:
	@sed -n 's/^# make/make/p' Makefile

setup:
	$(call install,runtime)

setup-development:
	$(call install,development)

demo: setup
	@exec $(BIN)/python -m config.supervisor demo --end-with-parent

serve: setup
	@exec $(BIN)/python -m config.supervisor serve --end-with-parent

test: setup-development
	@exec .ci/test

crash: setup-development
	@exec $(BIN)/python -m tests.crash $(ARGS)

bench: setup-development
	@exec $(BIN)/python -m tests.bench $(ARGS)

lint: setup-development
	@exec .ci/lint

lock:
	uv pip compile $(LOCK) --no-header pyproject.toml -o requirements.txt
	uv pip compile $(LOCK) --no-header --group dev -c requirements.txt -o requirements-dev.txt

pictures: setup-development
	@PICTURES=1 $(BIN)/python -m pytest -q tests/e2e/test_browser.py::test_redirect_order_answer_and_report

messages: setup
	@$(BIN)/python manage.py makemessages $(if $(LANGUAGE),--locale $(LANGUAGE),--all) --no-location --no-wrap \
		--ignore .venv --ignore var --ignore tests --ignore simulator
	@$(BIN)/python config/setup/translations.py

LOCK = --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url
