# make demo   a portal with a SmartRecruiters simulator and a sample engine; Ctrl-C stops it
# make serve  the portal: settings from the environment or .env
# make test   the suite, on PostgreSQL too where it is installed
# make crash  the portal under faults: is any accepted order or result lost? ARGS="--seed 7 --long --postgresql"
# make bench  measures request rate, throughput, delay, memory and recovery; the report goes to var/bench
# make lint   style, types, imports, dependencies, Django's own checks
# make setup  only the virtual environment and the translations; PYTHON=… names the interpreter
# make lock   regenerate the requirements, and the bill of materials, from pyproject.toml (needs uv)
# make pictures  regenerate the README's pictures with the browser tests
# make messages  extract texts into templates/locale/*/LC_MESSAGES/django.po (needs gettext); LANGUAGE=fr starts a new language

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11
BIN := .venv/bin

TRANSLATIONS := $(patsubst %.po,%.mo,$(wildcard templates/locale/*/LC_MESSAGES/django.po))

# The stamps say which requirements .venv holds. Without any, as after an interrupted installation, or with a Python that
# is gone, .venv is created anew: pip takes packages that are half there for installed ones.
ifeq ($(shell $(BIN)/python -I -c 'import pip; print("usable")' 2>/dev/null),)
$(shell rm -f .venv/installed-*)
endif

# $(call install,KIND,FILES,STAMPS): install the locked FILES, with the first Python of $(PYTHON) that is new enough.
define install
@set -e; if ! ls .venv/installed-* >/dev/null 2>&1; then \
	for python in $(PYTHON) none; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	done; \
	if [ "$$python" = none ]; then \
		echo "make setup: no Python 3.11 or newer among: $(PYTHON). Install it, or name it by PYTHON=…" >&2; exit 1; \
	fi; \
	rm -rf .venv && "$$python" -I -m venv .venv || { \
		echo "make setup: $$python could not create .venv: see above (Debian: apt-get install python3-venv)" >&2; exit 1; }; \
fi; \
echo "Installing the locked $(1) requirements into .venv …"; \
rm -f .venv/installed-*; \
PIP_USER=0 $(BIN)/python -I -m pip --disable-pip-version-check --no-input -qq install --require-hashes \
	--root-user-action=ignore --no-warn-script-location $(addprefix -r ,$(2)) || { \
		echo "make setup: pip could not install the requirements: see above" >&2; exit 1; }; \
touch $(3)
endef

.NOTPARALLEL:
.PHONY: help setup setup-development demo serve test crash bench lint lock pictures messages

help:
	@sed -n 's/^# make/make/p' Makefile

setup: .venv/installed-runtime $(TRANSLATIONS)
	@:

setup-development: .venv/installed-development $(TRANSLATIONS)
	@:

.venv/installed-runtime: requirements.txt
	$(call install,runtime,$^,$@)

.venv/installed-development: requirements.txt requirements-dev.txt
	$(call install,development,$^,.venv/installed-runtime $@)

# Fuzzy and empty translations are left out. Put in place whole: a portal may be starting.
%.mo: %.po
	@$(BIN)/python -I -c 'import polib, sys; polib.pofile(sys.argv[1]).save_as_mofile(sys.argv[2])' $< $@.new && mv $@.new $@

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
	@$(MAKE) setup-development
	$(BIN)/python .ci/sbom.py

pictures: setup-development
	@PICTURES=1 $(BIN)/python -m pytest -q tests/e2e/test_browser.py::test_redirect_order_answer_and_report

messages: setup
	@$(BIN)/python manage.py makemessages $(if $(LANGUAGE),--locale $(LANGUAGE),--all) --no-location --no-wrap \
		--ignore .venv --ignore var --ignore tests --ignore simulator
	@$(MAKE) setup

LOCK = --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url
