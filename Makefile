# The index of what one can do here: `make help`. Every target is the very command that CI runs.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# PyTorch's CPU or CUDA index, for machines that want another build than PyPI's (pytorch.org, "Get started").
TORCH_INDEX_URL ?=
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	$(if $(TORCH_INDEX_URL),--extra-index-url $(TORCH_INDEX_URL))
CODE := shared services client tests bench tools

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F ':.*?## ' '{printf "  make %-18s %s\n", $$1, $$2}'

.PHONY: run
run: setup ## Run Chiffchaff on this machine: http://127.0.0.1:8000 (Ctrl-C stops it)
	@exec $(BIN)/chiffchaff serve

.PHONY: setup
setup: $(VENV)/.runtime ## Make the virtual environment that `run` needs

$(VENV)/bin/python:
	@tools/system-packages venv
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Chiffchaff into $(VENV) (some minutes, once) ..."
	@$(PIP_INSTALL) --editable '.[standalone]'
	@$(BIN)/python tools/mend_torchaudio.py
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime tests/e2e/package-lock.json
	@echo "Installing the tools for development ..."
	@$(PIP_INSTALL) --editable '.[dev]'
	@$(BIN)/python tools/web_packages.py tests/e2e
	@touch $@

.PHONY: lint
lint: $(VENV)/.dev ## Check style, types and the rules about imports
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(VENV)/.dev ## Put the code into the house's form
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

.PHONY: test
test: $(VENV)/.dev ## Run all tests but those of the containers
	@tools/system-packages test
	$(BIN)/pytest -m 'not compose'

.PHONY: test-compose
test-compose: $(VENV)/.dev ## Build the images and drive a recording through the running containers
	@tools/system-packages compose
	$(BIN)/pytest -m compose tests/compose

.PHONY: test-faults
test-faults: $(VENV)/.dev ## Upload 10,000 recordings while parts are killed; nothing may be lost (some 15 minutes)
	@tools/system-packages test
	$(BIN)/python -m bench.faults

# One thread, so that figures are those of a core.
bench-%: export OPENBLAS_NUM_THREADS := 1
bench-%: export OMP_NUM_THREADS := 1

.PHONY: bench-audio
bench-audio: $(VENV)/.dev ## Measure the signal chain beside the original's, and its memory up to a day of sound
	$(BIN)/python -m bench.audio

.PHONY: bench-segmentation
bench-segmentation: $(VENV)/.dev ## Measure how well each segmentation finds birds in rain, sea, fire and helicopters
	$(BIN)/python -m bench.segmentation

.PHONY: bench-accuracy
bench-accuracy: $(VENV)/.dev ## Cross-validate the default recipes on garden20 and ESC-10 (hours without a GPU)
	$(BIN)/python -m bench.accuracy ../shared/data

.PHONY: bench-training
bench-training: $(VENV)/.dev ## Measure whether training waits for data: raw sound and precomputed pictures, on a GPU or not
	$(BIN)/python -m bench.training

BIRDNET := .venv-birdnet

.PHONY: bench-inference
bench-inference: $(VENV)/.dev ## Measure how fast recordings are heard on one core, beside BirdNET
	@test -d $(BIRDNET) || $(PYTHON) -m venv $(BIRDNET)
	@$(BIRDNET)/bin/pip install --quiet --disable-pip-version-check --requirement bench/birdnet.txt
	$(BIN)/python -m bench.inference ../shared/data --birdnet $(BIRDNET)/bin/python

.PHONY: bench-analyze
bench-analyze: $(VENV)/.dev ## Measure the memory of `chiffchaff analyze` along a day in one recording (25 GB of room)
	$(BIN)/python -m bench.long_analysis

.PHONY: bench-load
bench-load: $(VENV)/.dev ## Ask POST /classify faster and faster, with and without batches: throughput, p50, p99, errors
	$(BIN)/python -m bench.load

.PHONY: bench-jobs
bench-jobs: $(VENV)/.dev ## Measure how many jobs a second are queued and done, and how soon one starts
	@tools/system-packages test
	$(BIN)/python -m bench.jobs

.PHONY: bench-library
bench-library: $(VENV)/.dev ## Measure the API over a million recordings and twenty million sections (some 15 minutes)
	@tools/system-packages test
	$(BIN)/python -m bench.library

.PHONY: bench-datasets
bench-datasets: $(VENV)/.dev ## Freeze and export a library of 100,000 recordings: seconds and memory
	@tools/system-packages test
	$(BIN)/python -m bench.datasets

.PHONY: bench-networks
bench-networks: $(VENV)/.dev ## Measure the size of every network, and how long one core takes for a window
	$(BIN)/python -m bench.networks

.PHONY: bench-places
bench-places: $(VENV)/.dev ## Measure which species are called expected where they were and were not, and what asking costs
	$(BIN)/python -m bench.places ../shared/data

.PHONY: bench-hostile
bench-hostile: $(VENV)/.dev ## Send 10,000 hostile requests to a running stack: nothing may break, swell or stay behind
	$(BIN)/python -m bench.hostile

.PHONY: fuzz-api
fuzz-api: $(VENV)/.dev ## Send 200 of each request that the APIs describe, and of what they forbid, to both databases (an hour)
	@tools/system-packages test
	CHIFFCHAFF_FUZZ_EXAMPLES=200 $(BIN)/pytest tests/openapi

.PHONY: fuzz-audio
fuzz-audio: $(VENV)/.dev ## Send 20,000 corrupted files through the sandboxed decoder
	$(BIN)/python -m bench.fuzz_decoder --files 20000

.PHONY: env
env: ## Write .env with new passwords for `make up`
	@$(PYTHON) tools/make_env.py

.PHONY: up
up: env ## Start the containers: http://127.0.0.1:8000
	@tools/compose up --detach --build

.PHONY: down
down: ## Stop the containers; what they hold stays
	@tools/compose down

.PHONY: clean
clean: ## Remove the virtual environment and all caches; ./data stays
	rm -rf $(VENV) *.egg-info client/*.egg-info client/build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
