"""The schematic as PDF, the pictures of the board and the wiring diagram: made anew, and compared."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hardware.checks import BUILD, HARDWARE, ROOT, Row, call, committed, tool
from hardware.checks._kicad import BOARD, ELECTRONICS, SCHEMATIC, SOURCES, kicad
from hardware.checks._kicad import version as version

INPUTS = (
    *SOURCES,
    "hardware/electronics/models/*",
    "hardware/electronics/pictures/*",
    "hardware/wiring/*",
    "hardware/electronics/*.pdf",
)
PICTURES = ELECTRONICS / "pictures"
WIRING = HARDWARE / "wiring" / "no-solder.yml"
VIEWS = {
    "board-front": ("--side", "top", "--zoom", "1.8"),
    "board-back": ("--side", "bottom", "--zoom", "1.8"),
    "board": ("--side", "top", "--zoom", "1.15", "--perspective", "--rotate", "-45,0,15"),
}
# What rounding in the renderer may change: the mean of all differences, of 255.
TOLERANCE = 1.0


def _alike(path: Path, made: bytes, *, source: tuple[bytes, bytes], pixels: tuple[bytes, bytes]) -> Row:
    """Compare two pictures: what they show of their source exactly, their pixels within the tolerance.

    Args:
        path: the committed picture.
        made: the one made now.
        source: what tells the source of the committed one and of the new one.
        pixels: of the committed one and of the new one.
    """
    if path.is_file() and source[0] == source[1] and len(pixels[0]) == len(pixels[1]):
        difference = sum(abs(a - b) for a, b in zip(*pixels, strict=True)) / len(pixels[0])
        if difference <= TOLERANCE:
            what = f"{path.relative_to(ROOT)} is current"
            return Row(what, f"differs by {difference:.2f}", f"≤ {TOLERANCE:g} of 255", True)
    return committed(path, made)


def _digest() -> str:
    """Tells the board that a picture shows: of the board's file and the parts' models."""
    digest = hashlib.sha256(BOARD.read_bytes())
    for model in sorted((ELECTRONICS / "models").glob("*.step")):
        digest.update(model.name.encode() + model.read_bytes())
    return digest.hexdigest()


def _views() -> Iterator[Row]:
    for name, arguments in VIEWS.items():
        made = BUILD / f"{name}.png"
        kicad("pcb", "render", *arguments, "-w", "1600", "-h", "800", "--output", made, BOARD)
        note = PngInfo()
        note.add_text("source", _digest())
        with Image.open(made) as image:
            image.save(made, pnginfo=note, optimize=True)
        path = PICTURES / made.name
        pictures = [_look(path), _look(made)] if path.is_file() else [("", b""), _look(made)]
        sources, pixels = zip(*pictures, strict=True)
        yield _alike(
            path,
            made.read_bytes(),
            source=(sources[0].encode(), sources[1].encode()),
            pixels=(pixels[0], pixels[1]),
        )


def _look(path: Path) -> tuple[str, bytes]:
    with Image.open(path) as image:
        return str(image.info.get("source")), image.convert("L").resize((400, 200)).tobytes()


def _read(pdf: Path) -> tuple[bytes, bytes]:
    """A PDF's words and the grey pixels of its only page: its dates and identifiers do not show."""
    if not pdf.is_file():
        return b"", b""
    page = BUILD / "page"
    call(tool("pdftoppm"), "-r", "72", "-gray", "-singlefile", pdf, page)
    return call(tool("pdftotext"), "-layout", pdf, "-").stdout.encode(), page.with_suffix(".pgm").read_bytes()


def _schematic() -> Row:
    path, made = ELECTRONICS / "schematic.pdf", BUILD / "schematic.pdf"
    kicad("sch", "export", "pdf", "--output", made, SCHEMATIC)
    (old_words, old_pixels), (words, pixels) = _read(path), _read(made)
    return _alike(path, made.read_bytes(), source=(old_words, words), pixels=(old_pixels, pixels))


def _assembly() -> Row:
    """The drawing that says which part goes where."""
    made = BUILD / "assembly.svg"
    layers = ("--layers", "F.Fab,Edge.Cuts", "--mode-single", "--black-and-white")
    page = ("--page-size-mode", "2", "--exclude-drawing-sheet", "--drill-shape-opt", "0")
    kicad("pcb", "export", "svg", *layers, *page, "--output", made, BOARD)
    return committed(PICTURES / made.name, made.read_bytes(), _undated)


def _undated(svg: bytes) -> bytes:
    return re.sub(rb"<(desc|title)>[^<]*</", b"<", svg)


def _words(svg: bytes) -> bytes:
    """The words of an SVG in order: fonts and the version of Graphviz only move them."""
    return "\n".join(re.findall(r"<text[^>]*>([^<]*)<", svg.decode())).encode()


def _wiring() -> Iterator[Row]:
    wireviz = Path(sys.executable).with_name("wireviz")
    done = call(wireviz if wireviz.is_file() else tool("wireviz"), "-f", "st", "-o", BUILD, WIRING)
    if done.returncode:
        raise RuntimeError(f"wireviz: {done.stderr or done.stdout}")
    yield committed(WIRING.with_suffix(".svg"), (BUILD / "no-solder.svg").read_bytes(), _words)
    yield committed(WIRING.with_name("no-solder.bom.tsv"), (BUILD / "no-solder.bom.tsv").read_bytes())


def run() -> list[Row]:
    """Make every picture anew, and compare it with the committed one."""
    BUILD.mkdir(parents=True, exist_ok=True)
    return [_schematic(), _assembly(), *_views(), *_wiring()]
