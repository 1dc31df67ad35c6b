# make book | make test | make notebooks | make bench | make constraints | make clean      (`make` alone lists them)
#
# Everything runs in $(VENV), which is made on first use from constraints.txt. To use an environment
# that exists already (a conda one, say): make book VENV="$CONDA_PREFIX"

VENV    ?= .venv
PROFILE ?= default
BIN     := $(VENV)/bin
# One installation per state of the two files that decide what is installed.
STAMP   := $(VENV)/.installed-$(shell cat pyproject.toml constraints.txt | cksum | cut -d ' ' -f 1)

.DEFAULT_GOAL := help
.PHONY: help install book test notebooks bench constraints chromium clean

help:
	@echo "make book [PROFILE=smoke]   run the chapters, build the book into _build/html"
	@echo "make test                   lint, types, unit tests, notebooks against their outputs, the book in a browser"
	@echo "make notebooks              run the chapters anew and store the outputs in book/"
	@echo "make bench                  time ours against others, side by side"
	@echo "make constraints            choose the newest versions of all dependencies, rewrite constraints.txt"
	@echo "make clean                  remove _build and caches (trained models stay in the store: arae doctor)"

install: $(STAMP)

$(STAMP):
	@.ci/environment "$(VENV)"
	@rm -f "$(VENV)"/.installed-*
	@touch "$@"

book: $(STAMP)
	@"$(BIN)/python" -m arae_book book --profile "$(PROFILE)"

# `arae book` runs only what changed, so after `make book` it costs seconds here. What its pages say is compared with what the
# notebooks have stored, so nbval runs one chapter again, not all (`pytest --nbval book`). A worker a core, a thread each.
test: $(STAMP) chromium
	@"$(BIN)/ruff" check .
	@"$(BIN)/ruff" format --check arae_core arae_book benchmarks
	@"$(BIN)/mypy"
	@"$(BIN)/python" -m arae_book book --profile "$(PROFILE)"
	@OMP_NUM_THREADS=1 "$(BIN)/python" -m pytest --nbval tests book/robust_features/02_inversion.ipynb -n logical --dist loadfile

notebooks: $(STAMP)
	@"$(BIN)/python" -m arae_book refresh

# On a quiet machine: nothing else should run. The others' packages are installed first.
bench: $(STAMP)
	@"$(BIN)/python" -m pip install --quiet -c constraints.txt -e ".[bench]"
	@"$(BIN)/python" -m benchmarks

# No hashes, no index, no paths: the file serves any machine and any mirror.
constraints: $(STAMP)
	@printf '%s\n' '# The versions the book is tested with, for Python 3.11 and later; made by `make constraints`.' \
		> constraints.tmp
	@"$(BIN)/uv" pip compile pyproject.toml --all-extras --universal --python-version 3.11 --quiet \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links >> constraints.tmp \
		|| { rm -f constraints.tmp; exit 1; }
	@mv constraints.tmp constraints.txt
	@echo "constraints.txt: $$(grep -c == constraints.txt) packages"

# The tests in tests/browser skip, with the reason, where there is no Chromium.
chromium:
	@.ci/chromium

clean:
	rm -rf _build .pytest_cache .ruff_cache .mypy_cache *.egg-info
	find arae_core arae_book benchmarks tests book -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf
