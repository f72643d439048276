# Each command does the set-up first if need be: .venv, requirements.txt, a Jupyter kernel. `make` lists the commands.
# Programs are run as modules of .venv/bin/python, by a relative path: the folder may have any name.
PYTHON ?= python3
PROFILE ?= quick
CORES ?= all
READY := .venv/.ready
RUN := PATH="$$PWD/.venv/bin:$$PATH"
PY := $(RUN) .venv/bin/python
SNAKEMAKE := $(PY) -m snakemake --quiet rules --cores $(CORES) --keep-going --rerun-incomplete --nolock
MANY := $(shell $(PYTHON) -c "import os; print(min(8, len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1))")
PYTEST := $(PY) -m pytest -n $(MANY) --dist loadscope --no-loadscope-reorder --nbval --nbval-cell-timeout 900 --nbval-sanitize-with tests/sanitise.cfg
SAMPLE := _build/pages/book/peers.ipynb _build/figures/quick/recartoonx-fig1.ipynb
AS_ROOT = $(if $(filter 0,$(shell id -u)),--allow-root)
# nothing depends on the reader's settings of Python, Matplotlib and IPython, as in helpers/site/environment.py
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONOPTIMIZE PYTHONWARNINGS MPLBACKEND
# set-up leaves compiling to the first import: if it were not stored, every process would compile its libraries again
unexport PYTHONDONTWRITEBYTECODE
export MATPLOTLIBRC := $(CURDIR)/$(firstword $(wildcard .venv/lib/python*/site-packages/matplotlib/mpl-data/matplotlibrc))
export IPYTHONDIR := $(CURDIR)/_build/ipython
export JUPYTER_PREFER_ENV_PATH := 1

.DEFAULT_GOAL := help
.PHONY: help setup book pdf links test test-all soak check audit figure figures lab bench benchmark models clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)$$/make \1\t\2/' | expand -t 16

setup: $(READY) ## install the requirements into .venv, which every other command does too if need be
	@echo "Everything is installed in .venv. Next: make book, or make lab, or make figure ID=recartoonx-fig2"

book: $(READY) ## run the pages whose inputs changed and build the book: _build/html/index.html
	@$(PY) -m helpers check --profile quick && $(SNAKEMAKE) html && echo "The book: $$PWD/_build/html/index.html"

pdf: book ## print the whole book into one PDF, by Chromium: _build/keep-what-matters.pdf
	@$(PY) -m helpers pdf

links: book ## follow the links of all pages to other sites: _build/reports/links.txt
	@$(PY) -m helpers links

test: check book ## check the sources, build the book, run the tests
	$(PYTEST) -m "not slow and not soak" $(SAMPLE) tests

test-all: check book ## the same with the slow tests, and a second run of every page, which must give the same numbers
	$(PYTEST) -m "not soak" tests _build/pages _build/figures/quick

soak: book ## hours: a study disturbed 200 times, 10,000 damaged files, all quick figures on a cluster
	$(PY) -m benchmarks.faults --faults 200 && $(PY) -m benchmarks.fuzz --inputs 10000
	$(PY) -m pytest -n 0 -m soak tests

check: $(READY) ## lint, format, types, the order of the packages, spelling, words, scripts
	$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m helpers format --check && $(PY) -m mypy && $(PY) .venv/bin/lint-imports && $(PY) .venv/bin/codespell && $(PY) -m helpers words && $(PY) -m helpers web --check

audit: $(READY) ## compare the locked versions with PyPI's advisories; what cannot be looked up is no pass
	@test -x _build/audit/bin/pip-audit || { .venv/bin/python -m venv _build/audit && _build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit; }
	@$(PY) -m helpers audit --program _build/audit/bin/pip-audit

figure: $(READY) ## one figure or table: make figure ID=recartoonx-fig2 PROFILE=quick
	@$(PY) -m helpers check --id "$(ID)" --profile "$(PROFILE)" && $(SNAKEMAKE) "_build/figures/$(PROFILE)/$(ID).ipynb"
	@$(PY) -m helpers files --id "$(ID)" --profile "$(PROFILE)"

figures: $(READY) ## all figures and tables at one scale: make figures PROFILE=study
	@$(PY) -m helpers check --profile "$(PROFILE)" && $(SNAKEMAKE) figures --config profile="$(PROFILE)"
	@$(PY) -m helpers files --id all --profile "$(PROFILE)"

lab: $(READY) ## open the pages as notebooks in JupyterLab, on localhost with a token
	$(PY) -m jupyterlab --ip=localhost --config=.jupyter/jupyter_server_config.py --LabApp.app_settings_dir=.jupyter --LabApp.default_url=/lab/tree/book/start.md $(AS_ROOT)

bench: $(READY) ## run the benchmarks, which print ratios within one run
	$(PY) -m benchmarks

benchmark: $(READY) ## compute the benchmark's tables: hours, from the maps that are stored already
	$(SNAKEMAKE) benchmark

models: $(READY) ## train the models in models/ again
	$(SNAKEMAKE) models --forceall --config again=1

clean: ## remove built files; .venv and results/ stay
	rm -rf _build .snakemake

# Set-up. The stamp is written last, so that an interrupted set-up is repeated.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c "import sys; v = sys.version.split()[0]; sys.exit(f'error: Python 3.10 or newer is needed; $(PYTHON) is {v}. With another one: make PYTHON=python3.12' if sys.version_info < (3, 10) else 0)"
	"$$($(PYTHON) -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))')" -m venv .venv
	.venv/bin/python -m pip install --quiet --no-compile --disable-pip-version-check -r requirements.txt
	.venv/bin/python -m ipykernel install --sys-prefix --name keep-what-matters --display-name "Keep What Matters"
	@touch $@
