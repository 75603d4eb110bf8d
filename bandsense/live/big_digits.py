"""Numbers large enough to be read at arm's length."""

from __future__ import annotations

__all__ = ["HEIGHT", "big"]

_FONT = {
    "0": ("█▀▀█", "█  █", "█  █", "█  █", "█▄▄█"),
    "1": ("▄█  ", " █  ", " █  ", " █  ", "▄█▄ "),
    "2": ("▀▀▀█", "   █", "█▀▀▀", "█   ", "█▄▄▄"),
    "3": ("▀▀▀█", "   █", " ▀▀█", "   █", "▄▄▄█"),
    "4": ("█  █", "█  █", "▀▀▀█", "   █", "   █"),
    "5": ("█▀▀▀", "█   ", "▀▀▀█", "   █", "▄▄▄█"),
    "6": ("█▀▀▀", "█   ", "█▀▀█", "█  █", "█▄▄█"),
    "7": ("▀▀▀█", "   █", "   █", "   █", "   █"),
    "8": ("█▀▀█", "█  █", "█▀▀█", "█  █", "█▄▄█"),
    "9": ("█▀▀█", "█  █", "▀▀▀█", "   █", "▄▄▄█"),
    ".": (" ", " ", " ", " ", "█"),
    ":": (" ", "▄", " ", "▄", " "),
    "-": ("   ", "   ", "▀▀▀", "   ", "   "),
    "–": ("   ", "   ", "▀▀▀", "   ", "   "),
    " ": ("    ", "    ", "    ", "    ", "    "),
}

HEIGHT = 5
"""Lines of a number at scale 1."""


def big(text: str, scale: int = 1) -> list[str]:
    """Draw digits, point, minus and blanks as `HEIGHT · scale` lines of equal width.

    Raises:
        KeyError: another character.
    """
    rows = ["  ".join(_FONT[mark][row] for mark in text) for row in range(HEIGHT)]
    return [line for row in rows for line in _enlarged(row, scale)]


def _enlarged(row: str, scale: int) -> list[str]:
    """Enlarge a row `scale` times both ways; half blocks become whole ones in their half."""
    if scale == 1:
        return [row]
    lines = []
    for part in range(scale):
        upper = 2 * part < scale
        shapes = {"█": "█", " ": " ", "▀": "█" if upper else " ", "▄": " " if upper else "█"}
        lines.append("".join(shapes[mark] * scale for mark in row))
    return lines
