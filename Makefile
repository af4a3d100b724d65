# What a developer and CI run. Everything is installed by the targets that need it.

CARGO ?= cargo
RELEASE = target/release
SCENARIOS = $(wildcard loadtest/scenarios/*.toml)
SOAK = $(wildcard loadtest/scenarios/soak/*.toml)

.PHONY: demo test lint unit binaries scenarios real real-geth configs deploy bench fuzz soak

demo:
	$(CARGO) run --release -- demo

# Format, lints, all tests, scenarios, real nodes and clients, config and deploy checks.
test: lint unit binaries configs deploy scenarios real

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

unit:
	scripts/proxies.sh
	$(CARGO) test --workspace

binaries:
	$(CARGO) build --release --workspace --bins

# Simulated fleets under load with faults: counts and codes, generous deadlines. At full
# rate with Ethereum, and the same files with the other families, at a low one and side by side.
scenarios: binaries
	$(RELEASE)/loadtest scenario $(SCENARIOS)
	$(RELEASE)/loadtest scenario $(SCENARIOS) --family substrate,near,icon --rate-scale 0.1 --jobs 9

# Real nodes and real client libraries; installs what it needs. On real geths too, once
# `make real-geth` has built one.
real: binaries
	HEADRACE_BIN=$(RELEASE)/headrace scripts/real.sh
	HEADRACE_BIN=$(RELEASE)/headrace scripts/geth.sh --if-built

# The same on real geths, where a Go toolchain is; builds geth once, which takes minutes.
real-geth: binaries
	HEADRACE_BIN=$(RELEASE)/headrace scripts/geth.sh

configs: binaries
	for file in config/*.toml; do $(RELEASE)/headrace check $$file || exit 1; done

deploy:
	scripts/check-deploy.sh

bench:
	$(CARGO) bench -p headrace-benches

# A minute for each target; needs nightly and cargo-fuzz. The corpora are replayed by `unit`.
fuzz:
	for target in $$(cd fuzz && $(CARGO) +nightly fuzz list); do \
	  (cd fuzz && $(CARGO) +nightly fuzz run $$target -- -max_total_time=60) || exit 1; done

# The long scenarios, judged strictly: on a machine with nothing else to do. Hours in all.
soak: binaries
	scripts/slowhttp.sh
	$(RELEASE)/loadtest scenario --strict $(SOAK)
