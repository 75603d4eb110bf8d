"""Put boot loader and images into the files that people flash.

* `.uf2`: for the board's own drive (https://github.com/microsoft/uf2), marked for this board alone;
* `-any-nrf52840.uf2`: the same with the family of the chip, for a boot loader that does not know its board;
* `.hex`: the same for a debug probe (Intel HEX), with the settings page that the board's boot loader reads;
* `.zip`: for updates over the air; both slots' images and a manifest with what Nordic's apps and tools ask
  for.

The programs are built without a key. Whoever has them (they are part of a release) makes their own sensor's
firmware with `pack.py --key`, no compiler needed.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
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
    public_bytes,
    warn_of_development_key,
    with_key,
)

PAGE = 4096
UF2_FAMILY_NRF52840 = 0xADA52840
UF2_FAMILIES = {
    # USB vendor and product of the boot loader's drive, by which it knows its own files
    # (Adafruit_nRF52_Bootloader, CFG_UF2_BOARD_APP_ID): XIAO-BOOT and XIAO-SENSE. Shops send either.
    "xiao-nrf52840": (0x28860044, 0x28860045),
}
SOC = "nRF52840"
SETTINGS_ADDRESS = 0xFF000
"""Page in which Adafruit's boot loader keeps whether there is an application (`bootloader_settings_t`)."""

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


def loader_settings() -> bytes:
    """The settings page: bank 0 holds a valid application, whose check sum is not looked at."""
    valid, no_check_sum, invalid = 0x01, 0, 0xFF
    return struct.pack("<HHHHIIIII", valid, no_check_sum, invalid, 0, 0, 0, 0, 0, 0)


def to_uf2(segments: Segments, families: Sequence[int] = (UF2_FAMILY_NRF52840,)) -> bytes:
    """A UF2 file of the segments, each filled up to whole blocks; once for each family.

    A boot loader passes over the blocks of a family that is not its own.
    """
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
            family,
        )
        + payload.ljust(476, b"\0")
        + struct.pack("<I", _UF2_END)
        for family in families
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


def build_time_s() -> int:
    """Time that files are marked with: SOURCE_DATE_EPOCH (https://reproducible-builds.org), else 1980."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or 315_532_800)


def manifest(images: dict[int, bytes], *, board: str, version: str, development: bool) -> dict[str, object]:
    """What is in the file, with every key that nRF Connect Device Manager (iOS, Android) and nRF Util read.

    The apps take `load_address`, `size` and the times as numbers, `slot` and `image_index` as text.
    """
    time_s = build_time_s()
    files = [
        {
            "type": "application",
            "board": board,
            "soc": SOC,
            "load_address": struct.unpack_from("<I", image, 4)[0],
            "image_index": "0",
            "slot_index_primary": "1",
            "slot_index_secondary": "2",
            "slot": str(slot),
            "version": version,
            "version_MCUBOOT": version,
            "version_MCUBOOT+XIP": version,
            "size": len(image),
            "file": f"{board}-{version}-slot{slot}.bin",
            "modtime": time_s,
        }
        for slot, image in images.items()
    ]
    return {
        "format-version": 1,
        "time": time_s,
        "name": "bandsense",
        "development": development,
        "files": files,
    }


def write_update(
    path: Path, images: dict[int, bytes], *, board: str, version: str, development: bool
) -> None:
    """The file for updates over the air, an image for each slot by its number. Same input, same bytes."""
    described = manifest(images, board=board, version=version, development=development)
    contents = {"manifest.json": json.dumps(described, indent=1).encode()}
    for slot, image in images.items():
        contents[f"{board}-{version}-slot{slot}.bin"] = image
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


def security_counter() -> int:
    """The counter of this release, out of the workspace's Cargo.toml."""
    workspace = Path(__file__).resolve().parents[1] / "Cargo.toml"
    metadata = tomllib.loads(workspace.read_text(encoding="utf-8"))["workspace"]["metadata"]
    return int(metadata["bandsense"]["security-counter"])


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
    parser.add_argument(
        "--security-counter",
        type=int,
        default=security_counter(),
        help="sensors that ran an image with a higher one refuse this one (default: %(default)s)",
    )
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
            with_key(elf.load_bytes, public_bytes(key)),
            version=version,
            load_address=address,
            board=arguments.board,
            key=key,
            development=development,
            security_counter=arguments.security_counter,
        )
    boot = read_elf(arguments.boot)
    loader = (boot.load_address, with_key(boot.load_bytes, public_bytes(key)))
    segments = factory_segments(loader, images[0], addresses[0])
    arguments.output.mkdir(parents=True, exist_ok=True)
    name = f"bandsense-{arguments.board}-{arguments.version}" + ("-development" if development else "")
    families = UF2_FAMILIES.get(arguments.board, (UF2_FAMILY_NRF52840,))
    (arguments.output / f"{name}.uf2").write_bytes(to_uf2(segments, families))
    (arguments.output / f"{name}-any-nrf52840.uf2").write_bytes(to_uf2(segments))
    with_settings = [*segments, (SETTINGS_ADDRESS, loader_settings())]
    (arguments.output / f"{name}.hex").write_text(to_intel_hex(with_settings), encoding="ascii")
    write_update(
        arguments.output / f"{name}.zip",
        images,
        board=arguments.board,
        version=arguments.version,
        development=development,
    )
    for suffix in (".uf2", "-any-nrf52840.uf2", ".hex", ".zip"):
        print(arguments.output / f"{name}{suffix}")
    if development:
        warn_of_development_key()


if __name__ == "__main__":
    main()
