"""What the advisor says, and what it remembers of a person, a band and an exercise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bandsense.bands.strand import Strand
from bandsense.exercises.model import Exercise, Side, SlackMethodKind

__all__ = ["Advice", "AdvisorState", "Confidence", "PendingChange", "Rule", "SlackAction"]


class SlackAction(Enum):
    """What to do with the slack."""

    ADD = "ADD SLACK"
    REMOVE = "REMOVE SLACK"
    KEEP = "KEEP"


class Rule(Enum):
    """Which rule an advice comes from."""

    STEADY = "steady"
    TOO_HARD = "too hard"
    TOO_EASY = "too easy"
    SLACK_AT_BOTTOM = "slack at the bottom"
    RETURN_CUT_SHORT = "return cut short"
    BEYOND_LIMIT = "beyond the band's limit"
    NEAR_LIMIT = "near the band's limit"
    SLIPPED = "slipped or gripped anew"
    TOO_FEW_REPS = "too few repetitions"
    NO_ZERO = "zero not set"
    UNSURE = "uncertainty exceeds the change"
    TOO_SMALL = "less than a centimetre"
    WAITING = "waiting for a second sign"
    DECLINED = "declined"
    LIGHTER_BAND = "needs a lighter band"
    STRONGER_BAND = "needs a stronger band"


class Confidence(Enum):
    """How far the amount can be trusted."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice; always the person's to follow or not.

    Attributes:
        flag: what to do.
        ground: the rule that it comes from.
        reason: why, in words.
        instruction: what to do, in words, as the exercise is held; empty where there is nothing to do.
        amount_cm: whole centimetres at each place that the instruction names; 0 for `KEEP`.
        uncertainty_cm: standard uncertainty of that amount.
        tension_ratio: peak tension that is expected after the change, over that of now.
        confidence: trust in the amount.
        rests_on: what was used, in words.
        urgent: do it now, in the middle of the set.
        kind: how the slack is changed; None for `KEEP`.
        change_m: the change of one strand in metres that `amount_cm` makes; positive is easier.
        side: which side it is for, where left and right take turns.
    """

    flag: SlackAction
    ground: Rule
    reason: str
    instruction: str = ""
    amount_cm: int = 0
    uncertainty_cm: float = 0.0
    tension_ratio: float = 1.0
    confidence: Confidence = Confidence.HIGH
    rests_on: tuple[str, ...] = ()
    urgent: bool = False
    kind: SlackMethodKind | None = None
    change_m: float = 0.0
    side: Side | None = None

    @property
    def text(self) -> str:
        """Flag, side, instruction and reason in one line."""
        now = " NOW" if self.urgent else ""
        side = "" if self.side is None else f", {self.side} side"
        words = " ".join(filter(None, (self.instruction, self.reason)))
        return f"{self.flag.value}{now}{side} - {words}"

    @property
    def details(self) -> str:
        """How exact the amount is, how far it can be trusted, and what it rests on; for a change."""
        amount = f"{self.amount_cm} ± {self.uncertainty_cm:.1f} cm"
        return f"{amount}, confidence {self.confidence.value}; rests on {', '.join(self.rests_on)}"


_TYPICAL_REST_UNCERTAINTY = 0.15
_TYPICAL_STROKE_UNCERTAINTY = 0.2
# Standard uncertainties of lengths that nobody measured, as parts of the typical ones. Priors.


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change of slack whose effect has not been seen yet.

    Attributes:
        change_m: the change of one strand; positive is easier.
        law_log_ratio: logarithm of the ratio of tension that the slack law expects.
        law_uncertainty: standard uncertainty of that logarithm as a part of it.
        peak_n: mean peak tension of the set before.
        peak_uncertainty: standard uncertainty of `peak_n` as a part of it.
    """

    change_m: float
    law_log_ratio: float
    law_uncertainty: float
    peak_n: float
    peak_uncertainty: float


@dataclass(frozen=True, slots=True)
class AdvisorState:
    """What advice rests on from set to set and session to session: one person, band, exercise and side.

    Attributes:
        strand: lengths of one strand now.
        f100_n: tension at the sensor at 100 % elongation, where the band was fitted.
        gain: how much more (or less) a change of slack did to this person's tension than the slack law
            says, as a ratio of logarithms; 1 until learned.
        gain_uncertainty: standard uncertainty of `gain`; None until learned.
        changes_seen: changes whose effect was seen.
        pending: the last change, until its effect was seen.
        peak_n: mean peak tension of the last set, which a change is compared with; 0 before any.
        peak_uncertainty: standard uncertainty of `peak_n` as a part of it.
        last_change: +1 after slack was added, -1 after it was removed, 0 before any change.
        sets_since_change: sets done since then.
        opposed: sets in a row that asked for the opposite of the last change.
        easy_sessions: sessions in a row whose last set was easy, none of them since slack was added.
        unanswered: a change advised after the last set that the person neither made nor declined.
    """

    strand: Strand
    f100_n: float | None = None
    gain: float = 1.0
    gain_uncertainty: float | None = None
    changes_seen: int = 0
    pending: PendingChange | None = None
    peak_n: float = 0.0
    peak_uncertainty: float = 0.0
    last_change: int = 0
    sets_since_change: int = 0
    opposed: int = 0
    easy_sessions: int = 0
    unanswered: Advice | None = None

    @property
    def removing(self) -> bool:
        """Whether slack was taken out after the last set, or is advised to be."""
        advised = self.unanswered is not None and self.unanswered.flag is SlackAction.REMOVE
        return advised or (self.last_change < 0 and self.sets_since_change == 0)

    @classmethod
    def typical(cls, exercise: Exercise) -> AdvisorState:
        """For a newcomer of whom nothing is known: the exercise's usual lengths, with wide uncertainty."""
        rest_m, stroke_m = exercise.rest_length_m, exercise.stroke_m
        return cls(
            Strand(
                rest_length_m=rest_m,
                start_length_m=rest_m,
                peak_length_m=rest_m + stroke_m,
                rest_length_uncertainty_m=_TYPICAL_REST_UNCERTAINTY * rest_m,
                peak_length_uncertainty_m=_TYPICAL_STROKE_UNCERTAINTY * stroke_m,
                measured=False,
            )
        )
