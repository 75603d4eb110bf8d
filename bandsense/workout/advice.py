"""What the advisor finds, and what it remembers of a person, a band and an exercise; without sentences."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Annotated, Any

from pydantic import BeforeValidator

from bandsense.bands.strand import Strand
from bandsense.bands.wear import Stiffness
from bandsense.exercises.model import Exercise, Side, SlackMethodKind

__all__ = [
    "Advice",
    "AdvisorState",
    "Basis",
    "Confidence",
    "LoadingReference",
    "PendingChange",
    "Reason",
    "Rule",
    "SlackAction",
    "When",
]


class SlackAction(Enum):
    """What to do."""

    ADD = "ADD SLACK"
    REMOVE = "REMOVE SLACK"
    KEEP = "KEEP"
    """Leave the slack as it is."""
    CHANGE_BAND = "OTHER BAND"
    """Slack alone will not do."""
    CHECK = "CHECK"
    """Look at band, clip or zero before the next pull."""
    ASK = "QUESTION"
    """Only the person knows."""
    NONE = "NO VERDICT"
    """The set says nothing about the slack."""


class When(Enum):
    """When to do it."""

    NOW = "now"
    """In the middle of the set."""
    NEXT_SET = "before the next set"
    NEXT_TIME = "before the first set of the next session"
    FIRST = "before the first set"
    """It was left open in the last session."""


class Rule(Enum):
    """Which rule an advice comes from."""

    STEADY = "as planned"
    TOO_HARD = "too hard"
    TOO_EASY = "too easy"
    SLACK_AT_BOTTOM = "slack at the bottom"
    RETURN_CUT_SHORT = "return cut short"
    BEYOND_LIMIT = "beyond the band's limit"
    NEAR_LIMIT = "near the band's limit"
    SLIPPED = "slipped or gripped anew"
    TOO_FEW_REPS = "too few repetitions"
    NO_ZERO = "zero not set"
    WRONG_UNIT = "more than people pull"
    UNSURE = "uncertainty exceeds the change"
    TOO_SMALL = "less than a centimetre"
    WAITING = "waiting for a second sign"
    DECLINED = "declined"
    LIGHTER_BAND = "needs a lighter band"
    STRONGER_BAND = "needs a stronger band"
    ONE_REP = "a single repetition"
    SESSION_ENDED = "ended with the session"
    LINK_LOST = "sensor lost"
    NOT_STORED = "not stored"
    BAND_LOST = "tension lost at once"
    RANGE = "not the full range"
    PULL_FAST = "pulls faster than planned"
    RETURN_FAST = "returns faster than planned"
    TOO_SLOW = "slower than planned"
    BELOW_ZONE = "peaks below the zone"
    ABOVE_ZONE = "peaks above the zone"
    BAND_CHANGED = "the band changed"
    PERSON_CHANGED = "the pull changed"
    SIDES = "the sides differ"


class Confidence(Enum):
    """How far the amount can be trusted."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a rule that applies, and the numbers that it rests on; `live.formatting` makes a sentence of it.

    Attributes:
        rule: which one.
        numbers: by name; what they are is told where the rule is (`workout.rules`). Yes and no are 1 and 0.
            Empty in advice that version 0.1.0 stored.
    """

    rule: Rule
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Basis:
    """What advice rests on.

    Attributes:
        reps: repetitions that were looked at.
        mean_peak_n: their mean peak tension; None while the set is under way.
        strand: lengths of the band, where an amount was measured out.
        fitted: the band's own curve is known.
        changes_seen: earlier changes whose effect was seen.
    """

    reps: int = 0
    mean_peak_n: float | None = None
    strand: Strand | None = None
    fitted: bool = False
    changes_seen: int = 0

    def with_band(self, strand: Strand, *, fitted: bool, changes: int) -> Basis:
        """Add what an amount rests on besides."""
        return replace(self, strand=strand, fitted=fitted, changes_seen=changes)


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice; always the person's to follow or not.

    Attributes:
        action: what to do.
        rule: the rule that decided.
        reasons: why, the first sign first.
        instruction: the exercise's own words for it, with the amount, a `Message`; empty where there is
            nothing to do.
        amount_cm: whole centimetres at each place that the instruction names; 0 for `KEEP`.
        uncertainty_cm: standard uncertainty of that amount.
        tension_ratio: peak tension that is expected after the change, over that of now.
        confidence: trust in the amount.
        basis: what was used.
        kind: how the slack is changed; None for `KEEP`.
        change_m: the change of one strand in metres that `amount_cm` makes; positive is easier.
        side: which side it is for, where left and right take turns.
        when: when to do it.
    """

    action: SlackAction
    rule: Rule
    reasons: tuple[Reason, ...]
    instruction: str = ""
    amount_cm: int = 0
    uncertainty_cm: float = 0.0
    tension_ratio: float = 1.0
    confidence: Confidence = Confidence.HIGH
    basis: Basis = Basis()
    kind: SlackMethodKind | None = None
    change_m: float = 0.0
    side: Side | None = None
    when: When = When.NEXT_SET

    @property
    def urgent(self) -> bool:
        """Do it now, in the middle of the set."""
        return self.when is When.NOW

    @property
    def left_open(self) -> bool:
        """It was advised in an earlier session and not answered."""
        return self.when is When.FIRST

    @property
    def waits(self) -> bool:
        """Whether it waits for an answer."""
        return self.action in (SlackAction.ADD, SlackAction.REMOVE, SlackAction.CHECK, SlackAction.ASK)

    @property
    def holds(self) -> bool:
        """Whether it stays the last word, over sets and other advice, until it is answered."""
        return self.rule in _HOLDING and not self.left_open


_HOLDING = frozenset({Rule.BAND_LOST, Rule.SLIPPED})


def _of_today(stored: Any) -> Any:
    """Advice as version 0.1.0 stored it, under the names of today."""
    if not isinstance(stored, dict) or "flag" not in stored:
        return stored
    kept = {
        name: value
        for name, value in stored.items()
        if name not in ("flag", "ground", "reason", "rests_on", "urgent", "left_open")
    }
    return kept | {
        "action": stored["flag"],
        "rule": stored["ground"],
        "reasons": [{"rule": stored["ground"], "numbers": {}}],
    }


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
class LoadingReference:
    """How hard the band pulled in a session, for later ones to be compared with (`workout.band_or_person`).

    Attributes:
        peak_n: mean peak tension.
        bottom_n: median tension at the bottom; 0 where the band was slack there.
        peak_uncertainty: standard uncertainty of `peak_n` as a part of it.
        rest_length_m: resting length of the strand then; tensions of another length are not comparable.
        stiffness: the last pull that measured the band before; None before any.
    """

    peak_n: float
    bottom_n: float
    peak_uncertainty: float
    rest_length_m: float
    stiffness: Stiffness | None = None


@dataclass(frozen=True, slots=True)
class AdvisorState:
    """What advice rests on from set to set and session to session: one person, band, exercise and side.

    Attributes:
        strand: lengths of one strand now.
        f100_n: tension at the sensor at 100 % elongation, where the band was fitted.
        stiffness: the last pull that measured the band; None before any.
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
        reference: how hard the band pulled in the first set of the last session; None where it says nothing.
    """

    strand: Strand
    f100_n: float | None = None
    stiffness: Stiffness | None = None
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
    unanswered: Annotated[Advice | None, BeforeValidator(_of_today)] = None
    reference: LoadingReference | None = None

    @property
    def slack_was_reduced(self) -> bool:
        """Whether slack was taken out after the last set, or is advised to be."""
        advised = self.unanswered is not None and self.unanswered.action is SlackAction.REMOVE
        return advised or (self.last_change < 0 and self.sets_since_change == 0)

    @property
    def slack_was_added(self) -> bool:
        """Whether slack was added after the last set, or is advised to be."""
        advised = self.unanswered is not None and self.unanswered.action is SlackAction.ADD
        return advised or (self.last_change > 0 and self.sets_since_change == 0)

    @classmethod
    def typical(cls, exercise: Exercise) -> AdvisorState:
        """Return one for a newcomer of whom nothing is known: usual lengths, with wide uncertainty."""
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
