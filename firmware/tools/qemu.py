"""Run core, update and boot loader as a Cortex-M4's code under QEMU, and count instructions against
`budget.toml`.

Three runs of the program in `firmware/qemu`: its tests; the boot loader with the chip's own registers,
whose writes QEMU logs; and the measurements, where QEMU's clock advances by instructions, so that they come
out the same every time. A measurement above its budget is an error, and so is a budget of twice what is
needed: a change that doubles the work must not fit.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

_BUDGET = Path(__file__).resolve().parents[1] / "budget.toml"
_MACHINE = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "null"]
_TIMEOUT_S = 120
_MEASURED = re.compile(r"^instructions (\S+) (\d+)$", re.MULTILINE)
# What has to be in the log: offsets and values, as the nRF52840's product specification has them.
_REGISTERS = {
    "instruction cache on": "offset 0xe540, value 0x00000001",
    "everything below the journals locked: from": "offset 0xe800, value 0x00000000",
    "everything below the journals locked: length": "offset 0xe804, value 0x00030000",
    "everything below the journals locked: writing": "offset 0xe808, value 0x00000002",
    "UF2 boot loader locked: from": "offset 0xe810, value 0x000f4000",
    "UF2 boot loader locked: length": "offset 0xe814, value 0x0000c000",
    "UF2 boot loader locked: writing": "offset 0xe818, value 0x00000002",
    "watchdog: 8 s of 32 768 Hz": "offset 0x504, value 0x0003ffff",
    "watchdog: one channel": "offset 0x508, value 0x00000001",
    "watchdog: started": "offset 0x000, value 0x00000001",
    "divider of the cell held low": "addr 0x5000050C",
    "red light on": "addr 0x5000050C",
    "red light off": "addr 0x50000508",
    "button pulled up": "addr 0x5000070C",
    "button read": "addr 0x50000510",
}


class QemuError(Exception):
    """The program failed, or did not do what it should."""


def run(program: Path, what: str, *options: str) -> str:
    """What the program prints.

    Raises:
        QemuError: it failed or did not end.
    """
    config = f"enable=on,target=native,arg={what}"
    command = [*_MACHINE, *options, "-semihosting-config", config, "-kernel", str(program)]
    try:
        ended = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except FileNotFoundError:
        raise QemuError("qemu-system-arm is not installed: sudo apt-get install qemu-system-arm") from None
    except subprocess.TimeoutExpired:
        raise QemuError(f"{what}: no end after {_TIMEOUT_S} s") from None
    # Semihosting prints to standard error or output, by version.
    printed = ended.stdout + ended.stderr
    if ended.returncode:
        raise QemuError(f"{what} failed:\n{printed}")
    return printed


def missing_registers(log: str) -> list[str]:
    """Registers that the boot loader should have written to and has not."""
    return [name for name, trace in _REGISTERS.items() if trace not in log]


def check_boot(program: Path) -> str:
    """Go through the boot loader into an image.

    Raises:
        QemuError: the image did not start, or a register was left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        printed = run(program, "boot", "-d", "unimp,guest_errors", "-D", str(log))
        if "ok the image runs" not in printed:
            raise QemuError(f"the image did not start:\n{printed}")
        if missing := missing_registers(log.read_text(encoding="utf-8")):
            raise QemuError("not written: " + ", ".join(missing))
    return f"ok the boot loader writes {len(_REGISTERS)} registers as specified and starts an image\n"


def measurements(printed: str) -> dict[str, int]:
    """Instructions by name."""
    return {name: int(count) for name, count in _MEASURED.findall(printed)}


def complaints(measured: dict[str, int], budget: dict[str, int]) -> list[str]:
    """What is over its budget, has none, has one that a doubling would fit into, or was not measured."""
    found = [f"{name}: budgeted, but not measured" for name in budget.keys() - measured.keys()]
    for name, count in measured.items():
        limit = budget.get(name)
        if limit is None:
            found.append(f"{name}: {count}, without a budget")
        elif count > limit:
            found.append(f"{name}: {count} instructions, {limit} allowed")
        elif limit >= 2 * count:
            found.append(f"{name}: {count} instructions, {limit} allowed: lower the budget")
    return found


def main() -> None:
    """Run all three; exit with status 1 when anything is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("program", type=Path, help="ELF file of bandsense-qemu")
    program = parser.parse_args().program
    budget = tomllib.loads(_BUDGET.read_text(encoding="utf-8"))["instructions"]
    try:
        print(run(program, "test"), end="")
        print(run(program, "crash"), end="")
        print(check_boot(program), end="")
        measured = measurements(run(program, "measure", "-icount", "shift=0"))
    except QemuError as error:
        sys.exit(str(error))
    print(f"{'instructions':28}{'used':>12}{'budget':>12}{'ms at 64 MHz':>14}")
    for name, count in measured.items():
        print(f"{name:28}{count:12}{budget.get(name, 0):12}{count / 64_000:14.2f}")
    if wrong := complaints(measured, budget):
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
