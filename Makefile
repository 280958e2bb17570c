# Every target does the set-up it needs: Python 3.11+, Node.js 20+, make and the package registries are enough.
# PYTHON=python3.13  the Python to set up with        ARGS='...'  passed on to the command of the target
# STACKS='us-east-1 us-west-2'  for deploy and destroy            STACK=us-east-1  for diff

PYTHON =
ARGS =
STACKS = '*'
STACK =
UV = uv==0.13.9

RUN = . .tools/activate &&
COMPILE = .tools/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url $(ARGS)

# Schemathesis is a plugin of pytest that costs each process a second; what runs with this asks nothing of it.
WITHOUT = -p no:schemathesis

.PHONY: help openapi setup scanners synth deploy destroy diff demo drill test coverage check unit snapshots hipaa \
	objectives preflight sbom audit bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## install all that the project needs, inside the project
	@for python in $(PYTHON) .venv/bin/python python3 python3.13 python3.12 python3.11 python3.14 python; do \
		"$$python" -S -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		exec "$$python" -m tools.setup; \
	done; \
	echo 'Python 3.11 or newer is needed: install one, or name it, as in: make PYTHON=/path/to/python3.13' >&2; \
	exit 1

scanners: setup ## install the scanners as well, which the tests run
	@$(RUN) python -m tools.setup scanners

synth: setup ## write the Terraform JSON of all stacks to cdktf.out
	@$(RUN) python main.py $(ARGS)

deploy: setup ## deploy to AWS; asks before each stack is changed
	@$(RUN) cdktf deploy $(STACKS) $(ARGS)

destroy: setup ## destroy what deploy made; asks before each stack
	@$(RUN) cdktf destroy $(STACKS) $(ARGS)

diff: setup ## show what a deploy would change: make diff STACK=us-east-1
	@test -n "$(STACK)" || { echo 'diff takes one stack: make diff STACK=us-east-1' >&2; exit 1; }
	@$(RUN) cdktf diff $(STACK) $(ARGS)

openapi: setup ## write the API's description to docs/openapi.json
	@$(RUN) python -m tools.openapi

hipaa: setup ## write the control matrix to docs/hipaa.md
	@$(RUN) python -m tools.hipaa

demo: setup ## deploy both regions into the embedded AWS, use them, destroy them
	@$(RUN) python -m drill.demo $(ARGS)

drill: setup ## break a region in every way and measure, an hour; ARGS='--scale 0.2' or '--scenario region-refuses'
	@$(RUN) python -m drill $(ARGS)

test: check sbom coverage ## all that CI runs: check, then every test
	@$(RUN) python -m pytest --ignore=tests/functions $(ARGS)

# The tests that wait longest begin first.
coverage: setup ## the tests of the functions, and whether they reach the lines and branches they should
	@$(RUN) coverage erase
	@$(RUN) coverage run -m pytest -n logical --dist worksteal $(WITHOUT) tests/functions/watching tests/functions
	@$(RUN) coverage combine --quiet
	@$(RUN) coverage report

check: setup ## lint, formatting and types
	@$(RUN) ruff check
	@$(RUN) ruff format --check
	@$(RUN) mypy

unit: setup ## the tests that need no embedded AWS and no scanner, in under a minute
	@$(RUN) python -m pytest -n auto --dist worksteal $(WITHOUT) --ignore=tests/deployed \
		--ignore=tests/emulator --ignore=tests/functions -m 'not deployed and not emulator and not slow' $(ARGS)

snapshots: setup ## accept the stacks as they are now synthesized
	@$(RUN) python -m pytest tests/test_snapshots.py --snapshot-update $(ARGS)

objectives: setup ## write what the default settings reach of the recovery objectives to docs/objectives.md
	@$(RUN) python -m tools.objectives

preflight: setup ## check an account before a first deployment to it, and say what to do; ARGS=--json for programs
	@$(RUN) python -m tools.preflight $(ARGS)

sbom: scanners ## write build/bundle.cdx.json and build/infrastructure.cdx.json: what both are made of (CycloneDX)
	@$(RUN) python -m tools.sbom

audit: scanners ## ask whether a locked package has a known vulnerability; needs the network
	@$(RUN) python -m tools.audit $(ARGS)

bench: setup ## measure synthesis, the function's start and requests, and a minute of load: 6 min
	@$(RUN) python -m tools.bench $(ARGS)

lock: setup ## lock the requirements again; ARGS=--upgrade takes newer versions
	@test -x .tools/lock/bin/uv || .venv/bin/python -m venv --clear .tools/lock
	@.tools/lock/bin/python -m pip install --quiet --disable-pip-version-check $(UV)
	@$(COMPILE) requirements/dev.in --output-file requirements/dev.txt
	@$(COMPILE) requirements/infra.in --constraints requirements/dev.txt --output-file requirements/infra.txt
	@$(COMPILE) requirements/checkov.in --output-file requirements/checkov.txt
	@$(COMPILE) requirements/supply.in --output-file requirements/supply.txt
	@$(COMPILE) requirements/bundle.in --constraints requirements/dev.txt --output-file requirements/bundle.txt

clean: ## remove what setup and synth made; Terraform's state files stay
	rm -rf .venv node_modules .tools build cdktf.out cdktf.log .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
