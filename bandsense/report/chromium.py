"""PDF and PNG of a report by a browser that is there already: what it prints is what a person would print."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bandsense.errors import MissingProgram
from bandsense.files import atomic_write
from bandsense.language import Message

__all__ = ["browser", "to_pdf", "to_png"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge")
_MAC = "/Applications/{0}.app/Contents/MacOS/{0}"
_TIME_OUT_S = 60.0


def browser() -> str:
    """Find Chromium or one of its kin; `BANDSENSE_CHROMIUM` names another.

    Raises:
        MissingProgram: there is none.
    """
    named = os.environ.get("BANDSENSE_CHROMIUM")
    found = [shutil.which(name) for name in ((named,) if named else _NAMES)]
    applications = [_MAC.format(name) for name in ("Chromium", "Google Chrome", "Microsoft Edge")]
    found += [path for path in applications if not named and Path(path).exists()]
    path = next(filter(None, found), None)
    if path is None:
        raise MissingProgram(
            Message(
                "PDF and PNG are made by Chromium, which is not installed; install it (Debian: apt "
                "install chromium), name another with BANDSENSE_CHROMIUM, or write HTML and print "
                "that from any browser"
            )
        )
    return path


def to_pdf(html: str, target: Path) -> None:
    """Print an HTML document as PDF, on the paper that its style sheet names.

    Raises:
        MissingProgram: there is no Chromium, or it fails.
        OSError: the file cannot be written.
    """
    _made(html, target, ["--no-pdf-header-footer", "--print-to-pdf={made}"])


def to_png(html: str, target: Path, *, width: int, height: int, scale: float = 2.0) -> None:
    """Draw an HTML document as PNG of `scale * width` by `scale * height` pixels.

    Raises:
        MissingProgram: there is no Chromium, or it fails.
        OSError: the file cannot be written.
    """
    options = [
        f"--window-size={width},{height}",
        f"--force-device-scale-factor={scale:g}",
        "--hide-scrollbars",
    ]
    _made(html, target, [*options, "--screenshot={made}"])


def _made(html: str, target: Path, options: list[str]) -> None:
    with _folder() as folder:
        page, made = folder / "report.html", folder / f"made{target.suffix}"
        page.write_text(html, encoding="utf-8")
        told = [option.format(made=made) for option in options]
        # In a container /dev/shm is small, and a browser that fills it dies.
        switches = ["--headless", "--disable-gpu", "--disable-dev-shm-usage"]
        command = [browser(), *switches, f"--user-data-dir={folder / 'profile'}", *told]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # which it needs as root, where there is nothing left to protect
        try:
            done = subprocess.run(  # noqa: S603
                [*command, page.as_uri()], capture_output=True, timeout=_TIME_OUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MissingProgram(
                Message(
                    "{command} cannot be run: {error}; write HTML, and print that",
                    command=command[0],
                    error=error,
                )
            ) from error
        if not made.exists():
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [
                Message("it says nothing")
            ]
            raise MissingProgram(
                Message(
                    "{command} produced nothing: {said}; write HTML, and print that",
                    command=command[0],
                    said=said[0],
                )
            )
        with atomic_write(target) as part:
            shutil.copyfile(made, part)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bandsense-report-", ignore_cleanup_errors=True) as name:
        yield Path(name)
