#!/bin/sh
# Install what `make hardware` needs from Debian. KiCad 9 comes from the backports suite of the mirror that this
# machine already uses where its own release has an older one. Fails only in CI, like tools/packages.sh.
set -eu
cd "$(dirname "$0")/.."
tools/packages.sh "$@"

kicad_version() {
    kicad-cli version 2>/dev/null | cut -d. -f1
}
[ "$(kicad_version || true)" != "" ] && [ "$(kicad_version)" -ge 9 ] && exit 0

give_up() {
    echo "Not installed: kicad-cli 9 ($1). To have it: sudo tools/hardware-packages.sh" >&2
    [ "${BANDSENSE_CI:-}" != 1 ] && exit 0
    exit 1
}
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || give_up "it takes root and apt-get"
. /etc/os-release
suite="$VERSION_CODENAME-backports"
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2 || give_up "the package lists cannot be updated"
if ! apt-cache policy kicad | grep -Eq '^ +([0-9]+:)?(9|[1-9][0-9])\.'; then
    mirror=$(apt-get indextargets 'Created-By: Packages' "Codename: $VERSION_CODENAME" --format '$(REPO_URI)' | head -n 1)
    [ -n "$mirror" ] || give_up "no mirror of $VERSION_CODENAME is set up"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
        >/etc/apt/sources.list.d/bandsense-backports.list
    apt-get update --quiet=2 || give_up "the backports suite cannot be read"
fi
echo "Installing KiCad 9" >&2
apt-get install --quiet=2 --yes --no-install-recommends --target-release "$suite" kicad >/dev/null ||
    apt-get install --quiet=2 --yes --no-install-recommends kicad >/dev/null ||
    give_up "apt-get failed"
[ "$(kicad_version)" -ge 9 ] || give_up "the mirror has only KiCad $(kicad_version)"
