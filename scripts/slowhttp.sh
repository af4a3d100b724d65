#!/bin/sh
# Debian's slowhttptest against the gateway: slow heads, slow bodies, slow readers, ranges. The tool
# probes beside each attack whether a new client is served within 3 s, and counts what was closed.
#
#   HEADRACE_BIN, SIMNODE_BIN   the programs to use [default: target/release]
#   SOCKETS                     connections of one attack [default: 1000]
set -eu
cd "$(dirname "$0")/.."
headrace=${HEADRACE_BIN:-target/release/headrace}
simnode=${SIMNODE_BIN:-target/release/simnode}
sockets=${SOCKETS:-1000}
# Accepted to reaped, and some for a busy machine.
seconds=24

if ! command -v slowhttptest >/dev/null; then
    apt-get install --yes --no-install-recommends slowhttptest >/dev/null 2>&1 || {
        echo "slowhttp: NOT CHECKED: slowhttptest is missing (apt install slowhttptest)"
        exit 0
    }
fi

work=$(mktemp -d)
trap 'kill $pids 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
pids=
"$simnode" --nodes 2 --port 28545 --control 127.0.0.1:28500 >"$work/simnode.log" 2>&1 &
pids="$pids $!"
printf '%s\n' '[server]' 'listen = ["127.0.0.1:28600"]' '[admin]' 'listen = "127.0.0.1:28601"' '[log]' 'access = "off"' \
    '[[chains]]' 'name = "eth"' 'family = "ethereum"' 'identity = 1337' \
    '[[chains.pools]]' 'zone = "a"' \
    'nodes = [{ name = "a1", http = "http://127.0.0.1:28545" }, { name = "a2", http = "http://127.0.0.1:28546" }]' \
    >"$work/headrace.toml"
"$headrace" run "$work/headrace.toml" >"$work/headrace.log" 2>&1 &
gateway=$!
pids="$pids $gateway"
curl --silent --fail --retry 50 --retry-delay 1 --retry-all-errors http://127.0.0.1:28600/readyz >/dev/null

failed=0
# attack NAME OPTIONS…
attack() {
    name=$1
    shift
    before=$(awk '/VmRSS/ { print $2 }' "/proc/$gateway/status")
    slowhttptest -c "$sockets" -r "$sockets" -l "$seconds" -p 3 -u http://127.0.0.1:28600/eth "$@" >"$work/$name" 2>&1 &
    tool=$!
    most=$before
    while kill -0 "$tool" 2>/dev/null; do
        now=$(awk '/VmRSS/ { print $2 }' "/proc/$gateway/status")
        [ "$now" -le "$most" ] || most=$now
        sleep 0.5
    done
    wait "$tool" || true
    # The last report: its colours are left out.
    report=$(sed 's/\x1b\[[0-9;]*[mKHJ]//g' "$work/$name")
    refused=$(printf '%s\n' "$report" | grep -c 'service available: *NO' || true)
    status=$(printf '%s\n' "$report" | grep -E '^(initializing|pending|connected|error|closed)' | tail -5 | tr -s ' ' | paste -sd, -)
    verdict=ok
    [ "$refused" -eq 0 ] || { verdict=FAILED && failed=1; }
    printf '%-7s %s: %s sockets, %s KiB each at most, %s\n' "$verdict" "$name" "$sockets" "$(((most - before) / sockets))" "$status"
}

attack slow-heads -H -i 5 -t GET
attack slow-bodies -B -i 2 -s 8192 -t POST -f application/json
attack slow-readers -X -n 3 -w 1 -y 1 -z 1 -t POST
attack ranges -R -t GET
exit $failed
