"""Put boot loader and images into the files that people flash.

* `.uf2`: for the board's own drive (https://github.com/microsoft/uf2), family 0xADA52840;
* `.hex`: the same for a debug probe (Intel HEX);
* `.zip`: for updates over the air; both slots' images and a manifest as Nordic's tools write it.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from elf import read_elf
from sign import (
    HEADER_LENGTH,
    Version,
    build_image,
    development_key,
    load_key,
    parse_version,
    warn_of_development_key,
)

PAGE = 4096
UF2_FAMILY_NRF52840 = 0xADA52840

_UF2_PAYLOAD = 256
_UF2_START = (0x0A324655, 0x9E5D5157)
_UF2_END = 0x0AB16F30
_UF2_HAS_FAMILY = 0x2000
_HEX_LINE = 16
_MARK_CONFIRMED = 3

Segments = list[tuple[int, bytes]]


def confirmed_journal() -> bytes:
    """A journal page that says: the slot's image has proven itself, as a board's first image has."""
    word = 1 << 8 | _MARK_CONFIRMED
    return struct.pack("<II", word, ~word & 0xFFFFFFFF).ljust(PAGE, b"\xff")


def factory_segments(boot: tuple[int, bytes], image: bytes, slot_address: int) -> Segments:
    """What a new board gets: boot loader, journals (slot A confirmed, slot B forgotten), image.

    The journals' pages lie between boot loader and slot A.
    """
    journal_a, journal_b = slot_address - 2 * PAGE, slot_address - PAGE
    return [boot, (journal_a, confirmed_journal()), (journal_b, b"\xff" * PAGE), (slot_address, image)]


def to_uf2(segments: Segments) -> bytes:
    """A UF2 file of the segments, each filled up to whole blocks."""
    blocks = [
        (address + at, data[at : at + _UF2_PAYLOAD].ljust(_UF2_PAYLOAD, b"\xff"))
        for address, data in segments
        for at in range(0, len(data), _UF2_PAYLOAD)
    ]
    return b"".join(
        struct.pack(
            "<8I",
            *_UF2_START,
            _UF2_HAS_FAMILY,
            address,
            _UF2_PAYLOAD,
            number,
            len(blocks),
            UF2_FAMILY_NRF52840,
        )
        + payload.ljust(476, b"\0")
        + struct.pack("<I", _UF2_END)
        for number, (address, payload) in enumerate(blocks)
    )


def to_intel_hex(segments: Segments) -> str:
    """An Intel HEX file of the segments."""

    def record(kind: int, address: int, data: bytes) -> str:
        body = struct.pack(">BHB", len(data), address, kind) + data
        return f":{(body + bytes([-sum(body) & 0xFF])).hex().upper()}\n"

    def records() -> Iterator[str]:
        upper = -1
        for start, data in segments:
            for at in range(0, len(data), _HEX_LINE):
                address = start + at
                if address >> 16 != upper:
                    upper = address >> 16
                    yield record(4, 0, struct.pack(">H", upper))
                yield record(0, address & 0xFFFF, data[at : at + _HEX_LINE])
        yield record(1, 0, b"")

    return "".join(records())


def write_update(
    path: Path, images: dict[int, bytes], *, board: str, version: str, development: bool
) -> None:
    """The file for updates over the air, an image for each slot by its number. Same input, same bytes."""
    files = [
        {
            "type": "application",
            "board": board,
            "size": len(image),
            "file": f"{board}-{version}-slot{slot}.bin",
            "image_index": "0",
            "slot": str(slot),
            "version_MCUBOOT": version,
        }
        for slot, image in images.items()
    ]
    manifest = {"format-version": 1, "name": "bandsense", "development": development, "files": files}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [
            ("manifest.json", json.dumps(manifest, indent=1).encode()),
            *((str(entry["file"]), images[int(str(entry["slot"]))]) for entry in files),
        ]:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


def main() -> None:
    """Sign and pack what was built."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boot", type=Path, required=True, help="ELF file of the boot loader")
    parser.add_argument("--slot", type=Path, nargs=2, required=True, help="ELF files of slot A and of slot B")
    parser.add_argument("--board", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--key", type=Path, help="PEM file; without it the development key")
    parser.add_argument("--output", type=Path, required=True, help="folder")
    arguments = parser.parse_args()

    development = arguments.key is None
    key = development_key() if development else load_key(arguments.key)
    version: Version = parse_version(arguments.version)
    images: dict[int, bytes] = {}
    addresses: list[int] = []
    for number, path in enumerate(arguments.slot):
        elf = read_elf(path)
        address = elf.load_address - HEADER_LENGTH
        addresses.append(address)
        images[number] = build_image(
            elf.load_bytes,
            version=version,
            load_address=address,
            board=arguments.board,
            key=key,
            development=development,
        )
    boot = read_elf(arguments.boot)
    segments = factory_segments((boot.load_address, boot.load_bytes), images[0], addresses[0])
    arguments.output.mkdir(parents=True, exist_ok=True)
    name = f"bandsense-{arguments.board}-{arguments.version}" + ("-development" if development else "")
    (arguments.output / f"{name}.uf2").write_bytes(to_uf2(segments))
    (arguments.output / f"{name}.hex").write_text(to_intel_hex(segments), encoding="ascii")
    write_update(
        arguments.output / f"{name}.zip",
        images,
        board=arguments.board,
        version=arguments.version,
        development=development,
    )
    for suffix in ("uf2", "hex", "zip"):
        print(arguments.output / f"{name}.{suffix}")
    if development:
        warn_of_development_key()


if __name__ == "__main__":
    main()
