# `make demo` and `make test` are all that a fresh machine needs; each sets up what is missing.

.PHONY: help setup demo demo-all cached smoke test lint unit overfit overfit-four pipeline pipeline-of-all-tables pipeline-of-others kills mutants bench ui tracking-server clean
.DEFAULT_GOAL := help

# Containers set the first; it makes every start of Python compile everything again.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(HOME)/.local/bin:$(CURDIR)/.tools/bin:$(PATH)
# Two single-threaded jobs at a time: threads of tiny models only spin against each other.
export OMP_NUM_THREADS ?= 1
export MLFLOW_DISABLE_TELEMETRY := true
CORES ?= 2

help:
	@echo "make demo       set up, make the embedded data and the first tables (minutes on two cores)"
	@echo "make demo-all   the same for all tables"
	@echo "make test       set up; lint, types, tests, four detectors learn by heart, mutants, the smoke pipeline"
	@echo "make cached     hands what Snakemake made to DVC; make demo ends with it"
	@echo "make ui         runs, curves and pictures in MLflow"
	@echo "make tracking-server   one MLflow for many machines, with PostgreSQL and a password (HOST= PORT= ALLOWED=)"
	@echo "make overfit    every detector learns eight images by heart (minutes)"
	@echo "make lint | unit | overfit-four | mutants | smoke | bench | clean    parts of it"

setup: .venv/.ready
.venv/.ready: pyproject.toml uv.lock
	@command -v uv >/dev/null || { echo "uv is missing; putting it into .tools/"; python3 -m venv .tools && .tools/bin/pip install --quiet uv; \
		echo 'for commands that begin with uv: export PATH="$(CURDIR)/.tools/bin:$$PATH"'; }
	uv sync --locked --compile-bytecode
	@touch $@

demo: setup
	uv run --no-sync snakemake --profile demo --cores $(CORES) --quiet rules -- all_tables
	-@$(MAKE) --no-print-directory cached
	@echo; cat reports/demo/tables/*.md
	@echo; echo "All on one page: reports/demo/index.html   runs: data/demo/finetune/   where the time went: uv run sdetr times"
	@echo "Curves and pictures: make ui"

demo-all: setup
	uv run --no-sync snakemake --profile demo --cores $(CORES) --quiet rules --config scale=demo tables=all -- all_tables
	-@$(MAKE) --no-print-directory cached
	@echo; uv run --no-sync sdetr times --tables all --cores $(CORES)
	@echo; echo "All on one page: reports/demo/index.html"

# What Snakemake made is DVC's too: `uv run dvc repro` has nothing to do afterwards.
cached: setup
	@uv run --no-sync sdetr plan --scale demo --first --check
	@uv run --no-sync dvc commit --force --quiet

smoke: setup
	uv run --no-sync snakemake --profile smoke --cores $(CORES) --quiet rules -- all_tables
	@echo; uv run --no-sync sdetr times --scale smoke --tables all --cores $(CORES)

test: lint unit overfit-four mutants pipeline

lint: setup
	uv run --no-sync ruff check .
	uv run --no-sync ruff format --check .
	uv run --no-sync mypy
	uvx snakefmt@2.1.0 --check Snakefile workflow/rules

unit: setup
	uv run --no-sync pytest -m "not pipeline" --durations 10 --numprocesses $(CORES) --dist loadfile

# Whether detectors learn at all: a detector of every kind of attention and queries in `make test`, all of them on request.
FOUR := deformable_refine dn_dab_deformable detr conditional
overfit-four: setup
	uv run --no-sync sdetr overfit $(FOUR) --device cpu --jobs $(CORES)

overfit: setup
	uv run --no-sync sdetr overfit --device cpu --jobs $(CORES)

# In two halves beside each other, where there are two cores: what looks at all tables, and what does not.
pipeline: setup
	$(MAKE) --no-print-directory --jobs $(CORES) pipeline-of-all-tables pipeline-of-others

pipeline-of-all-tables:
	uv run --no-sync pytest -m "pipeline and all_tables" --durations 10

pipeline-of-others:
	uv run --no-sync pytest -m "pipeline and not all_tables" --durations 10

# Kills processes of a running pipeline at random, and resumes it; `make pipeline` has ten of them.
kills: setup
	KILLS=20 uv run --no-sync pytest -s tests/workflow/test_kills.py

mutants: setup
	uv run --no-sync python tests/mutants/run.py

# Every benchmark beside its reference, into reports/bench.md; `make bench ONLY=backbone` shows one.
bench: setup
	uv run --no-sync python -m tests.bench.run $(ONLY)

# What `sdetr sync` mirrored; plain `mlflow ui` shows the same. One worker instead of fourteen processes.
ui: setup
	@test -f mlflow.db || { echo "there is no mlflow.db; make demo, or uv run sdetr sync, fills one"; exit 1; }
	@said=$$(uv run --no-sync mlflow db upgrade sqlite:///$(CURDIR)/mlflow.db 2>&1) || { echo "$$said"; exit 1; }
	@echo "http://127.0.0.1:5000   choose Model training at the top left; direct links: reports/*/mlflow.html; Ctrl-C ends it"
	@MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false uv run --no-sync mlflow ui --workers 1 --port 5000 \
	    --backend-store-uri sqlite:///$(CURDIR)/mlflow.db

# Shells have a HOST of their own; this one is only what is said behind make.
tracking-server: HOST := 127.0.0.1
tracking-server: PORT := 5001
tracking-server: ALLOWED :=
tracking-server: setup
	@exec uv run --no-sync python -m workflow.lib.tracking_server --host "$(HOST)" --port "$(PORT)" --allowed "$(ALLOWED)"

# Data sets may have taken days to fetch: data/raw stays.
clean:
	find data -mindepth 1 -maxdepth 1 ! -name raw ! -name .gitkeep -exec rm -rf {} +
	find reports -mindepth 1 ! -name .gitkeep ! -name bench.md -exec rm -rf {} +
	rm -rf logs .snakemake .dvc/cache .dvc/tmp dvc.lock dvc_plots .pytest_cache .mypy_cache .ruff_cache
