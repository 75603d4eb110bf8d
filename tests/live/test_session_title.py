"""Who trains what, where there is room for it and where there is not."""

from __future__ import annotations

import pytest
from rich.console import Console

from bandsense.language import Message, said, speaking
from bandsense.live.session_title import SessionTitle
from bandsense.live.state import ViewState
from bandsense.live.terminal import framed

TITLE = SessionTitle(
    Message("Seated row"),
    person="Ada",
    further=[Message("band {name}", name="green"), Message("simulated")],
)


def test_it_is_words_in_every_language_and_has_parts() -> None:
    assert TITLE == "Ada · Seated row · band green · simulated"
    assert TITLE.about == "Ada · band green · simulated"
    with speaking("de"):
        assert said(TITLE) == "Ada · Rudern im Sitzen · Band green · simuliert"
        assert said(TITLE.about) == "Ada · Band green · simuliert"


@pytest.mark.parametrize(
    ("width", "head"),
    [
        (80, "╭ Ada · Seated row · band green · simulated "),
        (40, "╭ Ada · Seated row "),
        (30, "╭ Seated row "),
        (16, "╭ Seat… "),
    ],
)
def test_the_exercise_is_the_last_to_go_from_a_narrow_head(width: int, head: str) -> None:
    state = ViewState(title=TITLE, link="streaming", battery_percent=87)
    console = Console(width=width, height=20, color_system=None, force_terminal=False)
    with console.capture() as drawn:
        console.print(framed([state], "", width, 12))
    first = drawn.get().splitlines()[0]
    assert first.startswith(head)
    assert "87 %" in first


def test_the_page_has_both_in_its_own_places() -> None:
    state = ViewState(title=TITLE.exercise, about=TITLE.about)
    with speaking("de"):
        told = state.snapshot()
    assert (told["title"], told["about"]) == ("Rudern im Sitzen", "Ada · Band green · simuliert")
