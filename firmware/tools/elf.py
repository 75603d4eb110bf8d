"""Reading what the linker made: loadable bytes, sections and symbols of a 32-bit little-endian ELF file."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_PT_LOAD = 1
_SHT_SYMTAB = 2
_SHT_NOBITS = 8
_SHF_ALLOC = 2
_STT_FUNC = 2


@dataclass(frozen=True, slots=True)
class Section:
    """A section that takes memory on the chip."""

    name: str
    address: int
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Elf:
    """What this project needs of an ELF file.

    Attributes:
        load_address: where the first loadable byte goes.
        load_bytes: everything that has to be in flash, gaps filled with 0xFF.
        sections: sections that take memory on the chip; those without content have no data.
        functions: address of each function by name, without the Thumb bit.
    """

    load_address: int
    load_bytes: bytes
    sections: dict[str, Section]
    functions: dict[str, int]


def read_elf(path: Path) -> Elf:
    """Read an ELF file.

    Raises:
        ValueError: the file is not a 32-bit little-endian ELF file.
    """
    raw = path.read_bytes()
    if raw[:6] != b"\x7fELF\x01\x01":
        raise ValueError(f"{path} is not a 32-bit little-endian ELF file")
    (program_at, section_at) = struct.unpack_from("<II", raw, 28)
    (program_size, program_count, section_size, section_count, names_index) = struct.unpack_from(
        "<5H", raw, 42
    )
    address, content = _load(raw, program_at, program_size, program_count)
    headers = [struct.unpack_from("<10I", raw, section_at + i * section_size) for i in range(section_count)]
    names = headers[names_index][4]
    sections = {
        _text(raw, names + header[0]): Section(
            _text(raw, names + header[0]),
            header[3],
            header[5],
            b"" if header[1] == _SHT_NOBITS else raw[header[4] : header[4] + header[5]],
        )
        for header in headers
        if header[2] & _SHF_ALLOC
    }
    return Elf(address, content, sections, _functions(raw, headers))


def _load(raw: bytes, at: int, size: int, count: int) -> tuple[int, bytes]:
    segments = []
    for i in range(count):
        kind, offset, _, physical, file_size = struct.unpack_from("<5I", raw, at + i * size)
        if kind == _PT_LOAD and file_size:
            segments.append((physical, raw[offset : offset + file_size]))
    start = min(physical for physical, _ in segments)
    content = bytearray(b"\xff" * (max(physical + len(data) for physical, data in segments) - start))
    for physical, data in segments:
        content[physical - start : physical - start + len(data)] = data
    return start, bytes(content)


def _functions(raw: bytes, headers: list[tuple[int, ...]]) -> dict[str, int]:
    functions: dict[str, int] = {}
    for header in headers:
        if header[1] != _SHT_SYMTAB:
            continue
        names = headers[header[6]][4]
        for at in range(header[4], header[4] + header[5], 16):
            name, value, _, info = struct.unpack_from("<IIIB", raw, at)
            if info & 15 == _STT_FUNC:
                functions[_text(raw, names + name)] = value & ~1
    return functions


def _text(raw: bytes, at: int) -> str:
    return raw[at : raw.index(0, at)].decode()
