"""Write docs/situations.md: what the coach says in named situations, played anew.

    python tools/situations.py

The words are what the coach says when `tests/workout/situations.py` is played; a test holds the page to them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.player import Played

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = REPOSITORY / "docs" / "situations.md"

HEAD = """# What the coach says, situation by situation

This page is played, not written: a simulated person does what the first line says, and the table lists
every word that the coach then shows, and when (`python tools/situations.py` writes it, and
`tests/workout/test_situations.py` holds it to what is played). "Never" lists what must not be said there. Who
trains does a seated row with the plan of a newcomer, three sets of 8 to 12 repetitions, and has measured
nothing, unless it says otherwise. Breaths are listed where they matter; *Next: out* is shown in the rest
before a pull, and becomes *Breathe out* with it.
"""


def page(played: Mapping[str, Played] | None = None) -> str:
    """Return the page; situations that were not played are."""
    if str(REPOSITORY) not in sys.path:
        sys.path.insert(0, str(REPOSITORY))
    if "tests" not in sys.modules:  # a library for the tests brings a package of that name, too
        sys.modules["tests"] = ModuleType("tests")
        sys.modules["tests"].__path__ = [str(REPOSITORY / "tests")]
    from tests.support.player import without_breath
    from tests.workout.situations import SECTIONS

    parts = [HEAD]
    for section, situations in SECTIONS.items():
        parts.append(f"\n## {section}\n")
        for situation in situations:
            lines = (situation.play() if played is None else played[situation.name]).lines
            shown = lines if situation.breath else without_breath(lines)
            parts.append(f"\n### {situation.name}\n\n{situation.does}\n")
            if shown:
                rows = "".join(f"| {line.when} | {line.words} |\n" for line in shown)
                parts.append(f"\n| when | what is shown |\n|---|---|\n{rows}")
            else:
                parts.append("\nNothing is said.\n")
            if situation.never:
                parts.append(f"\nNever: {', '.join(f'“{words}”' for words in situation.never)}.\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
