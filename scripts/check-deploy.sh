#!/bin/sh
# Checks what deploy/ holds with the tools of those who will read it. A tool that is not
# installed is named in one line; what it would have checked is then not checked.
#
#   scripts/check-deploy.sh            HEADRACE=path/to/headrace checks the configs too
set -eu
cd "$(dirname "$0")/.."
failed=0

has() { command -v "$1" >/dev/null 2>&1; }
skip() { echo "check-deploy: not checked: $1"; }
run() { # what, command...
  what=$1
  shift
  if out=$("$@" 2>&1); then
    echo "check-deploy: ok: $what"
  else
    echo "check-deploy: FAILED: $what"
    echo "$out"
    failed=1
  fi
}

if has promtool; then
  run "prometheus.yml and alerts.yml" promtool check config deploy/prometheus/prometheus.yml
  run "alerts fire when they should, and not else" promtool test rules deploy/prometheus/alerts.test.yml
else
  skip "alert rules and their tests (promtool is not installed)"
fi

if has systemd-analyze; then
  # The binary is not installed here; everything else about the unit is what it will be.
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' deploy/systemd/headrace.service >"$folder/headrace.service"
  run "systemd unit" systemd-analyze verify --man=no "$folder/headrace.service"
else
  skip "systemd unit (systemd-analyze is not installed)"
fi

if has docker && docker compose version >/dev/null 2>&1; then
  run "compose file" docker compose -f deploy/compose/compose.yaml config --quiet
else
  skip "compose file (docker compose is not installed)"
fi
skip "container images (they are not built here)"

if [ -n "${HEADRACE:-}" ]; then
  for config in deploy/compose/headrace.toml config/*.toml; do
    run "$config" "$HEADRACE" check "$config"
  done
else
  skip "configs (HEADRACE does not name the binary)"
fi
exit $failed
