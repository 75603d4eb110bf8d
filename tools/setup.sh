#!/bin/sh
# Prepare .venv with pinned dependencies. Usage: tools/setup.sh demo|dev
# Does nothing when what it would install is already there.
set -eu
cd "$(dirname "$0")/.."
want=${1:?usage: tools/setup.sh demo|dev}

stamp=".venv/.bandsense-$want"
state=$(cat pyproject.toml constraints.txt tools/setup.sh | cksum)
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

if [ ! -x .venv/bin/python ]; then
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        tools/packages.sh python3-venv
    fi
    "$python" -m venv .venv
fi

pip() {
    .venv/bin/python -m pip --disable-pip-version-check --quiet "$@"
}

echo "Setting up .venv ($want) ..." >&2
pip install --constraint constraints.txt --upgrade pip
case $want in
demo) pip install --constraint constraints.txt --editable '.[sim]' ;;
dev)
    pip install --constraint constraints.txt --editable . --group dev
    # A tool of others that a test runs; it pins an older Bumble, which it needs for nothing there.
    pip install --constraint constraints.txt --no-deps smpmgr
    ;;
*)
    echo "unknown set-up '$want': demo or dev" >&2
    exit 2
    ;;
esac
echo "$state" >"$stamp"
