"""Whether the image holds a way to panic in the hot loop: from the converter's interrupt to a queued frame.

Every call of a panicking function is looked up in the line table, with the functions that were inlined around
it; one that a source file of the hot loop causes is an error. Left out are the one that the compiler puts
into every asynchronous function against being polled after its end, and what embassy's libraries assert about
their own state. The compiler may make the first one function with other panics, whose message nobody
reads; it is then known by its place, the beginning of an asynchronous function's body or an `await`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from budget import disassemble

HOT = (
    "core/src/nau7802.rs",
    "core/src/sampler.rs",
    "core/src/measurement.rs",
    "core/src/rate.rs",
    "core/src/battery.rs",
    "core/src/bytes.rs",
    "app/src/sampling.rs",
    "app/src/remote_adc.rs",
    "nrf52840/src/sampler.rs",
    "nrf52840/src/bus.rs",
)
LIBRARIES = ("/embassy-sync-", "/embassy-nrf-", "/embassy-executor-", "/embassy-time-")
_CALL = re.compile(r"^\s+([0-9a-f]+):\s+blx?(?:\.w)?\s+0x[0-9a-f]+ <(core::[^>]*(?:panic|_fail)\w*)")
_UNAVOIDABLE = "panic_const_async_fn_resumed"
_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Panic:
    """A call of a panicking function: where, and which."""

    place: str
    function: str


def panic_calls(listing: str) -> dict[int, str]:
    """Address of every call of a panicking function in a disassembly, with the function's name."""
    found = (_CALL.match(line) for line in listing.splitlines())
    return {int(call[1], 16): call[2] for call in found if call and _UNAVOIDABLE not in call[2]}


def places(path: Path, addresses: list[int]) -> Iterator[list[str]]:
    """For each address its source lines (`file:line:column`), innermost first."""
    command = ["llvm-symbolizer", "--inlines", "--functions=none", f"--obj={path}", *map(hex, addresses)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    for block in answer.strip().split("\n\n"):
        yield block.splitlines()


def blame(chain: list[str]) -> str | None:
    """The line of the hot loop that is to blame for a panic with this chain of source lines, innermost first.

    None when the hot loop is not involved, or when a library asserts something about its own state: the
    borrow of a channel within a critical section, the shape of a bus transaction.
    """
    if not any(_file(line).endswith(HOT) for line in chain):
        return None
    # Line 0 is what the compiler merged of several libraries' assertions.
    written = [line for line in chain if "/library/" not in line]
    innermost = written[0] if written else chain[0]
    if innermost.endswith(":0:0") or any(library in innermost for library in LIBRARIES):
        return None
    return next(line for line in chain if _file(line).endswith(HOT))


def is_resumption(place: str, repository: Path = _REPOSITORY) -> bool:
    """Whether a source place (`file:line:column`) is where an asynchronous function begins or goes on."""
    file, line, column = place.rsplit(":", 2)
    try:
        text = (repository / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    except (OSError, IndexError):
        return False
    return text.encode()[int(column) - 1 :].startswith((b"{", b"await"))


def _file(line: str) -> str:
    return line.rsplit(":", 2)[0]


def hot_panics(path: Path) -> list[Panic]:
    """The ways to panic in the hot loop.

    Raises:
        FileNotFoundError: no disassembler or no symbolizer is installed.
        ValueError: the image has no line table.
    """
    calls = panic_calls(disassemble(path))
    chains = list(places(path, list(calls)))
    if not any(_file(line).endswith(HOT) for chain in chains for line in chain):
        raise ValueError(f"{path} has no line table: build it with debug = 1")
    blamed = [(blame(chain), function) for chain, function in zip(chains, calls.values(), strict=True)]
    return [
        Panic(line, function)
        for line, function in blamed
        if line is not None and not ("panic_const" in function and is_resumption(line))
    ]


def main() -> None:
    """Print what was found; exit with status 1 when there is any."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("application", type=Path, help="ELF file")
    found = hot_panics(parser.parse_args().application)
    for panic in found:
        print(f"{panic.place}: can panic ({panic.function})", file=sys.stderr)
    print(f"ways to panic in the hot loop: {len(found) or 'none'}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
