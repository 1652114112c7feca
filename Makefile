# `make run` runs the study on the embedded cohort; `make test` checks the project.
# Both need nothing before them but Python >= 3.11 and make, can be repeated, and pick up where
# they were cut off. Every path is relative, so that a folder with a space in its name works.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:

# What the environment is made from; found by tools/find_python unless named: make PYTHON=...
PYTHON ?=
# More arguments: make run ARGS="--pipelines stratified", make test ARGS="-k splitting"
ARGS ?=
# Where the patients' folders of ACDC lie: make acdc ACDC=/where/acdc/lies
ACDC ?= ../shared/data/acdc
# More parameters for it: make acdc PARAMS=training.epochs=50
PARAMS ?=
# Processes that share the fast tests, each with one thread; files in their order, so that the long ones of
# tests/end_to_end, which hold few tests, are not left to the end
WORKERS ?= 2
# The environment of the nnU-Net that is measured against, and where benchmarks write
NNUNET ?= .venv-nnunet
BENCHMARKS ?= .benchmarks
# A download of advisories for make audit-dependencies where there is no network: OSV=all.zip
OSV ?=

COMMA := ,
VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
KEDRO := $(BIN)/python -m kedro
AUDITOR := build/audit/bin/pip-audit
BENCH := $(BIN)/python benchmarks/nnunet
BENCH_ARGS = --work "$(BENCHMARKS)" --nnunet "$(NNUNET)" --acdc "$(ACDC)"

export KEDRO_DISABLE_TELEMETRY := 1
# the environment is the project's own, whatever shell it is started from
unexport PYTHONPATH PYTHONHOME

# The stamp is written last and holds the folder's path. Without it, or with another path in it, an
# installation was cut off or the folder was moved: then the environment is made anew.
SETTLED := $(shell [ "$$(cat $(STAMP) 2>/dev/null)" = "$$(pwd -P)" ] && $(BIN)/python -c "" 2>/dev/null && echo yes)

.PHONY: help run test test-slow test-browser chromium lint check-ids audit-dependencies format acdc docs docs-serve viz viz-site screenshots install constraints clean
.PHONY: benchmark-nnunet benchmark-parity benchmark-ten-minutes verify-nnunet-export
.PHONY: fuzz references reliability reliability-slurm
.PHONY: benchmark-strategies benchmark-dose-response benchmark-schedule benchmark-mitigation-cost benchmark-audit-cohorts benchmark-scale benchmark-border
ifneq ($(SETTLED),yes)
.PHONY: $(STAMP)
endif

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):[^#]*## /make \1\t/p' Makefile

run: $(STAMP) ## set up and run the study on the embedded cohort
	$(KEDRO) run $(ARGS)

test: export OMP_NUM_THREADS := 1
test: lint ## set up, lint and run the fast tests
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# what ARGS choose may all be of the other kind (pytest's status 5)
test-slow: OR_NONE = $(if $(ARGS), || [ $$? -eq 5 ])
test-slow: $(STAMP) ## run the tests of whole studies, and those that install, package and serve
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "slow and not browser and not alone" -n $(WORKERS) --dist loadfile $(ARGS)$(OR_NONE)
	$(BIN)/python -m pytest -m "slow and alone" $(ARGS)$(OR_NONE)

test-browser: $(STAMP) chromium ## look at the pages, Kedro-Viz and the documentation in a browser
	$(BIN)/python -m pytest -m browser $(ARGS)

# where it may: the tests say what to do where there is no browser
chromium: ## install Debian's Chromium where there is no browser and whoever calls may install one
	@command -v chromium chromium-browser google-chrome > /dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium; } || true

lint: $(STAMP) ## style, types and import contracts
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/python -m mypy benchmarks/*.py benchmarks/nnunet/*.py tools/*.py
	$(BIN)/python -m mypy -p benchmarks.reliability
	$(BIN)/lint-imports
	$(BIN)/python tools/check_ids.py

check-ids: $(STAMP) ## look for what may be participants' ids in what git tracks
	$(BIN)/python tools/check_ids.py

audit-dependencies: $(STAMP) $(if $(OSV),,$(AUDITOR)) ## look for known vulnerabilities in the versions of constraints.txt; without a network OSV=all.zip
ifdef OSV
	$(BIN)/python tools/audit_dependencies.py "$(OSV)" $(ARGS)
else
	$(AUDITOR) --strict --requirement constraints.txt --no-deps --disable-pip $(ARGS)
endif

# An environment of its own: what audits the project's is no part of it
$(AUDITOR): | $(STAMP)
	$(BIN)/python -m venv build/audit
	build/audit/bin/python -m pip --disable-pip-version-check install --quiet pip-audit==2.10.1

format: $(STAMP) ## mend what ruff can mend
	$(BIN)/python -m ruff check --fix
	$(BIN)/python -m ruff format

acdc: $(STAMP) ## compare two strategies on ACDC; all of the paper's with ARGS="--pipelines __default__"
	$(KEDRO) run --env acdc --params "source_root=$(ACDC)$(addprefix $(COMMA),$(PARAMS))" $(or $(ARGS),--pipelines baseline$(COMMA)stratified$(COMMA)evaluation$(COMMA)reporting)

benchmark-nnunet: $(BENCHMARKS)/prepared ## measure against nnU-Net: prepare, step, memory, predict, default plan (make benchmark-parity first)
	for what in prepare step memory predict default_plan; do $(BENCH)/$$what.py $(BENCH_ARGS) $(ARGS) || exit 1; done

benchmark-parity: $(BENCHMARKS)/prepared ## train nnU-Net and faircmr alike, two seeds each; takes hours, can be cut off
	for seed in 0 1; do for side in nnunet ours; do \
		$(BENCH)/parity.py train_$$side --seed $$seed $(BENCH_ARGS) $(ARGS) || exit 1; done; done
	for what in predict score; do $(BENCH)/parity.py $$what $(BENCH_ARGS) $(ARGS) || exit 1; done

verify-nnunet-export: $(STAMP) $(NNUNET)/bin/nnUNetv2_predict ## ask nnU-Net's own functions about the folds and test cases of two exports; some minutes
	$(BENCH)/export_folds.py $(BENCH_ARGS) $(ARGS)

benchmark-ten-minutes: $(STAMP) $(NNUNET)/bin/nnUNetv2_predict ## train for ten minutes and score
	$(BENCH)/ten_minutes.py $(BENCH_ARGS) $(ARGS)

benchmark-strategies: $(STAMP) ## train the paper's strategies over cohort and training seeds; takes hours, can be cut off
	$(BIN)/python benchmarks/strategies.py --folder "$(BENCHMARKS)/strategies" $(ARGS)

benchmark-dose-response: $(STAMP) ## train the baseline at growing shares of the small groups; takes hours, can be cut off
	$(BIN)/python benchmarks/dose_response.py --folder "$(BENCHMARKS)/dose-response" $(ARGS)

benchmark-schedule: $(STAMP) ## train baseline and stratified for 1, 2 and 4 times the steps; takes hours, can be cut off
	$(BIN)/python benchmarks/schedule.py --folder "$(BENCHMARKS)/schedule" $(ARGS)

benchmark-audit-cohorts: $(STAMP) ## train twenty cohorts without and twenty with a planted gap, and audit them; takes hours, can be cut off
	$(BIN)/python benchmarks/audit_cohorts.py --folder "$(BENCHMARKS)/audit-cohorts" $(ARGS)

benchmark-mitigation-cost: $(STAMP) ## time what mitigation adds to a training step
	$(BIN)/python benchmarks/mitigation_cost.py $(ARGS)

benchmark-scale: $(STAMP) ## time simulated cohorts of a hundred to a hundred thousand subjects; takes an hour, can be cut off
	$(BIN)/python -m benchmarks.reliability.scale --folder "$(BENCHMARKS)/scale" $(ARGS)

benchmark-border: $(STAMP) ## time audit_masks and data engineering beside an earlier version (ARGS=--small to try it)
	$(BIN)/python benchmarks/border_speed.py $(ARGS)

fuzz: export OMP_NUM_THREADS := 1
fuzz: $(STAMP) ## read a hundred thousand damaged files with every reader; takes half an hour, can be cut off
	$(BIN)/python -m tests.fuzz --folder "$(BENCHMARKS)/fuzz" $(ARGS)

reliability: export OMP_NUM_THREADS := 1
reliability: $(STAMP) ## kill and stop studies, fill their disk, lose workers, time two of them; takes an hour, can be cut off
	status=0; for what in kills start_up_kills stops disk_full dask_failures dask_speed; do \
		$(BIN)/python -m benchmarks.reliability.$$what --folder "$(BENCHMARKS)/reliability" || status=1; done; \
	exit $$status

reliability-slurm: export OMP_NUM_THREADS := 1
reliability-slurm: $(STAMP) ## run the scripts of examples/cluster under a SLURM of one node and disturb them (needs SLURM)
	$(BIN)/python -m benchmarks.reliability.slurm --folder "$(BENCHMARKS)/reliability" $(ARGS)

references: $(STAMP) ## run the R script of the statistical references again and compare (needs R)
	@Rscript --version > /dev/null 2>&1 || { echo "Error: Rscript: not found; R 4.2 or newer on the PATH; install r-base (Debian: apt-get install r-base-core)" >&2; exit 1; }
	rm -rf "$(BENCHMARKS)/references"
	Rscript tests/references/references.R "$(BENCHMARKS)/references"
	$(BIN)/python tests/references/compare.py "$(BENCHMARKS)/references"
	$(BIN)/python -m pytest tests/references $(ARGS)

# The crops that both sides read, and what each makes of them
$(BENCHMARKS)/prepared: | $(STAMP) $(NNUNET)/bin/nnUNetv2_predict
	mkdir -p "$(BENCHMARKS)"
	$(BENCH)/localise.py $(BENCH_ARGS) --boxes "$(BENCHMARKS)/boxes.csv"
	$(BENCH)/parity.py crops $(BENCH_ARGS) --boxes "$(BENCHMARKS)/boxes.csv"
	$(BENCH)/parity.py nnunet_prepare $(BENCH_ARGS)
	$(BENCH)/parity.py ours_prepare $(BENCH_ARGS)
	touch "$@"

# nnU-Net never enters the project's environment, nor its package
$(NNUNET)/bin/nnUNetv2_predict: | $(STAMP)
	$(BIN)/python -m venv "$(NNUNET)"
	"$(NNUNET)"/bin/python -m pip --disable-pip-version-check install --quiet torch==2.13.0
	"$(NNUNET)"/bin/python -m pip --disable-pip-version-check install --quiet nnunetv2==2.8.1 torch==2.13.0

docs: export NO_MKDOCS_2_WARNING := 1
docs: $(STAMP) ## build the documentation into build/docs; open its index.html, no server and no network needed
	$(BIN)/python -m mkdocs build --strict --quiet $(ARGS)

docs-serve: export NO_MKDOCS_2_WARNING := 1
docs-serve: $(STAMP) ## show the documentation in a browser while it is written
	$(BIN)/python -m mkdocs serve $(ARGS)

# Kedro-Viz asks PyPI whether there is a newer one of it: nothing is asked from here
viz: export HTTPS_PROXY := http://127.0.0.1:9
viz: $(STAMP) ## show the lineage of the study in a browser
	$(KEDRO) viz run $(ARGS)

viz-site: $(STAMP) ## write the same as a folder of files, build/viz, for any web server (KEDRO_ENV=acdc for another study)
	$(BIN)/python tools/viz_site.py

screenshots: $(STAMP) ## take the pictures of docs/images of what make run has left
	$(BIN)/python tools/screenshots.py $(ARGS)

install: $(STAMP) ## make the environment and nothing else

$(STAMP): pyproject.toml constraints.txt
ifneq ($(SETTLED),yes)
	python=$$(sh tools/find_python $(if $(PYTHON),"$(PYTHON)")) && rm -rf $(VENV) && "$$python" -m venv $(VENV)
endif
	@rm -f $(STAMP)
	$(PIP) install --quiet --upgrade -c constraints.txt pip setuptools
	$(PIP) install --no-build-isolation -c constraints.txt -e ".[dev]"
	@pwd -P > $(STAMP)

constraints: $(STAMP) ## write the versions that are installed now to constraints.txt
	@echo "# The versions that the tests have passed with; written by 'make constraints'." > constraints.txt.new
	@$(PIP) list --format=freeze --exclude-editable | sed 's/+.*//' >> constraints.txt.new
	@mv constraints.txt.new constraints.txt && touch $(STAMP)

clean: ## remove the environment and what tools have cached; studies stay
	rm -rf $(VENV) build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
