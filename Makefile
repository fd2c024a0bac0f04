# `make` lists what there is. Each target sets up what it needs, in .venv, once.

VENV := .venv
BIN := $(VENV)/bin
# PyTorch and the other peers stay out of .venv.
BENCH_VENV := .venv-bench
BENCH_BIN := $(BENCH_VENV)/bin
# Which Python makes .venv; by default the first below that works.
PYTHON ?=
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)
# Test processes, and further arguments for pytest: make test ARGS="tests/test_config.py"
WORKERS ?= 2
ARGS ?=

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	--constraint constraints.txt --editable
METADATA := setup.py pyproject.toml constraints.txt tf_edgeconnect/version.py
# One thread a process, and no question to the network about the machine it runs on.
TEST_ENV := TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1 \
	NO_GCE_CHECK=true

.DEFAULT_GOAL := help
.PHONY: help demo test lint notebooks docs bench clean
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z]*\): .*## /  make \1\t/p' Makefile

demo: $(VENV)/plain.stamp ## fill six damaged photos, then train a small network
	$(BIN)/tf-edgeconnect demo

# Files in their order: those of tests/trainers last but for the notebooks, whose short
# runs let all processes end together.
test: $(VENV)/dev.stamp ## run the tests
	$(TEST_ENV) $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile \
		--no-loadscope-reorder $(ARGS)

lint: $(VENV)/dev.stamp ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

notebooks: $(VENV)/dev.stamp ## run the notebooks and store their output
	$(TEST_ENV) $(BIN)/python notebooks/execute.py $(ARGS)

# The variable silences an advertisement; nothing here uses the network.
docs: $(VENV)/docs.stamp ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html; with search: $(BIN)/mkdocs serve"

bench: $(VENV)/bench.stamp ## compare speed with PyTorch, ONNX Runtime and OpenVINO (20 minutes)
	$(BENCH_BIN)/python benchmarks/write_results.py $(ARGS)

clean: ## remove .venv, builds and caches; runs/ stays
	rm -rf $(VENV) $(BENCH_VENV) build dist site *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/plain.stamp: $(VENV)/made.stamp $(METADATA)
	@echo "Installing tf_edgeconnect into $(VENV): this takes a few minutes"
	@$(PIP_INSTALL) .
	@$(check_opencv)
	@touch $@

$(VENV)/dev.stamp: $(VENV)/made.stamp $(METADATA)
	@echo "Installing tf_edgeconnect[dev] into $(VENV): this takes a few minutes"
	@$(PIP_INSTALL) ".[dev]"
	@$(check_opencv)
	@touch $(VENV)/plain.stamp $@

$(VENV)/docs.stamp: $(VENV)/made.stamp $(METADATA)
	@echo "Installing tf_edgeconnect[docs] into $(VENV): this takes a few minutes"
	@$(PIP_INSTALL) ".[docs]"
	@touch $@

$(VENV)/bench.stamp: $(VENV)/made.stamp $(METADATA) benchmarks/requirements.txt
	@$(BIN)/python -m venv --clear $(BENCH_VENV)
	@$(BENCH_BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --requirement benchmarks/requirements.txt \
		--editable ".[tflite]"
	@touch $@

# Each candidate is run, not just looked up: a pyenv shim can be on the path and fail.
$(VENV)/made.stamp:
	@found=; for python in $(PYTHONS); do \
		if "$$python" -c "$$is_right" 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "error: needs Python 3.11, 3.12 or 3.13 with its venv module; none of" \
			"these is one: $(PYTHONS). Name one: make PYTHON=/path/to/python" >&2; \
		exit 2; \
	fi; \
	"$$found" -m venv --clear $(VENV)
	@touch $@

define is_right
import sys, venv, ensurepip
sys.exit(not (3, 11) <= sys.version_info < (3, 14))
endef
export is_right

define check_opencv
$(BIN)/python -c "import cv2" 2>/dev/null || echo "note: OpenCV does not load here;" \
	"where libGL is missing, install it (Debian, Ubuntu: apt install libgl1" \
	"libglib2.0-0) or put opencv-python-headless in the place of opencv-python" >&2
endef
