"""Whatever is taken for a firmware update, it is refused in one sentence, soon and in little memory."""

from __future__ import annotations

import io
import json
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bandsense.errors import FileFormatError, UpdateError
from bandsense.link.dfu.firmware_file import FirmwareFile, FirmwareImage, read_firmware_file
from bandsense.link.dfu.update import _Update
from tests.needs import REPOSITORY, require_module


def archive(method: int = zipfile.ZIP_DEFLATED, manifest: bytes | None = None) -> bytes:
    told = json.dumps({"files": [{"file": "a.bin", "slot": 0}, {"file": "b.bin", "slot": 1}]}).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr("manifest.json", told if manifest is None else manifest)
        for name in ("a.bin", "b.bin"):
            file.writestr(name, np.random.default_rng(1).bytes(3000))
    return buffer.getvalue()


def test_a_bomb_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(archive(manifest=b" " * 40_000_000))
    tracemalloc.start()
    begin_s = time.process_time()
    with pytest.raises(FileFormatError, match="not a firmware update file"):
        read_firmware_file(path)
    taken_s, peak = time.process_time() - begin_s, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken_s < 1.0
    assert peak < 20_000_000


@pytest.mark.parametrize(
    "manifest",
    [
        *(b"", b"[" * 60_000, b"{}", b"[]", b'{"files": 3}', b'{"files": [3]}'),
        *(b'{"files": [{"file": 1, "slot": 0}]}', b'{"files": [{"file": "none", "slot": 0}]}'),
        b'{"files": [{"file": "a.bin", "slot": 1e400}]}',
    ],
)
def test_any_manifest(tmp_path: Path, manifest: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(archive(manifest=manifest))
    with pytest.raises(FileFormatError):
        read_firmware_file(path)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_any_damage(tmp_path: Path, method: int) -> None:
    whole = archive(method)
    rng = np.random.default_rng(2)
    path = tmp_path / "x.zip"
    for _ in range(300):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 3):
            data[at] = rng.integers(256)
        path.write_bytes(data[: rng.integers(len(data) // 2, len(data) + 1)])
        with pytest.raises(FileFormatError):
            read_firmware_file(path)


@pytest.mark.parametrize("development", [False, True])
def test_what_an_image_says_of_itself_is_read_and_every_changed_byte_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, development: bool
) -> None:
    monkeypatch.syspath_prepend(REPOSITORY / "firmware" / "tools")
    sign = require_module("sign", "bandsense[sign]")
    key = sign.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    about = {"version": (1, 2, 3, 0), "load_address": 0x3_2000, "board": "host", "development": development}
    whole = sign.build_image(bytes(range(200)), key=key, **about)
    path = tmp_path / "image.bin"
    path.write_bytes(whole)
    (image,) = read_firmware_file(path).images
    assert (image.version_text, image.board, image.development) == ("1.2.3", "host", development)
    hashed = whole.index(image.digest) - 8  # before the fields stand their magic and the digest's own head
    for at in range(hashed):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(FileFormatError):
            read_firmware_file(path)


def test_an_image_is_only_for_the_slot_that_does_not_run_and_only_a_newer_one() -> None:
    def image(slot: int | None, *version: int) -> FirmwareImage:
        return FirmwareImage(b"", slot, (*version, 0), "board", True, struct.pack("<I", slot or 9))  # type: ignore[arg-type]

    class Running:
        slot, version = 0, "1.2.0"

    both = FirmwareFile((image(0, 1, 3, 0), image(1, 1, 3, 0)))
    assert _Update(both, False, None).chosen(Running()).slot == 1  # type: ignore[arg-type]
    with pytest.raises(UpdateError, match="other slot"):
        _Update(FirmwareFile((image(0, 1, 3, 0),)), False, None).chosen(Running())  # type: ignore[arg-type]
    for version in ((1, 2, 0), (1, 1, 9)):
        same = FirmwareFile((image(0, *version), image(1, *version)))
        with pytest.raises(UpdateError, match="with --force"):
            _Update(same, False, None).chosen(Running())  # type: ignore[arg-type]
        assert _Update(same, True, None).chosen(Running()).slot == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("new.uf2", "over the air goes the .zip"),
        ("new.hex", "over the air goes the .zip"),
        ("new.bin", "not a"),
    ],
)
def test_a_file_for_a_cable_says_which_one_goes_over_the_air(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(bytes(4096))
    with pytest.raises(FileFormatError, match=reason):
        read_firmware_file(path)
