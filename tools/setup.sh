#!/bin/sh
# Prepare .venv with the exact versions in requirements/, checked by their hashes. Usage: tools/setup.sh demo|dev|hardware
# Does nothing when what it would install is already there.
set -eu
cd "$(dirname "$0")/.."
want=${1:?usage: tools/setup.sh demo|dev|hardware}

stamp=".venv/.bandsense-$want"
state=$(cat pyproject.toml requirements/*.txt tools/setup.sh | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ]; then
    exit 0
fi

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "bandsense needs Python 3.11 or newer; on Debian: apt-get install python3 python3-venv" >&2
    exit 1
}

case ${OS:-} in Windows_NT) bin=.venv/Scripts ;; *) bin=.venv/bin ;; esac

if [ ! -x "$bin/python" ]; then
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        tools/packages.sh python3-venv
    fi
    "$python" -m venv .venv
fi

pip() {
    "$bin/python" -m pip --disable-pip-version-check --quiet "$@"
}

echo "Setting up .venv ($want) ..." >&2
case $want in
demo | dev | hardware) ;;
*)
    echo "unknown set-up '$want': demo, dev or hardware" >&2
    exit 2
    ;;
esac
# The first brings a pip that understands the second: old ones miss the hashes of what is asked for with extras.
for part in demo "$want"; do
    pip install --require-hashes --requirement "requirements/$part.txt"
done
# The package itself is a folder that has no hash; all that it needs, its build backend too, is there by now.
pip install --no-deps --no-build-isolation --editable .
# Tools that are run without all that they would bring along.
case $want in
dev) pip install --no-deps --require-hashes --requirement requirements/smpmgr.txt ;;
hardware) pip install --no-deps --require-hashes --requirement requirements/kicad.txt ;;
esac
echo "$state" >"$stamp"
