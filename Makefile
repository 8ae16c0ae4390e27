# Thin: every line is a command a person could type.

PYTHON ?= python3
# On Linux PyPI's torch brings gigabytes of CUDA. Without a GPU:
#   make demo TORCH="torch --index-url https://download.pytorch.org/whl/cpu"
TORCH ?= torch==2.13.0

BIN = .venv/bin

.PHONY: demo test soak mutants bench lint docs
demo: .venv/installed
	$(BIN)/python -m sw.train
	$(BIN)/python -m sim.verify --rungs 3
	$(BIN)/python -m hw.build --board icestick

test: .venv/installed
	.ci/system-packages iverilog fpga-icestorm ccache chromium chromium-driver fonts-dejavu-core
	$(BIN)/python -m pytest -n 2 --dist worksteal

soak: .venv/installed
	$(BIN)/pip install --quiet --editable '.[soak]'
	$(BIN)/python -m tests.soak --readme docs/verification.md

mutants: .venv/installed
	$(BIN)/python -m tests.mutants --sample 80 --seed 1

bench: .venv/installed
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/python -m hw.bench rivals
	$(BIN)/python -m hw.bench unseen
	$(BIN)/python -m hw.bench boards
	$(BIN)/python -m hw.bench clocks
	$(BIN)/python -m sw.federated --data mnist --task 2v3 --clients 100 --fraction 0.1 --rounds 30

lint: .venv/installed
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary

# Into build/docs; reads the sources, so all it needs is in the extra.
docs: .venv/installed
	@$(BIN)/pip install --quiet --editable '.[docs]'
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --jobs 2 \
		--doctree-dir build/docs/.doctrees docs build/docs

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet --editable '.[sw,large,hw,sim,plot,fed,onnx,demo,shell,dev]'
	touch $@
