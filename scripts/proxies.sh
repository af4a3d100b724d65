#!/bin/sh
# The proxies that requests are also sent to, to see that they read them as we do
# (gateway/tests/support/differential): installs what is missing, or says what is not checked.
set -eu
missing=
for program in nginx haproxy; do
    [ -x "/usr/sbin/$program" ] || [ -x "/usr/local/sbin/$program" ] || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    # shellcheck disable=SC2086 # words of a list
    apt-get install --yes --no-install-recommends $missing >/dev/null && exit 0
fi
echo "proxies: NOT CHECKED: how$missing would read our requests (apt install$missing)" >&2
