#!/bin/sh
# Real nodes and real clients against the gateway: installs what they need, pinned and inside this
# repository (nothing is installed twice), then runs gateway/tests/real/run.mjs with the given options.
#
#   --family NAME   only this family, may be given again: ethereum, substrate, near, icon
#   and what run.mjs takes
#
#   HEADRACE_BIN   the program to test [default: a dev build, made here]
#   SIMNODE_BIN    the simulated nodes of NEAR and ICON [default: beside HEADRACE_BIN]
#   ANVIL_BIN      the Ethereum node to use [default: the one of package-lock.json]
set -eu
cd "$(dirname "$0")/.."
tests=gateway/tests/real
VENVS=$PWD/.tools
# Raw chain specs of parachains with their runtimes, under the Apache licence.
spec_crate=polkadot-parachain-bin@5.0.0
spec=bridge-hub-polkadot.json

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

install_npm() {
    installed "$1/package-lock.json" "$1/node_modules/.installed.json" && return
    echo "real: installing the npm packages of $1/package-lock.json"
    quietly npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund
    cp "$1/package-lock.json" "$1/node_modules/.installed.json"
}

# A virtual environment for each family: their clients do not agree on versions.
install_python() {
    venv=$VENVS/real-$2
    installed "$1/requirements.txt" "$venv/requirements.txt" && return
    echo "real: installing the Python packages of $1/requirements.txt"
    need python3 python3
    rm -rf "$venv"
    mkdir -p "$VENVS"
    # Debian's python3 cannot make one before python3-venv is there.
    python3 -c 'import ensurepip' 2>/dev/null || quietly apt-get install --yes --no-install-recommends python3-venv
    quietly python3 -m venv "$venv"
    quietly "$venv/bin/python" -m pip install --quiet --no-deps -r "$1/requirements.txt"
    cp "$1/requirements.txt" "$venv/requirements.txt"
}

# cargo unpacks the crate where it keeps sources; nothing of it is compiled.
install_spec() {
    [ -f "$VENVS/$spec" ] && return
    echo "real: fetching $spec of $spec_crate"
    quietly cargo info --quiet "$spec_crate"
    for file in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$(echo "$spec_crate" | tr @ -)"/chain-specs/"$spec"; do
        cp "$file" "$VENVS/$spec"
    done
}

# tbears needs a Python that only few machines have, and a message broker. Whatever fails here is said in
# one line by the run, and fails nothing.
install_tbears() {
    TBEARS= TBEARS_MISSING=
    venv=$VENVS/real-tbears
    wanted=$tests/icon/tbears/requirements.txt
    log=$VENVS/real-tbears.log
    old_python=
    for candidate in "$HOME"/.pyenv/versions/3.7*/bin/python3.7 python3.7; do
        if [ -z "$old_python" ] && "$candidate" -c '' 2>/dev/null; then old_python=$candidate; fi
    done
    [ -n "$old_python" ] || { TBEARS_MISSING="it needs Python 3.7"; return 0; }
    if ! install_broker >"$log" 2>&1; then
        TBEARS_MISSING="it needs rabbitmq-server, which could not be installed: see $log"
        return 0
    fi
    if ! installed "$wanted" "$venv/requirements.txt"; then
        echo "real: installing the Python packages of $wanted"
        rm -rf "$venv"
        if ! { "$old_python" -m venv "$venv" &&
            "$venv/bin/python" -m pip install --quiet pip==24.0 setuptools==67.8.0 wheel==0.42.0 &&
            "$venv/bin/python" -m pip install --quiet --no-deps -r "$wanted"; } >"$log" 2>&1; then
            TBEARS_MISSING="pip could not install it: see $log"
            return 0
        fi
        cp "$wanted" "$venv/requirements.txt"
    fi
    TBEARS=$venv
}

install_broker() {
    [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || return 0
    # Where systemd runs, the package would start a server for the network.
    [ ! -d /run/systemd/system ] || { echo "not installed where it would be started as a service"; return 1; }
    apt-get install --yes --no-install-recommends rabbitmq-server
}

need node nodejs
need npm npm
families=
previous=
for option in "$@"; do
    case $previous in --family) families="$families $option" ;; esac
    case $option in --family=*) families="$families ${option#*=}" ;; esac
    previous=$option
done
for family in ${families:-ethereum substrate near icon}; do
    folder=$tests/$family
    [ -d "$folder" ] || { echo "real: there is no family $family" >&2; exit 1; }
    [ ! -f "$folder/package-lock.json" ] || install_npm "$folder"
    install_python "$folder" "$family"
    case $family in
        substrate) install_spec ;;
        icon) install_tbears ;;
    esac
done

if [ -z "${HEADRACE_BIN:-}" ]; then
    quietly cargo build -p headrace-gateway --bin headrace -p headrace-simnode --bin simnode
    HEADRACE_BIN=${CARGO_TARGET_DIR:-$PWD/target}/debug/headrace
fi

# The programs are started from other folders.
HEADRACE_BIN=$(realpath "$HEADRACE_BIN")
SIMNODE_BIN=$(realpath "${SIMNODE_BIN:-$(dirname "$HEADRACE_BIN")/simnode}")
CHAIN_SPEC=$VENVS/$spec
export TBEARS="${TBEARS:-}" TBEARS_MISSING="${TBEARS_MISSING:-}"
export VENVS HEADRACE_BIN SIMNODE_BIN CHAIN_SPEC
exec node $tests/run.mjs "$@"
