"""Signatures of prescriptions: Ed25519 (RFC 8032), with a key that the clinician keeps (extra `sign`).

What is signed is the content of the prescription without its signature and without whatever has its default,
as JSON with sorted keys and without white space, UTF-8: the JSON Canonicalization Scheme (RFC 8785), as far
as the format's values go. So TOML and JSON of it, comments, the order of lines, and defaults that are written
or left out make no difference.

A signature tells that whoever keeps the key wrote this, and that nothing was changed since. It does not tell
who keeps the key: the two compare its fingerprint once, on paper or by voice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandsense.errors import ConfigError, MissingExtra
from bandsense.language import Message
from bandsense.profiles.prescription import Prescription, Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["canonical", "check_signature", "digest", "fingerprint", "make_key", "sign"]

_FINGERPRINT_DIGITS = 16


def canonical(prescription: Prescription) -> bytes:
    """Give the bytes that are signed."""
    content = prescription.model_copy(update={"signature": None}).content(whole=False)
    plain = _whole_numbers(content)
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _whole_numbers(value: Any) -> Any:
    """Write 90.0 as 90, as RFC 8785 does."""
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def digest(prescription: Prescription) -> str:
    """Give the SHA-256 of the content in hexadecimal; a signature does not change it."""
    return hashlib.sha256(canonical(prescription)).hexdigest()


def fingerprint(signature: Signature) -> str:
    """Give a key in a form to read aloud: the first 16 digits of its SHA-256, in groups of four."""
    text = hashlib.sha256(_bytes(signature.key, Message("the key"))).hexdigest()[:_FINGERPRINT_DIGITS]
    return "-".join(text[at : at + 4] for at in range(0, _FINGERPRINT_DIGITS, 4))


def make_key(path: Path) -> str:
    """Make a key and keep it in a new file that only its owner can read; gives its fingerprint.

    Raises:
        ConfigError: the file exists, or cannot be written.
        MissingExtra: the library that signs is not installed.
    """
    _require_library()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except FileExistsError:
        raise ConfigError(
            Message("{path} exists already, and a key is never overwritten; choose another name", path=path)
        ) from None
    except OSError as error:
        raise ConfigError(
            Message("{path} cannot be written: {error}; choose another place", path=path, error=error)
        ) from error
    return fingerprint(Signature(key=_public(key), value=""))


def sign(prescription: Prescription, key_file: Path) -> Prescription:
    """Give the prescription with a signature in place of any before.

    Raises:
        ConfigError: the key cannot be read.
        MissingExtra: the library that signs is not installed.
    """
    key = _private_key(key_file)
    value = base64.b64encode(key.sign(canonical(prescription))).decode()
    return prescription.model_copy(update={"signature": Signature(key=_public(key), value=value)})


def check_signature(prescription: Prescription) -> str | None:
    """Check that nothing was changed since it was signed; gives the key's fingerprint, None if unsigned.

    Raises:
        ConfigError: something was changed, or the signature is damaged.
        MissingExtra: the library that checks is not installed.
    """
    signature = prescription.signature
    if signature is None:
        return None
    _require_library()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    value = _bytes(signature.value, Message("the value"))
    try:
        public = Ed25519PublicKey.from_public_bytes(_bytes(signature.key, Message("the key")))
        public.verify(value, canonical(prescription))
    except InvalidSignature:
        raise ConfigError(
            Message("its signature does not match: it was changed after it was signed. Ask for it again")
        ) from None
    except ValueError as error:
        raise ConfigError(Message("its signature is damaged: {error}", error=error)) from error
    return fingerprint(signature)


def _private_key(path: Path) -> Ed25519PrivateKey:
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ConfigError(Message("{path} cannot be read: {error}", path=path, error=error)) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            Message("{path} holds no key; make one with `bandsense plan key FILE`", path=path)
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(
            Message("{path} holds a key of another kind; make one with `bandsense plan key FILE`", path=path)
        )
    return key


def _public(key: Ed25519PrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _bytes(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(Message("its signature is damaged: {what} is not Base64", what=what)) from error


def _require_library() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise MissingExtra(Message("signing prescriptions"), "sign") from error
