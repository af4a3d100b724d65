#!/bin/sh
# Real Ethereum nodes and real clients against the gateway: installs what it needs, pinned and
# inside this repository (nothing is installed twice), then runs gateway/tests/real/run.mjs with the given options.
#
#   HEADRACE_BIN   the program to test [default: a dev build, made here]
#   ANVIL_BIN      the node to use [default: the one of package-lock.json]
#   PYTHON         a Python with requirements.txt installed [default: a virtual environment in .tools]
set -eu
cd "$(dirname "$0")/.."
tests=gateway/tests/real
tools=$PWD/.tools

need() {
    command -v "$1" >/dev/null || { echo "real: $1 is needed: apt install $2" >&2; exit 1; }
}

# Runs a noisy command, and shows what it said only when it fails.
quietly() {
    log=$(mktemp)
    "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; exit 1; }
    rm -f "$log"
}

# True when `$2` is the copy of `$1` that was installed last.
installed() { cmp -s "$1" "$2"; }

need node nodejs
need npm npm
if ! installed $tests/package-lock.json $tests/node_modules/.installed.json; then
    echo "real: installing the npm packages of $tests/package-lock.json"
    quietly npm ci --prefix $tests --ignore-scripts --no-audit --no-fund
    cp $tests/package-lock.json $tests/node_modules/.installed.json
fi

if [ -z "${PYTHON:-}" ]; then
    PYTHON=$tools/real/bin/python
    if ! installed $tests/requirements.txt "$tools/real/requirements.txt"; then
        echo "real: installing the Python packages of $tests/requirements.txt"
        need python3 python3
        rm -rf "$tools/real"
        mkdir -p "$tools"
        # Debian's python3 cannot make one before python3-venv is there.
        python3 -c 'import ensurepip' 2>/dev/null || quietly apt-get install --yes --no-install-recommends python3-venv
        quietly python3 -m venv "$tools/real"
        quietly "$PYTHON" -m pip install --quiet --no-deps -r $tests/requirements.txt
        cp $tests/requirements.txt "$tools/real/requirements.txt"
    fi
fi

if [ -z "${HEADRACE_BIN:-}" ]; then
    quietly cargo build -p headrace-gateway --bin headrace
    HEADRACE_BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/headrace
fi

# The program is started from other folders.
HEADRACE_BIN=$(realpath "$HEADRACE_BIN")
export PYTHON HEADRACE_BIN
exec node $tests/run.mjs "$@"
