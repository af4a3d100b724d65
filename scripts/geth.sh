#!/bin/sh
# The run of scripts/real.sh on real geths instead of anvils. Where a Go toolchain is, a pinned geth is
# built once, inside this repository; where none is, one line says that nothing was checked.
#
#   --if-built   use a geth that is there (GETH_BIN, or built before), and build none
#   GETH_BIN     the geth to use [default: built into .tools; takes minutes]
#   and what scripts/real.sh takes
set -eu
cd "$(dirname "$0")/.."
version=v1.17.8
folder=$PWD/.tools/geth/$version

not_checked() {
    echo "NOT CHECKED on real geths: $1"
    exit 0
}

# Downloads and intermediate files go to a folder of their own, and go away with it.
build() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' INT TERM
    echo "real-geth: building geth $version, which takes minutes"
    mkdir -p "$folder"
    GOPATH=$work/path GOMODCACHE=$work/modules GOCACHE=$work/cache GOBIN=$work/bin GOFLAGS='-trimpath -modcacherw' \
        "$1" install "github.com/ethereum/go-ethereum/cmd/geth@$version" >"$work/log" 2>&1 || {
        tail -n 20 "$work/log" >&2
        not_checked "geth $version could not be built"
    }
    mv "$work/bin/geth" "$folder/geth"
    rm -rf "$work"
    trap - EXIT INT TERM
}

if_built=
if [ "${1:-}" = --if-built ]; then
    if_built=yes
    shift
fi

if [ -z "${GETH_BIN:-}" ]; then
    GETH_BIN=$folder/geth
    if [ ! -x "$GETH_BIN" ]; then
        [ -z "$if_built" ] || not_checked "none is built here; \`make real-geth\` builds one"
        go=$(command -v go || command -v /usr/local/go/bin/go) || not_checked "no Go toolchain"
        build "$go"
    fi
fi
# The run is started from another folder.
GETH_BIN=$(realpath "$GETH_BIN")
export GETH_BIN
exec scripts/real.sh --family ethereum --nodes geth "$@"
