"""Files that are whole or not there at all, and that only their owner can read."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["PRIVATE_FILE", "atomic_write", "data_folder", "make_private", "private_folder", "write_json_file"]

PRIVATE_FILE = 0o600
"""Read and written by the owner alone: what people train is health data."""

_PRIVATE_FOLDER = 0o700


def data_folder() -> Path:
    """Return the folder for data: `BANDSENSE_HOME`, or the operating system's usual place."""
    if chosen := os.environ.get("BANDSENSE_HOME"):
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_data_dir("bandsense", appauthor=False))


def private_folder(path: Path) -> None:
    """Make a folder, with all above it, that only its owner can enter; one that exists stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)


def make_private(path: Path) -> None:
    """Let only the owner read and write a file; it is made, empty, where there is none.

    Raises:
        OSError: it cannot be made. That its rights cannot be changed is no error: it may be someone else's.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDONLY, PRIVATE_FILE))
    if os.name == "posix" and path.stat().st_mode & 0o077:
        with suppress(OSError):
            path.chmod(PRIVATE_FILE)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a path to write to; the file takes its name only when the body ends without an error.

    Where the system can (Linux), the file has no name at all before that, so that a program that is killed
    leaves nothing behind. Elsewhere a hidden one is removed afterwards.
    """
    nameless = _nameless(path.parent)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if nameless is None:
            if not path.parent.is_dir():
                raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(path.parent))
            try:
                os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, PRIVATE_FILE))
            except OSError as error:
                error.filename = os.fspath(path)  # the name that a person gave
                raise
            yield part
            _sync(part)
        else:
            yield Path(f"/proc/{os.getpid()}/fd/{nameless}")
            os.fsync(nameless)
            part.unlink(missing_ok=True)
            # Any `src_dir_fd` makes Python call linkat(2), the one that follows the link in /proc.
            os.link(f"/proc/{os.getpid()}/fd/{nameless}", part, src_dir_fd=nameless, follow_symlinks=True)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        if nameless is not None:
            os.close(nameless)


def _nameless(folder: Path) -> int | None:
    """Open a file without a name in a folder for writing; None where there is no such thing."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None or not Path("/proc/self/fd").is_dir():
        return None
    try:
        return os.open(folder, flag | os.O_RDWR, PRIVATE_FILE)
    except OSError:  # a file system without; whatever else is wrong shows when the file is made by name
        return None


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def write_json_file(path: Path, data: Any) -> None:
    """Write `data` as indented JSON, whole or not at all; bytes that are no text are escaped."""
    text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
