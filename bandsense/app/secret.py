"""A secret kept for a person: in the system's keyring, or else in a file that only they can read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from bandsense.app.paths import home
from bandsense.errors import ConfigError
from bandsense.files import make_private, private_folder
from bandsense.language import Message

__all__ = ["forget_secret", "keep_secret", "known_secret"]

_SERVICE = "bandsense"


def keep_secret(name: str, secret: str) -> str:
    """Keep a secret; gives where, in words.

    Raises:
        ConfigError: the file for it cannot be written.
    """
    if (keyring := _keyring()) is not None:
        with suppress(keyring.errors.KeyringError):  # locked, or without anybody to unlock it
            keyring.set_password(_SERVICE, name, secret)
            _file(name).unlink(missing_ok=True)
            return Message("the system's keyring")
    path = _file(name)
    try:
        private_folder(path.parent)
        make_private(path)
        path.write_text(secret + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            Message("{path} cannot be written: {error}; choose another place", path=path, error=error)
        ) from error
    return str(path)


def known_secret(name: str) -> str | None:
    """Return a secret that was kept; None where there is none, or the keyring does not give it."""
    with suppress(OSError):  # a file is newer: what goes to the keyring removes it
        return _file(name).read_text(encoding="utf-8").strip()
    if (keyring := _keyring()) is not None:
        with suppress(keyring.errors.KeyringError):
            found = keyring.get_password(_SERVICE, name)
            return None if found is None else str(found)
    return None


def forget_secret(name: str) -> bool:
    """Forget a secret, wherever it is kept; gives whether there was one."""
    known = known_secret(name) is not None
    if (keyring := _keyring()) is not None:
        with suppress(keyring.errors.KeyringError):
            keyring.delete_password(_SERVICE, name)
    _file(name).unlink(missing_ok=True)
    return known


def _file(name: str) -> Path:
    return home() / f"{name}.key"


def _keyring() -> Any:
    """Return the module `keyring` where it is installed and the system has one; else None."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return None
    return keyring if keyring.get_keyring().priority > 0 else None
