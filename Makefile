# Every target installs what it needs first. `make run` and `make test` work from a fresh clone.
BIN := .venv/bin
LOCALES := $(wildcard src/onedoor/*/locale)
.DEFAULT_GOAL := help
.PHONY: help install install-dev run story test check fix reference bench soak clean pin texts

help: ## say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

install: .venv/.run texts

install-dev: .venv/.dev texts

.venv/.run: requirements/build.txt requirements/run.txt pyproject.toml
	@bin/install run

.venv/.dev: requirements/build.txt requirements/dev.txt pyproject.toml
	@bin/install dev

texts:
	@for locale in $(LOCALES); do $(BIN)/pybabel -q compile -D django -d $$locale || exit 1; done

run: install ## start a whole nation, play a birth, stay up at http://localhost:8000
	@$(BIN)/onedoor story --var var/nation --port 8000 --stay

story: install ## play a birth on ports of its own; ends 0 only if every result is good
	@$(BIN)/onedoor story

test: check ## every check, then every test but the long ones
	@$(BIN)/python -m tests.lanes; found=$$?; $(BIN)/python -m onedoor.site.testing; exit $$found

check: install-dev ## look for faults without running anything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --lint --quiet src
	$(BIN)/lint-imports
	$(BIN)/mypy -p onedoor -p bench
	for nation in nations/*/nation.yaml; do $(BIN)/onedoor nation check $${nation%/*} || exit 1; done
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir var/site-docs

fix: install-dev ## put right what can be put right by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

reference: install-dev ## write the reference pages and the picture of the architecture from the code
	@$(BIN)/python -m tests.reference

bench: install-dev ## print the ratios that speed and memory are held to
	@$(BIN)/python -m bench

soak: install-dev ## run the long counts
	@$(BIN)/pytest -m soak

pin: install-dev ## take new versions of everything, with hashes
	@for name in build run dev; do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header requirements/$$name.in -o requirements/$$name.txt || exit 1; done

clean: ## stop the test database, remove everything that was made
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m onedoor.site.testing || true; fi
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis src/*.egg-info
	find src nations bench tests -name __pycache__ -prune -exec rm -rf {} + -o -name '*.mo' -delete
