"""The log of what went on between programs and sensors: kept with the data, for bug reports."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from bandsense.files import make_private, private_folder

__all__ = ["leave_out_of_log", "log_files", "log_to_file"]

_NAME = "bandsense.log"
_BYTES, _OLDER = 1 << 20, 1


class _Log(RotatingFileHandler):
    """A file that is made when there is something to write; one that cannot be written stops nobody."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=_BYTES, backupCount=_OLDER, encoding="utf-8", delay=True)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def _open(self) -> io.TextIOWrapper:
        private_folder(Path(self.baseFilename).parent)
        make_private(Path(self.baseFilename))
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Leave it out."""


@contextmanager
def log_to_file(folder: Path) -> Iterator[None]:
    """Keep a log in this folder while the body runs: what bandsense does, and warnings of everything else.

    The screen is left alone: it may show a live view.
    """
    root, own, handler = logging.getLogger(), logging.getLogger("bandsense"), _Log(folder / _NAME)
    before = own.level
    root.addHandler(handler)
    own.setLevel(logging.INFO)
    try:
        yield
    finally:
        own.setLevel(before)
        root.removeHandler(handler)
        handler.close()


def leave_out_of_log(folder: Path, name: str) -> None:
    """Remove the lines that hold this name as a word from the logs that are kept there."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    for path in log_files(folder):
        with path.open("r+", encoding="utf-8", errors="replace") as file:  # where it is: it may be open
            lines = [line for line in file if word.search(line) is None]
            file.seek(0)
            file.writelines(lines)
            file.truncate()


def log_files(folder: Path) -> list[Path]:
    """List the logs that are kept there, the latest first."""
    names = [_NAME, *(f"{_NAME}.{number + 1}" for number in range(_OLDER))]
    return [path for name in names if (path := folder / name).exists()]
