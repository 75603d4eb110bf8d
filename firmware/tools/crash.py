"""Where a sensor crashed: turns what `bandsense sensors info` shows of the last crash into a source line.

Needs the program that ran (`slot-a.elf` or `slot-b.elf` of its release) and llvm-symbolizer.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from elf import Elf, read_elf

KINDS = {1: "panic", 2: "hard fault", 3: "watchdog", 4: "stack overflow", 5: "Bluetooth controller"}
# Configurable fault status (ARMv7-M architecture reference manual, B3.2.15).
_FAULTS = {
    0: "instruction fetched from where none may be",
    1: "access to where none may be",
    4: "stack outgrew its memory",
    8: "bus error on fetching an instruction",
    9: "bus error on an access",
    10: "bus error, place not exact",
    16: "undefined instruction",
    17: "Thumb state lost",
    24: "unaligned access",
    25: "division by zero",
}
_PATH_MAX = 256


def text_at(elf: Elf, address: int) -> str | None:
    """The path of a source file whose first character lies at `address`, as a panic notes it."""
    offset = address - elf.load_address
    if not 0 <= offset < len(elf.load_bytes):
        return None
    text = elf.load_bytes[offset : offset + _PATH_MAX]
    end = text.find(b".rs")
    return text[: end + 3].decode("ascii", "replace") if end > 0 else None


def faults(status: int) -> str:
    """What the fault status says."""
    found = [words for bit, words in _FAULTS.items() if status >> bit & 1]
    return ", ".join(found) or "no reason noted"


def source_lines(path: Path, address: int) -> list[str]:
    """The functions and lines that the instruction belongs to, innermost first.

    Raises:
        FileNotFoundError: llvm-symbolizer is not installed.
    """
    command = ["llvm-symbolizer", "--inlines", "--demangle", "--pretty-print", f"--obj={path}", hex(address)]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    except FileNotFoundError:
        raise FileNotFoundError("llvm-symbolizer is not installed: sudo apt-get install llvm") from None
    return [line.strip() for line in answer.strip().splitlines()]


def explain(path: Path, kind: int, program_counter: int, detail: int) -> list[str]:
    """Lines that say what happened and where."""
    lines = [KINDS.get(kind, f"unknown kind {kind}")]
    elf = read_elf(path)
    if kind == 1:
        file = text_at(elf, program_counter)
        return [
            *lines,
            f"{file}:{detail}" if file else "the file's name is not in this program: is it the right one?",
        ]
    if kind in (2, 4):
        lines.append(faults(detail))
    inside = 0 <= program_counter - elf.load_address < len(elf.load_bytes)
    if not program_counter:
        return [*lines, "no place was noted"]
    if not inside:
        return [*lines, f"{program_counter:#x} is not in this program: try the other slot's"]
    return lines + source_lines(path, program_counter)


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    number = lambda text: int(text, 0)  # noqa: E731
    parser.add_argument("program", type=Path, help="slot-a.elf or slot-b.elf")
    parser.add_argument("kind", type=int, help=", ".join(f"{n} {kind}" for n, kind in KINDS.items()))
    parser.add_argument("program_counter", type=number, help="as shown, for example 0x3f2a8")
    parser.add_argument("detail", type=number, nargs="?", default=0, help="line of a panic, or fault status")
    arguments = parser.parse_args()
    try:
        print(
            *explain(arguments.program, arguments.kind, arguments.program_counter, arguments.detail), sep="\n"
        )
    except (ValueError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
