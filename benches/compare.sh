#!/bin/sh
# Runs Headrace beside nginx and HAProxy over the same simulated nodes, with the side-by-side
# harness that PEERS names (a folder with compare.sh). Its own settings (SECS, REPS, CONNS, PIN,
# SCENARIOS, OUT) go through.
#
#   PEERS=/path/to/peers benches/compare.sh
set -eu
cd "$(dirname "$0")/.."
: "${PEERS:?names the folder of the side-by-side harness (compare.sh)}"
[ -x "$PEERS/compare.sh" ] || [ -r "$PEERS/compare.sh" ] || {
  echo "compare: $PEERS/compare.sh: no such file" >&2
  exit 2
}
port=${PORT:-18545}
cargo build --profile dist --locked --workspace --bin headrace --bin simnode
bin=$(pwd)/${CARGO_TARGET_DIR:-target}/dist
case ${CARGO_TARGET_DIR:-} in /*) bin=$CARGO_TARGET_DIR/dist ;; esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# One worker, as the peers have; the node that answers must have the harness's block.
cat >"$folder/headrace.toml" <<CONFIG
[server]
listen = ["127.0.0.1:$port"]
threads = 1
zone = "a"
[admin]
listen = "127.0.0.1:$((port + 1000))"
[log]
access = "off"
[[chains]]
name = "eth"
family = "ethereum"
identity = 1337
[[chains.pools]]
zone = "a"
nodes = [
  { name = "n1", http = "http://127.0.0.1:19001" },
  { name = "n2", http = "http://127.0.0.1:19002" },
  { name = "n3", http = "http://127.0.0.1:19003" },
]
CONFIG

# 0xff5c40 is the block that the harness asks the balance of.
export BACKEND_CMD="$bin/simnode --nodes 3 --port 19001 --control 127.0.0.1:19000 --archive 3 --start 16735296"
export GATEWAY_CMD="$bin/headrace run $folder/headrace.toml"
export GATEWAY_URL="http://127.0.0.1:$port"
export BACKEND_PORTS="19001 19002 19003"
export SCENARIOS="${SCENARIOS:-proxy}"
bash "$PEERS/compare.sh" "$GATEWAY_URL"
