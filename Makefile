# The README's two commands are `make check` and `make test`. Both work in a fresh clone with
# nothing but Python 3.11 or newer (with venv) and make; everything is installed into .venv.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: check test pins agree findings claims bench peers sysfs kernels clients sev-crate fuzz kills bench-serve mutations clean

check: .venv/installed
	$(BIN)/softsnp check

test: .venv/installed-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto

# The verdicts, lengths and counts under tests/designs/, made anew.
pins: .venv/installed-test
	$(BIN)/python -m tests.designs.regenerate

# What the oracle counts on the whole survey, under tests/designs/oracle/, made anew, and every
# engine compared with it.
agree: .venv/installed-test
	$(BIN)/python -m tests.designs.agree

# The pages of what is found wrong, and of what was claimed, made anew from explorations.
findings: .venv/installed
	$(BIN)/softsnp findings > docs/findings.new && mv docs/findings.new docs/findings.md

claims: .venv/installed
	$(BIN)/softsnp claims --format markdown > docs/claims.new && mv docs/claims.new docs/claims.md

# The model checkers that bench/ compares with, into build/peers: what of them can be had here.
peers: .venv/installed
	$(BIN)/python -m bench.peers

# The figures of docs/performance.md, made anew. Needs spin and gcc, and the machine to itself.
bench: peers
	$(BIN)/python -m bench --write docs/performance.md

# The recordings in recordings/sysfs, made anew from Debian's newest kernels, which it downloads into
# build/. Needs qemu-system-x86_64 and gcc with a static C library.
sysfs:
	$(PYTHON) -m recordings.sysfs.record recordings/sysfs/debian-6.12.json
	$(PYTHON) -m recordings.sysfs.record --suite trixie-backports recordings/sysfs/debian-7.3.json

# The recordings in recordings/kernels, made anew by kernels' own code. Downloads 2.2 GB into build/.
kernels: .venv/installed-test
	$(BIN)/python -m recordings.kernels.fetch
	for name in linux-6.12 linux-7.3; do $(BIN)/softsnp conform --record recordings/kernels \
	  --vmlinux build/kernels/$$name/vmlinux --module build/kernels/$$name/ccp.ko || exit; done

# Unmodified programs for the tests of the virtual host, into build/clients.
clients:
	$(PYTHON) -m clients.fetch

# What of the sev crate's own tests passes, on three kernels. Needs cargo, pkg-config and libssl-dev.
sev-crate: .venv/installed
	for design in linux-6.12 linux-tip-2026-06 linux-7.3; do echo "# $$design"; \
	  $(BIN)/python -m clients.sev_crate --features dangerous_hw_tests --host \
	  "softsnp run --cpuid --generation genoa --design $$design --" || true; \
	  done > clients/sev_crate.txt

# What CI does in part: 200,000 random calls of /dev/sev, and 200 hosts of which something is killed.
fuzz: .venv/installed-test
	$(BIN)/python -m tests.serve.fuzzing --calls 200000 --seed 1

kills: .venv/installed-test
	$(BIN)/python -m tests.serve.load.killing --rounds 200 --seed 1

# The figures of docs/serving-performance.md, made anew.
bench-serve: .venv/installed
	$(BIN)/python -m bench.serve --write docs/serving-performance.md

# Mistakes in the specification: which recording catches each, and which verdict.
mutations: .venv/installed-test
	$(BIN)/python -m tests.conform.mutate
	$(BIN)/python -m tests.designs.mutate

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo 'softsnp needs Python 3.11 or newer; "$(PYTHON)" is older or missing.' \
	    'Say which to use: make PYTHON=python3.12' >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo 'softsnp needs the venv module; on Debian: apt install python3-venv' >&2; exit 2; }
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[native,run]'
	@touch $@

.venv/installed-test: pyproject.toml .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ .venv/installed

clean:
	rm -rf .venv build dist
