# The few commands people need; `make help` lists them.
.DEFAULT_GOAL := results
.PHONY: help results check test test-slow test-cluster lint rebuild crosscheck bench schemas readme lock clean new workbook handin add changes release audit

PYTHON ?= python3
export PYTHONPATH := workflow/scripts
export PYTHONUTF8 := 1
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
# Set around some shells; without byte code every start of Snakemake takes three times as long.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
READY := .venv/.ready

help: ## List these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

results: $(READY) ## Install what is needed, build every result, and say which pooled estimates moved (the default)
	@$(BIN)/python -m synthesis.run
	@$(BIN)/python -m synthesis.changes --output logs/changes.md

check: $(READY) ## Check the config and every sheet, and nothing else
	@$(BIN)/python -m synthesis.check

new: $(READY) ## Begin a sheet: make new ID=smith2025
	@$(BIN)/sheet new $(ID)

workbook: $(READY) ## Begin a workbook for a spreadsheet: make workbook ID=smith2025
	@$(BIN)/sheet new $(ID) --xlsx

handin: $(READY) ## Make sheets of filled-in workbooks: make handin FILES="a.xlsx b.xlsx"
	@$(BIN)/sheet from-xlsx $(FILES)

add: $(READY) ## Hand in, list, build, fill README and say what to commit: make add FILES="a.xlsx jones2024" [FOUND="…"]
	@$(BIN)/python -m synthesis.curation.adding
	@$(MAKE) --no-print-directory results
	@$(MAKE) --no-print-directory readme
	@$(BIN)/python -m synthesis.curation.adding --commit

test: $(READY) lint results/report.html ## Run the linters and the tests, but for the slow ones
	@$(BIN)/python -m pytest -n auto -m "not slow and not browser and not slurm"

test-slow: $(READY) results/report.html ## Run the slow tests: whole builds, a real browser, faults (each skipped where it cannot run)
	@$(BIN)/python -m pytest -n auto -m "(slow or browser) and not slurm"

test-cluster: $(READY) ## Run the small review through a one-node Slurm (needs root and slurm-wlm)
	@.tools/bin/uv sync --quiet --locked --python $(PYTHON) --group slurm || echo "The group slurm cannot be installed."
	@$(BIN)/python -m pytest -m slurm

results/report.html: # a fresh clone holds only what a person reads in a diff; tests read the rest, too
	@$(MAKE) --no-print-directory results

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/snakefmt --check Snakefile workflow examples

rebuild: $(READY) ## Build every result again from nothing
	@$(BIN)/python -m synthesis.run --forceall
	@$(BIN)/python -m synthesis.changes --output logs/changes.md

crosscheck: $(READY) ## Compute every estimate again in R (needs metafor and lme4) and fail where it differs
	@$(BIN)/python -m synthesis.run crosscheck

changes: $(READY) ## Say what the results change against a commit: make changes AGAINST=HEAD
	@$(BIN)/python -m synthesis.changes --against $(or $(AGAINST),HEAD)

release: $(READY) ## Check, build, test, tag this version and write dist/<version>.zip; nothing is sent
	@$(BIN)/python -m synthesis.release

bench: $(READY) ## Time fits and whole builds here and in R (needs metafor and lme4); never a test
	@$(BIN)/python benchmarks/fits.py
	@$(BIN)/python benchmarks/build.py
	@$(BIN)/python benchmarks/sizes.py
	@$(BIN)/python benchmarks/page.py

schemas: $(READY) ## Write the JSON Schemas from the typed models
	@$(BIN)/python -m synthesis.documents.schemas

readme: $(READY) ## Fill the numbers of README.md and docs/ from the results and the code
	@$(BIN)/python -m synthesis.documents.pages

audit: $(READY) ## Ask the public advisories about every locked package (needs api.osv.dev)
	@.tools/bin/uv audit --quiet --locked --preview-features audit-command; code=$$?; \
	  [ $$code -lt 2 ] || echo "The audit did not run (see above): nothing is known about the packages."; exit $$code

lock: $(READY) ## Resolve the dependencies again; commit uv.lock and requirements.txt
	@.tools/bin/uv lock --upgrade
	@.tools/bin/uv export --locked --quiet --no-dev --no-emit-project --output-file requirements.txt > /dev/null

clean: ## Remove the environment and Snakemake's records; results/ stays
	rm -rf .venv .tools .snakemake logs

$(READY): uv.lock pyproject.toml requirements/uv.txt
	@test -x .tools/bin/uv && .tools/bin/uv --version | grep -qF "$$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements/uv.txt)" \
	  || $(PYTHON) -m pip install --quiet --quiet --disable-pip-version-check --root-user-action=ignore --require-hashes --upgrade --target .tools -r requirements/uv.txt \
	  || { echo "The first installation needs the network. Connect, and run make again."; exit 1; }
	@.tools/bin/uv sync --quiet --locked --python $(PYTHON)
	@touch $@
