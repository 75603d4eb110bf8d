"""Firmware images for sensors that check no signature."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from pathlib import Path

__all__ = ["unsigned_image", "unsigned_update"]


def unsigned_image(version: tuple[int, int, int], size: int = 3000) -> bytes:
    """A firmware image as the build makes it, unsigned."""
    header = struct.pack("<IIHHIIBBHI4x", 0x96F3B83D, 0, 64, 0, size, 0, *version, 0)
    manifest = struct.pack("<4s16sI8x", b"BSM1", b"virtual", 1)
    content = header + manifest + bytes(size)
    digest = hashlib.sha256(content).digest()
    return content + struct.pack("<HHHH", 0x6907, 40, 0x10, 32) + digest


def unsigned_update(path: Path, version: tuple[int, int, int]) -> Path:
    """An update file with an image for each slot; they differ, as images linked for two addresses do."""
    with zipfile.ZipFile(path, "w") as archive:
        for slot in (0, 1):
            archive.writestr(f"slot-{slot}.bin", unsigned_image(version, 3000 + slot))
        files = [{"file": f"slot-{slot}.bin", "slot": slot} for slot in (0, 1)]
        archive.writestr("manifest.json", json.dumps({"files": files}))
    return path
