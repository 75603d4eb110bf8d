"""What the firmware takes of flash, RAM and stack, against `budget.toml`; more than that is an error.

The stack is bounded from the disassembly: each function's frame, the deepest path of direct calls, and for
indirect calls the deepest function whose address is taken anywhere. Executor tasks are reached from the
executor only, and a chain holds at most two other indirect calls. Interrupts nest once per priority. It is
a bound, not a measurement.
"""

from __future__ import annotations

import argparse
import re
import shutil
import struct
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from elf import Elf, read_elf

_BUDGET = Path(__file__).resolve().parents[1] / "budget.toml"
_OBJDUMPS = ("llvm-objdump", "rust-objdump", "arm-none-eabi-objdump")
_EXCEPTION_FRAME = 104 + 4  # registers and floating-point registers, aligned
_INDIRECT_CALLS = 2
_FUNCTION = re.compile(r"^([0-9a-f]{8}) <(.+)>:$")
_LINE = re.compile(r"^\s+([0-9a-f]+):\s+(\S+)\s*(.*)$")
_TARGET = re.compile(r"0x([0-9a-f]+)\b.*<")
_REGISTERS = re.compile(r"\{(.+)\}")
_SUB_SP = re.compile(r"^sp,(?: sp,)? #(\d+|0x[0-9a-f]+)")
_IMMEDIATE = re.compile(r"^(\w+), #(\d+|0x[0-9a-f]+)")


@dataclass(slots=True)
class Function:
    """A function as the disassembly shows it."""

    name: str
    frame: int = 0
    calls: set[int] = field(default_factory=set)
    indirect: bool = False


def register_count(text: str) -> int:
    """How many registers a list such as `r4-r7, lr` names."""
    count = 0
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        count += int(last[1:]) - int(first[1:]) + 1 if last else 1
    return count


def disassemble(path: Path) -> str:
    """The program as text.

    Raises:
        FileNotFoundError: no disassembler is installed.
    """
    tool = next(filter(None, map(shutil.which, _OBJDUMPS)), None)
    if tool is None:
        raise FileNotFoundError(f"none of {', '.join(_OBJDUMPS)} is installed (Debian: apt install llvm)")
    command = [tool, "-d", "--demangle", "--no-show-raw-insn", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


def read_functions(listing: str) -> tuple[dict[int, Function], set[int]]:
    """Functions by address, and every constant that the code loads (some are addresses of functions)."""
    functions: dict[int, Function] = {}
    constants: set[int] = set()
    low: dict[str, int] = {}
    current = Function("")
    for line in listing.splitlines():
        if head := _FUNCTION.match(line):
            if not head[2].startswith("$"):  # marks of where code and data begin, within a function
                current = functions.setdefault(int(head[1], 16), Function(head[2]))
            continue
        if not (parsed := _LINE.match(line)):
            continue
        operation, operands = parsed[2].split(".")[0], parsed[3]
        if operation in ("push", "stmdb") and (registers := _REGISTERS.search(operands)):
            current.frame += 4 * register_count(registers[1])
        elif operation == "vpush" and (registers := _REGISTERS.search(operands)):
            current.frame += 8 * register_count(registers[1])
        elif operation in ("sub", "subw") and (amount := _SUB_SP.match(operands)):
            current.frame += int(amount[1], 0)
        elif operation in ("bl", "b", "blx") and (target := _TARGET.search(operands)):
            current.calls.add(int(target[1], 16) & ~1)
        elif operation == "blx" or (operation == "bx" and "lr" not in operands):
            current.indirect = True
        elif operation == "movw" and (immediate := _IMMEDIATE.match(operands)):
            low[immediate[1]] = int(immediate[2], 0)
        elif operation == "movt" and (immediate := _IMMEDIATE.match(operands)) and immediate[1] in low:
            constants.add(int(immediate[2], 0) << 16 | low[immediate[1]])
    for function in functions.values():
        function.calls = {target for target in function.calls if target in functions}
    return functions, constants


def words(elf: Elf) -> set[int]:
    """Every aligned word of the program's constants and code."""
    found: set[int] = set()
    for section in elf.sections.values():
        data = section.data[: len(section.data) & ~3]
        found.update(word for (word,) in struct.iter_unpack("<I", data))
    return found


def worst_stack(path: Path, priorities: dict[str, int]) -> tuple[int, dict[str, int]]:
    """Bound of the stack, and its parts: the thread and each interrupt priority, frames included."""
    elf = read_elf(path)
    functions, constants = read_functions(disassemble(path))
    taken = {word & ~1 for word in words(elf) | constants if word & 1 and word & ~1 in functions}
    handlers = {elf.functions[name]: level for name, level in priorities.items() if name in elf.functions}
    tasks = {at for at in taken if "TaskStorage" in functions[at].name and "poll" in functions[at].name}
    others = taken - tasks - set(handlers) - {elf.functions.get("Reset", 0)}

    @cache
    def depth(at: int, indirect_left: int, tasks_left: bool) -> int:
        return _deepest(at, indirect_left, tasks_left, frozenset())

    def _deepest(at: int, indirect_left: int, tasks_left: bool, path: frozenset[int]) -> int:
        if at in path:
            return 0
        function, path = functions[at], path | {at}
        below = max((_deepest(to, indirect_left, tasks_left, path) for to in function.calls), default=0)
        if function.indirect and "executor" in function.name and tasks_left:
            below = max([below, *(depth(to, indirect_left, False) for to in tasks)])
        if function.indirect and indirect_left:
            below = max([below, *(depth(to, indirect_left - 1, tasks_left) for to in others)])
        return function.frame + below

    parts = {"thread": depth(elf.functions["Reset"], _INDIRECT_CALLS, True)}
    for at, level in handlers.items():
        name = f"priority {level}"
        parts[name] = max(parts.get(name, 0), depth(at, _INDIRECT_CALLS, level == 3) + _EXCEPTION_FRAME)
    return sum(parts.values()), parts


def main() -> None:
    """Print the table; exit with status 1 when something is over its budget."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boot", type=Path, required=True, help="ELF file of the boot loader")
    parser.add_argument("--application", type=Path, required=True, help="ELF file of the application")
    arguments = parser.parse_args()
    settings = tomllib.loads(_BUDGET.read_text(encoding="utf-8"))
    boot, application = read_elf(arguments.boot), read_elf(arguments.application)
    stack, parts = worst_stack(arguments.application, settings["interrupt-priorities"])
    ram = sum(application.sections[name].size for name in (".data", ".bss", ".uninit"))
    rows = [
        ("boot loader, flash", len(boot.load_bytes), "boot-flash"),
        ("application, flash", len(application.load_bytes), "application-flash"),
        ("application, static RAM", ram, "application-ram"),
        ("application, stack (bound)", stack, "application-stack"),
    ]
    over = False
    print(f"{'bytes':28}{'used':>9}{'budget':>9}{'there is':>10}")
    for title, used, key in rows:
        limit, available = settings["budget"][key], settings["available"][key]
        over |= used > limit
        print(f"{title:28}{used:9}{limit:9}{available:10}{'  OVER BUDGET' if used > limit else ''}")
    print("stack: " + ", ".join(f"{name} {size}" for name, size in parts.items()))
    sys.exit(over)


if __name__ == "__main__":
    main()
