# `make demo` trains the demo profile, `make test` runs the tests; each sets up what it needs in .venv first.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Something is installed only when pyproject.toml has changed since the last one.
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

# What plays samples here; without them they can still be heard in a browser.
SYSTEM_PACKAGES := libportaudio2 libasound2-plugins
# What the tests hear and look with: a browser, a server to reach it through, a sound server, a database for studies that are
# shared, and a compiler for a stand-in driver.
TEST_PACKAGES := chromium openssh-client openssh-server pulseaudio pulseaudio-utils postgresql gcc libc6-dev

NO_DEBIAN_SYSTEM := Install PortAudio with your own package manager; all but playback on this machine works without it.
NO_DEBIAN_TEST := Install Chromium, an SSH server, PulseAudio, PostgreSQL and a C compiler with your own package manager.

.DEFAULT_GOAL := help
.PHONY: help demo test lint format screenshots system-deps test-deps clean

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

screenshots: $(INSTALLED_DEV) ## Draw the pictures of README and docs anew, from the real program on a real run
	$(BIN)/python docs/screenshots.py

system-deps: ## Install the system packages that playback needs (Debian and its relatives)
	@$(call install_packages,$(SYSTEM_PACKAGES),$(NO_DEBIAN_SYSTEM))

test-deps: system-deps ## Install the system packages that the tests need beyond those (Debian and its relatives)
	@$(call install_packages,$(TEST_PACKAGES),$(NO_DEBIAN_TEST))

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

define install_packages
if ! command -v apt-get >/dev/null; then \
	echo "This is no Debian. $(2)"; \
elif dpkg-query --show --showformat '$${db:Status-Status}\n' $(1) 2>&1 | grep -qvx installed; then \
	as_root=; [ "$$(id -u)" -eq 0 ] || as_root=sudo; \
	$$as_root apt-get update && $$as_root apt-get install --yes --no-install-recommends $(1); \
else \
	echo "$(1): installed"; \
fi
endef

define set_up
$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "HarmonicVAE needs Python 3.11 or newer; name one that is: make PYTHON=python3.12 ..."; exit 1; }; \
	$(PYTHON) -m venv $(VENV) || exit 1; \
}; \
echo "Installing into $(VENV). PyTorch is a few gigabytes, so the first time can take some minutes."; \
$(BIN)/python -m pip install $$([ -t 1 ] || echo --quiet) --disable-pip-version-check $(1)
endef
