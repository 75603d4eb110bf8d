"""What a session is called at the head of a view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bandsense.language import Message, joined

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SessionTitle"]

_BETWEEN = " · "


class SessionTitle(Message):
    """Who trains what, with which band: words like any other, whose parts a view without room may choose.

    Args:
        exercise: what is trained.
        person: who does.
        further: the band, and whether all of it is simulated.

    Attributes:
        exercise: as given.
        about: all but the exercise.
        shorter: the whole, and what is left of it where there is less and less room; the exercise stays.
    """

    exercise: str
    about: str
    shorter: Sequence[str]

    def __new__(cls, exercise: str, *, person: str, further: Sequence[str] = ()) -> SessionTitle:
        """Join the parts: the person, the exercise, all else."""
        whole = joined((person, exercise, *further), _BETWEEN)
        made = super().__new__(cls, whole.sentence, **whole.values)
        made.exercise = exercise
        made.about = joined((person, *further), _BETWEEN)
        made.shorter = (made, joined((person, exercise), _BETWEEN), exercise)
        return made
