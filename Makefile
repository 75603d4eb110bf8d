# `make demo` and `make test` set up what they need; the other targets are for daily work.

PYTHON_BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
TEST_PACKAGES := qemu-system-x86 bluez dbus busybox-static kmod cpio chromium mosquitto openssl postgresql gcc libc6-dev python3-dev
HARDWARE_PACKAGES := ngspice graphviz poppler-utils calculix-ccx prusa-slicer libegl1 libgl1 libgl1-mesa-dri \
	libglu1-mesa libxft2 libxcursor1 libxinerama1 libxrender1
FIRMWARE_PACKAGES := rustc-web cargo-web rust-web-src lld clang libclang-dev llvm qemu-system-arm

# The tests start Python a hundred times: what was compiled once is kept, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-portable coverage lint format types bench compiled pure docs messages pictures dist bump package-check firmware firmware-release firmware-test hardware lock audit fuzz home-assistant packages clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: .venv-demo ## two minutes of it: a set that is too hard, advice, one that fits, and the next time
	$(PYTHON_BIN)/bandsense demo

test: .venv-dev packages pure ## all tests, with the firmware and the real Bluetooth stack in a virtual machine
	@if command -v cargo >/dev/null || [ "$$BANDSENSE_CI" = 1 ]; then $(MAKE) -C firmware image test qemu; \
	else echo "The firmware's own tests are skipped: sudo apt-get install $(FIRMWARE_PACKAGES)"; fi
	$(PYTHON_BIN)/pytest -n 2 --dist loadgroup

# A file's tests share what they build: a worker takes whole files.
FAST := $(PYTHON_BIN)/pytest -q -n 2 --dist loadfile --hypothesis-profile fast

# Of a table of cases daily work takes two, with SAMPLE= all, as `make test` and `make coverage` do.
SAMPLE := 2

test-fast: .venv-dev pure ## the tests for daily work, about a minute on two cores; SAMPLE= for every case
	$(FAST) -n 3 $(if $(SAMPLE),--sample $(SAMPLE)) -m "not slow and not vm and not firmware"

# The rooms that meet neither a terminal nor a radio: what hosted CI runs on macOS and Windows.
PORTABLE := $(addprefix tests/,bands exercises export signal store wire workout calibration capture profiles test_public.py)

test-portable: .venv-dev pure ## the tests that need no Linux
	$(FAST) -m "not slow" $(PORTABLE)

coverage: .venv-dev pure ## the fast tests, every case, with branch coverage, which has a floor (pyproject.toml)
	$(FAST) -m "not slow and not vm and not firmware" --cov --cov-report=term

lint: .venv-dev ## rules, formatting, spelling and who imports whom; clippy and rustfmt for the firmware
	$(PYTHON_BIN)/ruff check .
	$(PYTHON_BIN)/ruff format --check .
	$(PYTHON_BIN)/codespell
	$(PYTHON_BIN)/lint-imports --no-cache --no-logo
	@if cargo clippy --version >/dev/null 2>&1 || [ "$$BANDSENSE_CI" = 1 ]; then $(MAKE) -C firmware lint; \
	else echo "The firmware is not looked at: rustup component add clippy rustfmt"; fi

format: .venv-dev ## let ruff format and mend
	$(PYTHON_BIN)/ruff format .
	$(PYTHON_BIN)/ruff check --fix .

types: .venv-dev ## mypy, strict
	$(PYTHON_BIN)/mypy

bench: .venv-dev ## every benchmark, in its quick form
	$(PYTHON_BIN)/python -m benchmarks

compiled: .venv-dev ## compile the signal chain in place, with a C compiler, for speed; tests remove that, they are of the sources
	$(PYTHON_BIN)/python tools/compiled.py

pure:
	@rm -f bandsense__mypyc.* $(wildcard $(foreach kind,so pyd,bandsense/signal/*.$(kind) bandsense/signal/*/*.$(kind)))

docs: .venv-dev ## build the documentation as HTML into build/docs; a broken reference fails
	$(PYTHON_BIN)/sphinx-build -W --keep-going -q docs build/docs
	@echo "build/docs/index.html"

messages: .venv-dev ## collect every sentence anew for the translations (bandsense/locale) and docs/messages.md
	$(PYTHON_BIN)/python tools/messages.py

pictures: .venv-dev ## draw docs/pictures anew from the product, in Chromium (Debian: chromium); look at them before you commit
	$(PYTHON_BIN)/python -m pip --disable-pip-version-check --quiet install --group pictures
	$(PYTHON_BIN)/python -m tools.pictures

dist: .venv-dev ## wheel, sdist and man page in dist/, the same bytes from the same commit
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(PYTHON_BIN)/python -m hatchling build
	$(PYTHON_BIN)/argparse-manpage --module bandsense.cli --function parser --project-name bandsense \
		--prog bandsense --manual-title "bandsense manual" --output dist/bandsense.1 \
		--description "train with a resistance band and a strain-gauge sensor"

bump: .venv-dev ## set the version of a release wherever it stands: VERSION=1.2.3 (docs/releasing.md)
	$(PYTHON_BIN)/python tools/bump.py $(VERSION)

package-check: .venv-dev ## install the wheel with and without each extra on every Python at hand; types from outside
	$(PYTHON_BIN)/python -m pip --disable-pip-version-check --quiet install --group package
	$(PYTHON_BIN)/python tools/check_package.py

firmware: .venv-dev packages ## build the sensor's image (two to five minutes the first time), check its size
	@begun=$$(date +%s); $(MAKE) -C firmware image && echo "took $$(($$(date +%s) - begun)) s"

firmware-release: .venv-dev packages ## all files of a release, from SIGNING_KEY=key.pem (docs/firmware-updates.md)
	$(MAKE) -C firmware release

firmware-test: .venv-dev packages ## the firmware's tests on this machine, over HCI too
	$(MAKE) -C firmware test
	$(PYTHON_BIN)/pytest -q tests/firmware

hardware: .venv-hardware ## check the board, its documents and the mechanics, print a table; UPDATE=1 writes pictures anew
	@tools/hardware-packages.sh $(HARDWARE_PACKAGES)
	$(PYTHON_BIN)/python tools/check_hardware.py $(if $(UPDATE),--update)

lock: .venv-dev ## choose exact versions anew after dependencies in pyproject.toml changed; UPGRADE=1 for the newest
	$(PYTHON_BIN)/python -m pip --disable-pip-version-check --quiet install --group lock
	$(PYTHON_BIN)/python tools/lock.py $(if $(UPGRADE),--upgrade)

audit: .venv-dev ## licences and known vulnerabilities of what bandsense depends on; build/sbom.cdx.json
	$(PYTHON_BIN)/python -m pip --disable-pip-version-check --quiet install --group audit
	$(PYTHON_BIN)/python tools/audit.py

fuzz: .venv-dev ## look for bytes that a parser cannot bear; SECONDS_EACH=600, TARGETS="capture frames"
	$(PYTHON_BIN)/python -m pip --disable-pip-version-check --quiet install --group fuzz
	$(PYTHON_BIN)/python tests/fuzz/fuzz.py $(or $(SECONDS_EACH),600) $(TARGETS)

home-assistant: .venv-dev ## hold MQTT discovery against Home Assistant's own schema, in an environment of its own (400 MB)
	@test -x .venv-home-assistant/bin/python || $(PYTHON_BIN)/python -m venv .venv-home-assistant
	.venv-home-assistant/bin/python -m pip --disable-pip-version-check --quiet install --upgrade pip
	.venv-home-assistant/bin/python -m pip --disable-pip-version-check --quiet install --group home-assistant
	$(PYTHON_BIN)/python tools/check_home_assistant.py .venv-home-assistant/bin/python

packages:
	@tools/packages.sh $(TEST_PACKAGES) $(FIRMWARE_PACKAGES)

clean: pure ## remove what was built, but not .venv
	rm -rf build dist htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache

.PHONY: .venv-demo .venv-dev .venv-hardware
.venv-demo .venv-dev .venv-hardware: .venv-%:
	@tools/setup.sh $*
