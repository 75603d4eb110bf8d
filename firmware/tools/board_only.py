"""How much of the project's own code runs on a board and nowhere else: lines, comments and tests left out.

Everything else is run by tests on a computer, by the host program, or under QEMU.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_COMMENT = re.compile(r"/\*.*?\*/|//.*?$", re.DOTALL | re.MULTILINE)
_TESTS = re.compile(r"^#\[cfg\(test\)\]\nmod tests", re.MULTILINE)
_FIRMWARE = Path(__file__).resolve().parents[1]
SHARE_MAX = 0.10
# Runs on the chip, and elsewhere too.
_SHARED = ("core", "update", "app", "boot")
# What boards with the same chip share.
_CHIPS = ("nrf52840",)
# Run under QEMU too.
_EMULATED = ("nrf52840/src/fault.rs", "nrf52840/src/retained.rs")
# The entry of the boot loader; its registers are written to under QEMU.
_BOARD_ONLY = ("boot/src/main.rs",)


def code_lines(text: str) -> int:
    """Lines with code, up to the tests at a file's end."""
    code = _COMMENT.sub("", _TESTS.split(text)[0])
    return sum(bool(line.strip()) for line in code.splitlines())


def sources(firmware: Path) -> Iterator[tuple[str, bool]]:
    """Every source file that goes into an image: its path, and whether it runs on a board only."""
    boards = sorted(path.name for path in firmware.glob("board-*"))
    for crate in (*_SHARED, *_CHIPS, *boards):
        for path in sorted((firmware / crate / "src").rglob("*.rs")):
            name = path.relative_to(firmware).as_posix()
            if path.name != "vectors.rs":
                chip = crate.startswith("board-") or crate in _CHIPS
                yield name, (chip and name not in _EMULATED) or name in _BOARD_ONLY


def main() -> None:
    """Print the share for each board; exit with status 1 when one is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--firmware", type=Path, default=_FIRMWARE, help=argparse.SUPPRESS)
    firmware = parser.parse_args().firmware
    counted = {
        name: (code_lines((firmware / name).read_text(encoding="utf-8")), only)
        for name, only in sources(firmware)
    }
    over = False
    for board in sorted(path.name for path in firmware.glob("board-*")):
        others = {
            name: entry
            for name, entry in counted.items()
            if not name.startswith("board-") or name.startswith(board + "/")
        }
        total = sum(lines for lines, _ in others.values())
        alone = sum(lines for lines, only in others.values() if only)
        share = alone / total
        over |= share > SHARE_MAX
        print(
            f"{board}: {alone} of {total} lines run on the board only: {share:.1%} of at most {SHARE_MAX:.0%}"
        )
    sys.exit(over)


if __name__ == "__main__":
    main()
