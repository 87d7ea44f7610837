# `make demo` trains the demo profile, `make test` runs the tests; each sets up what it needs in .venv first.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Something is installed only when pyproject.toml has changed since the last one.
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

# libportaudio2 plays samples; the ALSA plugins let the tests play into a file instead of a sound card.
SYSTEM_PACKAGES := libportaudio2 libasound2-plugins

.DEFAULT_GOAL := help
.PHONY: help demo test lint format system-deps clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## Install, then train the demo profile: in the console, or as a log where there is no terminal
	@if [ -t 0 ] && [ -t 1 ]; then \
		exec $(BIN)/harmonic-tui --profile demo; \
	else \
		exec $(BIN)/harmonic train demo; \
	fi

# A worker a core, and a thread a worker: torch would otherwise take all cores in each of them.
test: $(INSTALLED_DEV) ## Install, then run all tests
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses logical --maxprocesses 8 --dist loadfile

lint: $(INSTALLED_DEV) ## Check style, types, imports, dependencies and the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/deptry . --no-ansi
	$(BIN)/hadolint Dockerfile

format: $(INSTALLED_DEV) ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

system-deps: ## Install the system packages that playback needs (Debian and its relatives)
	@if ! command -v apt-get >/dev/null; then \
		echo "This is no Debian. Install PortAudio with your own package manager; all but playback works without it."; \
	elif dpkg-query --show --showformat '$${db:Status-Status}\n' $(SYSTEM_PACKAGES) 2>&1 | grep -qvx installed; then \
		as_root=; [ "$$(id -u)" -eq 0 ] || as_root=sudo; \
		$$as_root apt-get update && $$as_root apt-get install --yes --no-install-recommends $(SYSTEM_PACKAGES); \
	else \
		echo "$(SYSTEM_PACKAGES): installed"; \
	fi

clean: ## Remove .venv and what tools left behind; runs and data stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache snapshot_report.html
	find harmonic_core harmonic_tui tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml
	@$(call set_up,-e .)
	@touch $@

# What the tests need includes what the demo needs.
$(INSTALLED_DEV): pyproject.toml
	@$(call set_up,-e '.[dev]')
	@touch $@ $(INSTALLED)

define set_up
$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "HarmonicVAE needs Python 3.11 or newer; name one that is: make PYTHON=python3.12 ..."; exit 1; }; \
	$(PYTHON) -m venv $(VENV) || exit 1; \
}; \
echo "Installing into $(VENV). PyTorch is a few gigabytes, so the first time can take some minutes."; \
$(BIN)/python -m pip install $$([ -t 1 ] || echo --quiet) --disable-pip-version-check $(1)
endef
