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

echo "Setting up .venv ($want): a minute or two, once ..." >&2
if [ ! -x "$bin/python" ]; then
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        tools/packages.sh python3-venv
    fi
    "$python" -m venv .venv
fi

pip() {
    "$bin/python" -m pip --disable-pip-version-check "$@"
}

# Install what a file of requirements/ lists, with hashes checked, and tell how far it is: by uv where that is at hand.
install() {
    total=$(grep -c '^[A-Za-z0-9]' "requirements/$1.txt")
    echo "  $total packages of requirements/$1.txt" >&2
    if command -v uv >/dev/null; then
        uv pip install --python "$bin/python" --require-hashes --compile-bytecode \
            --requirement "requirements/$1.txt" >&2
        return
    fi
    status=$({
        {
            pip install --progress-bar off --require-hashes --requirement "requirements/$1.txt" 2>&1
            echo $? >&3
        } | tell_progress "$total" >&2
    } 3>&1)
    [ "$status" = 0 ]
}

# One line a tenth of the packages, and whatever is no matter of course.
tell_progress() {
    step=$(($1 / 10 + 1)) seen=0
    while IFS= read -r line; do
        case $line in
        Collecting*)
            seen=$((seen + 1))
            [ $((seen % step)) != 0 ] || echo "  $seen of $1 fetched"
            ;;
        "Installing collected packages"*) echo "  all fetched; unpacking (as long again)" ;;
        *ERROR* | *WARNING* | *error:*) echo "  $line" ;;
        esac
    done
}

case $want in
demo | dev | hardware) ;;
*)
    echo "unknown set-up '$want': demo, dev or hardware" >&2
    exit 2
    ;;
esac
# The first brings a pip that understands the second: old ones miss the hashes of what is asked for with extras.
for part in demo $([ "$want" = demo ] || echo "$want"); do
    install "$part"
done
# The package itself is a folder that has no hash; all that it needs, its build backend too, is there by now.
pip install --quiet --no-deps --no-build-isolation --editable .
# Tools that are run without all that they would bring along.
case $want in
dev) pip install --quiet --no-deps --require-hashes --requirement requirements/smpmgr.txt ;;
hardware) pip install --quiet --no-deps --require-hashes --requirement requirements/kicad.txt ;;
esac
echo "$state" >"$stamp"
