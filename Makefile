PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: demo
demo: .venv/runtime ## Install into .venv, then load, build and export the sample extract
	@$(BIN)/exhaust demo

.PHONY: serve
serve: demo.duckdb ## Serve the pages on the demo's warehouse, signed in as the creator of its courses
	@mkdir -p target/serve
	@cp profiles.example.yml target/serve/profiles.yml
	@EXHAUST_DUCKDB_PATH=demo.duckdb EXHAUST_PROFILES_DIR=target/serve EXHAUST_TARGET=duckdb \
		$(BIN)/exhaust serve --as 90e616e7-8a79-52d7-99e9-3aaf5457b015

demo.duckdb: .venv/runtime
	@$(BIN)/exhaust demo

.PHONY: test
test: check ## Check format, lint and types, and run the tests on DuckDB and Postgres
	$(BIN)/pytest -m "not spark and not office and not browser and not install"

.PHONY: test-spark
test-spark: .venv/dev ## Run the tests that need Spark (needs Java 17)
	$(BIN)/pytest -m "spark and not install"

.PHONY: test-office
test-office: .venv/dev ## Run the tests that need LibreOffice (installed with apt-get for root)
	@command -v soffice > /dev/null || [ "$$(id -u)" != 0 ] || { \
		apt-get update -qq && apt-get install -qq -y --no-install-recommends libreoffice-calc; }
	$(BIN)/pytest -m "office and not spark and not install"

.PHONY: test-browser
test-browser: .venv/dev chromium ## Run the tests of the pages in Chromium (installed with apt-get for root)
	$(BIN)/pytest -m "browser and not spark"

.PHONY: chromium
chromium:
	@command -v chromium > /dev/null || [ "$$(id -u)" != 0 ] || { \
		apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium fonts-noto-core; }

.PHONY: screenshots
screenshots: .venv/dev chromium ## Write the pictures of docs/page.md
	PYTHONPATH=runner/tests $(BIN)/python docs/screenshots.py

.PHONY: test-install
test-install: dist ## Test the wheel in a fresh environment, and the package in another dbt project
	@rm -rf target/wheel
	@$(PYTHON) -m venv target/wheel
	@target/wheel/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	EXHAUST_WHEEL_ENVIRONMENT=target/wheel $(BIN)/pytest -m "install and not spark"

.PHONY: test-all
test-all: test test-spark test-office test-browser test-install ## Run all tests

.PHONY: dist
dist: .venv/dev ## Build the sdist and the wheel into dist/, and check them
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist .
	@$(BIN)/twine check --strict dist/*

.PHONY: soak
soak: .venv/dev ## Kill a hundred workers at random, and check that no request is lost
	EXHAUST_KILLS=100 $(BIN)/pytest runner/tests/requests/test_killed_workers.py

.PHONY: stress
stress: .venv/dev ## Run and kill commands, and check every file (ROUNDS=20 KILLS=150 TERMS=40)
	EXHAUST_ROUNDS=$(or $(ROUNDS),20) EXHAUST_EXPORTS=10 \
	EXHAUST_SIGKILLS=$(or $(KILLS),150) EXHAUST_SIGTERMS=$(or $(TERMS),40) \
	EXHAUST_PEOPLE=50 EXHAUST_SERVER_KILLS=20 $(BIN)/pytest -s -m "not spark" runner/tests/stress

.PHONY: fuzz
fuzz: .venv/dev ## Test with 1,000 damaged and odd extracts (FUZZ="--seed 1 --cases 10")
	PYTHONPATH=runner/tests $(BIN)/python -m fuzz $(FUZZ)

.PHONY: check
check: .venv/dev ## Check format, lint, types and the units in deploy
	$(BIN)/sqlfmt --check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	deploy/verify

.PHONY: format
format: .venv/dev ## Format SQL and Python
	$(BIN)/sqlfmt --quiet .
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

.PHONY: bench
bench: .venv/dev ## Measure at full size, and write the tables of bench/README.md
	$(BIN)/python -m bench.run
	$(BIN)/python -m bench.report

.PHONY: docs
docs: .venv/dev ## Write docs/cli.md from the help of the commands
	$(BIN)/python docs/cli.py > docs/cli.md

.PHONY: messages
messages: .venv/dev ## Find the texts of the pages, and add new ones to the catalogues of each language
	cd runner/exhaust && ../../$(BIN)/pybabel -q extract -F web/locale/babel.cfg -k Message \
		--no-location --sort-output --omit-header -o web/locale/messages.pot .
	cd runner/exhaust && ../../$(BIN)/pybabel -q update -i web/locale/messages.pot -d web/locale \
		--no-fuzzy-matching --ignore-pot-creation-date

.PHONY: clean
clean: ## Remove .venv, dist, target, logs and the demo's warehouse
	rm -rf .venv dist target logs demo.duckdb demo.duckdb.wal

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "exhaust needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/runtime: .venv/python pyproject.toml constraints.txt
	@echo "Installing into .venv (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[web]'
	@touch $@

.venv/dev: .venv/runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench,spark,web]'
	@touch $@
