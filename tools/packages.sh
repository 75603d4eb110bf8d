#!/bin/sh
# Install Debian packages where root allows it, else say which command would. Usage: tools/packages.sh NAME...
# Fails only in CI: elsewhere the tests that need a missing tool skip and name it.
set -eu
missing=""
for name in "$@"; do
    if ! dpkg-query --show --showformat='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed'; then
        missing="$missing $name"
    fi
done
[ -n "$missing" ] || exit 0

command="apt-get install --yes --no-install-recommends$missing"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian packages:$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # the list is meant to be split
    if apt-get update --quiet=2 && apt-get install --quiet=2 --yes --no-install-recommends $missing >/dev/null; then
        exit 0
    fi
fi
echo "Not installed:$missing. To have them: sudo $command" >&2
[ "${BANDSENSE_CI:-}" != 1 ]
