"""The tools that sign, pack and weigh the firmware."""

from __future__ import annotations

import hashlib
import io
import struct
import sys
from pathlib import Path

import pytest
from intelhex import IntelHex
from smpclient.mcuboot import ImageInfo

from bandsense.errors import FileFormatError
from bandsense.link.firmware_file import read_firmware_file
from tests.firmware.updates import KEY, SLOTS, image, update_file
from tests.needs import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "firmware" / "tools"))
import budget
import pack
import sign

LOWEST_UF2_END = 0xA_D000
"""Some releases of the board's UF2 boot loader write only below this address."""


def segments() -> pack.Segments:
    return pack.factory_segments((0x2_7000, bytes(25_000)), image("1.2.3", 0, size=300_000), SLOTS[0])


def test_an_image_is_one_for_others_that_read_the_format(tmp_path: Path) -> None:
    path = tmp_path / "image.bin"
    path.write_bytes(image("1.2.3.4", 0))
    info = ImageInfo.load_file(str(path))
    assert (info.header.ver.major, info.header.ver.minor, info.header.ver.revision) == (1, 2, 3)
    assert info.header.ver.build_num == 4
    hashed = path.read_bytes()[: 256 + info.header.img_size]
    digest = hashlib.sha256(hashed).digest()
    assert info.get_tlv(0x10).value == digest
    KEY.public_key().verify(info.get_tlv(0x24).value, digest)


def test_the_uf2_file_is_whole_and_writable_by_every_loader() -> None:
    raw = pack.to_uf2(segments())
    blocks = [raw[at : at + 512] for at in range(0, len(raw), 512)]
    memory: dict[int, bytes] = {}
    for number, block in enumerate(blocks):
        start0, start1, flags, address, size, index, count, family = struct.unpack_from("<8I", block)
        assert (start0, start1, block[508:]) == (0x0A324655, 0x9E5D5157, struct.pack("<I", 0x0AB16F30))
        assert (flags, size, index, count, family) == (0x2000, 256, number, len(blocks), 0xADA52840)
        assert 0x2_7000 <= address <= LOWEST_UF2_END - 256
        memory[address] = block[32 : 32 + size]
    for address, data in segments():
        for at in range(0, len(data), 256):
            assert memory[address + at].startswith(data[at : at + 256])


def test_the_hex_file_holds_the_segments() -> None:
    read = IntelHex(io.StringIO(pack.to_intel_hex(segments())))
    for address, data in segments():
        assert read.tobinstr(start=address, size=len(data)) == data


def test_an_update_file_is_read_back(tmp_path: Path) -> None:
    path = update_file(tmp_path, "2.0.1")
    file = read_firmware_file(path)
    assert [found.slot for found in file.images] == [0, 1]
    assert file.images[0].version_text == "2.0.1"
    assert path.read_bytes() == update_file(tmp_path, "2.0.1").read_bytes()


def test_a_damaged_or_foreign_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "image.bin"
    good = image("1.0.0", 0)
    for bad in (good[:-1], good[:3000], b"", b"PK\3\4 not a zip", good[:400] + b"\1" + good[401:]):
        path.write_bytes(bad)
        with pytest.raises(FileFormatError, match="image"):
            read_firmware_file(path)


def test_versions() -> None:
    assert sign.parse_version("1.2.3") == (1, 2, 3, 0)
    for bad in ("1.2", "1.2.3.4.5", "1.-2.3", "a.b.c"):
        with pytest.raises(ValueError, match=r"version|invalid literal"):
            sign.parse_version(bad)


def test_frames_and_calls_are_read_from_the_disassembly() -> None:
    listing = "\n".join(
        [
            "00001000 <outer>:",
            "    1000:      \tpush\t{r4, r5, r6, r7, lr}",
            "    1002:      \tpush.w\t{r8, r9, r10, r11}",
            "    1006:      \tsub.w\tsp, sp, #1024",
            "    100a:      \tbl\t0x2000 <inner> @ imm = #4082",
            "00001010 <$d.1>:",
            "    1014:      \tblx\tr3",
            "00002000 <inner>:",
            "    2000:      \tvpush\t{d8, d9}",
            "    2004:      \tsub\tsp, #16",
        ]
    )
    functions, _ = budget.read_functions(listing)
    assert functions[0x1000].frame == 4 * 9 + 1024
    assert functions[0x1000].calls == {0x2000}
    assert functions[0x1000].indirect
    assert functions[0x2000].frame == 16 + 16
