# gatewatch: `make demo` is the main job, `make test` passes the tests. Both need only Python 3.11 and this folder.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test lint bench site docs release audit clean

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[analysis,lab,helper]'
	touch $@

$(BIN)/.installed-dev: $(BIN)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[analysis,lab,helper,upload,docs,dev]'
	touch $@

demo: $(BIN)/.installed  ## measure an emulated Cambodia
	$(BIN)/gatewatch demo

test: $(BIN)/.installed-dev  ## run the tests
	$(BIN)/pytest

lint: $(BIN)/.installed-dev  ## what CI checks besides the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin src targets probes analysis
	$(BIN)/mypy --platform win32 src targets probes analysis
	$(BIN)/lint-imports

bench: $(BIN)/.installed-dev  ## quick benchmarks, one after another
	$(BIN)/python -m benchmarks --quick

site: $(BIN)/.installed-dev  ## build the documentation site into build/site
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/site

docs: $(BIN)/.installed-dev  ## write the generated pages anew
	$(BIN)/python -m gatewatch.records.schema > docs/records.md
	$(BIN)/python -m gatewatch_probes.page > docs/probes.md
	$(BIN)/python -m gatewatch.cli.pages > docs/commands.md
	$(BIN)/python docs/tables.py
	$(BIN)/python -m gatewatch.cli.man > docs/gatewatch.1
	$(BIN)/python docs/picture.py

release:  ## sdist and wheel, built twice and compared, with a bill of materials, in dist/
	.ci/release

audit:  ## known vulnerabilities of what would be installed
	.ci/release --audit

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
