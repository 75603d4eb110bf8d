"""Make a signed image of what the linker made, in MCUboot's format.

The layout is that of https://docs.mcuboot.com/design.html#image-format: a header of 32 bytes, padded to
256, the body, the security counter as a protected field, and the fields SHA-256, key hash and Ed25519
signature of the SHA-256. The padding says which board the image is made for. The programs are built without
a key: where it belongs is a placeholder, which is replaced when an image is packed. Keys are PEM files
(PKCS 8), as `openssl genpkey -algorithm ed25519` writes them.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

HEADER_LENGTH = 256
DEVELOPMENT_KEY = Path(__file__).resolve().parents[1] / "keys" / "development.pem"

_HEADER = struct.Struct("<IIHHIIBBHI4x")
_MANIFEST = struct.Struct("<4s16sI8x")
_MAGIC = 0x96F3B83D
_ROM_FIXED = 0x100
_DEVELOPMENT = 1
_TLV_MAGIC = 0x6907
_TLV_KEY_HASH = 0x01
_TLV_SHA256 = 0x10
_TLV_ED25519 = 0x24
_PROTECTED_TLV_MAGIC = 0x6908
_TLV_SECURITY_COUNTER = 0x50
_SECURITY_COUNTER_MAX = 0xFF_FFFF  # what the boot loader can remember
KEY_PLACEHOLDER = (Path(__file__).resolve().parent / "key-placeholder.bin").read_bytes()
"""Stands in a program where the signer's public key belongs."""

Version = tuple[int, int, int, int]


def parse_version(text: str) -> Version:
    """`major.minor.revision`, and `.build` where there is one.

    Raises:
        ValueError: the text is no such version.
    """
    parts = [int(part) for part in text.split(".")]
    if not 3 <= len(parts) <= 4 or any(part < 0 for part in parts):
        raise ValueError(f"{text} is not a version such as 1.2.3")
    major, minor, revision, build = (*parts, 0)[:4]
    return major, minor, revision, build


def build_image(
    body: bytes,
    *,
    version: Version,
    load_address: int,
    board: str,
    key: Ed25519PrivateKey,
    development: bool = False,
    security_counter: int = 0,
) -> bytes:
    """A signed image. `load_address` is that of the header; the body is linked for 256 bytes further on.

    Raises:
        ValueError: the security counter is out of range.
    """
    if not 0 <= security_counter <= _SECURITY_COUNTER_MAX:
        raise ValueError(f"a security counter is from 0 to {_SECURITY_COUNTER_MAX}, not {security_counter}")
    protected = struct.pack("<HHHHI", _PROTECTED_TLV_MAGIC, 12, _TLV_SECURITY_COUNTER, 4, security_counter)
    header = _HEADER.pack(
        _MAGIC, load_address, HEADER_LENGTH, len(protected), len(body), _ROM_FIXED, *version
    )
    manifest = _MANIFEST.pack(b"BSM1", board.encode(), _DEVELOPMENT if development else 0)
    hashed = (header + manifest).ljust(HEADER_LENGTH, b"\0") + body + protected
    digest = hashlib.sha256(hashed).digest()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fields = [
        (_TLV_SHA256, digest),
        (_TLV_KEY_HASH, hashlib.sha256(public).digest()),
        (_TLV_ED25519, key.sign(digest)),
    ]
    trailer = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in fields)
    return hashed + struct.pack("<HH", _TLV_MAGIC, 4 + len(trailer)) + trailer


def load_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        ValueError: the file holds another kind of key.
    """
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} is not an Ed25519 key")
    return key


def development_key() -> Ed25519PrivateKey:
    """The development key of this checkout, made on first use. It never leaves the machine by git."""
    if not DEVELOPMENT_KEY.exists():
        key = Ed25519PrivateKey.generate()
        DEVELOPMENT_KEY.parent.mkdir(exist_ok=True)
        DEVELOPMENT_KEY.touch(mode=0o600)
        DEVELOPMENT_KEY.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return load_key(DEVELOPMENT_KEY)


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The public half, as the firmware embeds it: 32 bytes."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def with_key(program: bytes, public: bytes) -> bytes:
    """The program with the signer's public key where the placeholder was.

    Raises:
        ValueError: the placeholder is not there, or was taken apart by the compiler.
    """
    replaced = program.replace(KEY_PLACEHOLDER, public)
    pieces = [KEY_PLACEHOLDER[at : at + 4] for at in range(0, len(KEY_PLACEHOLDER), 4)]
    if replaced == program or any(piece in replaced for piece in pieces):
        raise ValueError(
            "the program does not hold the key's placeholder as a whole: build it with make -C firmware"
        )
    return replaced


def warn_of_development_key() -> None:
    """Say loudly that an image is for the bench only."""
    line = "!" * 78
    print(
        f"{line}\n!! DEVELOPMENT KEY: a sensor with this firmware takes updates from whoever has\n"
        "!! firmware/keys/development.pem. Never give such a sensor away. For a release:\n"
        f"!! make image SIGNING_KEY=/path/to/key.pem\n{line}",
        file=sys.stderr,
    )
