"""What a person says of a set (effort, pain, a note), and the stop rules that react to it.

Effort is how hard the set was and pain how much it hurt, each on a numerical scale from 0 (none at all) to 10
(the most there is). Both are asked for after a set, one after the other, and may be left out.

    set done ──▶ effort? ──given or skipped──▶ pain? ──given or skipped──▶ nothing is asked
    next set ──▶ nothing is asked

A stop rule is the prescriber's, or the person's own: bandsense has none but those of the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bandsense.errors import ConfigError, DataError
from bandsense.language import Message

__all__ = ["LONGEST_NOTE", "MOST_SCORE", "Feedback", "FeedbackBook", "Scale", "StopReason", "StopRules"]

MOST_SCORE = 10
LONGEST_NOTE = 500
"""Characters."""


class Scale(Enum):
    """What is scored from 0 to 10."""

    EFFORT = "effort"
    PAIN = "pain"


class StopReason(Enum):
    """Which stop rule ended an exercise."""

    PAIN = "pain"
    BAND_LOST = "band lost"


@dataclass(frozen=True, slots=True)
class StopRules:
    """When an exercise is to be stopped for the day.

    Attributes:
        pain: least score of pain after a set that stops it; None for never.
        band_lost: whether a band that snaps or slips off stops it.

    Raises:
        ConfigError: the score is not from 1 to 10.
    """

    pain: int | None = None
    band_lost: bool = False

    def __post_init__(self) -> None:
        if self.pain is not None and not 1 <= self.pain <= MOST_SCORE:
            raise ConfigError(
                Message(
                    "pain stops an exercise from a score of 1 to {most_score}, not {pain}",
                    most_score=MOST_SCORE,
                    pain=self.pain,
                )
            )


@dataclass(frozen=True, slots=True)
class Feedback:
    """What was said of one set; None and empty where nothing was.

    Raises:
        DataError: a score is not from 0 to 10, or the note is too long.
    """

    effort: int | None = None
    pain: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        for scale in Scale:
            score = getattr(self, scale.value)
            if score is not None and not 0 <= score <= MOST_SCORE:
                raise DataError(
                    Message(
                        "{scale} is scored from 0 to {most_score}, not {score}",
                        scale=scale.value,
                        most_score=MOST_SCORE,
                        score=score,
                    )
                )
        if len(self.note) > LONGEST_NOTE:
            raise DataError(
                Message(
                    "a note has at most {longest_note} characters, not {note}",
                    longest_note=LONGEST_NOTE,
                    note=len(self.note),
                )
            )

    def __bool__(self) -> bool:
        return self != Feedback()

    def revised(self, later: Feedback) -> Feedback:
        """Take what was said later in place of what was said before; what was not said again stays."""
        return Feedback(
            self.effort if later.effort is None else later.effort,
            self.pain if later.pain is None else later.pain,
            later.note or self.note,
        )


class FeedbackBook:
    """What was said of the sets of a session, and what is asked next.

    Args:
        stop: the stop rules of the plan.

    Attributes:
        asks: the scale that is asked for now; None while nothing is.
    """

    def __init__(self, stop: StopRules) -> None:
        self.asks: Scale | None = None
        self._stop = stop
        self._said: dict[int, Feedback] = {}
        self._last_set = 0
        self._lost_band = False

    def of(self, number: int) -> Feedback:
        """Return what was said of a set."""
        return self._said.get(number, Feedback())

    def set_done(self, number: int) -> None:
        """Ask for the effort of the set that was just finished."""
        self._last_set, self.asks = number, Scale.EFFORT

    def set_started(self) -> None:
        """Ask for nothing while a set is under way."""
        self.asks = None

    def band_lost(self) -> None:
        """Remember that the band snapped, slipped off or fell."""
        self._lost_band = True

    def take(self, said: Feedback, number: int | None = None) -> int | None:
        """Keep what is said of a set, by default the last one; nothing said skips what is asked.

        Returns:
            The number of the set; None where there is none yet.
        """
        about = self._last_set if number is None else number
        if not about:
            return None
        self._said[about] = self.of(about).revised(said)
        if about == self._last_set:
            self.asks = self._next(said)
        return about

    def _next(self, said: Feedback) -> Scale | None:
        if said.note and said.effort is None and said.pain is None:
            return self.asks
        if self.asks is Scale.EFFORT and said.pain is None:
            return Scale.PAIN
        return None

    @property
    def stopped(self) -> StopReason | None:
        """The stop rule that applies to what was said and seen so far; None where none does."""
        if self._stop.band_lost and self._lost_band:
            return StopReason.BAND_LOST
        limit = self._stop.pain
        if limit is not None and any((said.pain or 0) >= limit for said in self._said.values()):
            return StopReason.PAIN
        return None

    @property
    def worst_pain(self) -> int | None:
        """The greatest score of pain of all sets; None where none was given."""
        return max((said.pain for said in self._said.values() if said.pain is not None), default=None)
