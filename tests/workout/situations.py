"""Named situations: what a person does, and what must not be said then.

What is said, and when, is in docs/situations.md, which `tools/situations.py` writes and
`tests/workout/test_situations.py` holds to be exactly what comes of playing them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bandsense.bands.strand import Strand
from bandsense.bands.wear import Stiffness
from bandsense.calibration.curve import Calibration
from bandsense.exercises.catalogue import get_exercise
from bandsense.exercises.model import Sides, Tempo
from bandsense.samples import Unit
from bandsense.workout.advice import AdvisorState, LoadingReference
from bandsense.workout.feedback import Feedback, StopRules
from bandsense.workout.inputs import (
    EndSet,
    LinkChange,
    RestChange,
    SetFeedback,
    SlackAnswer,
    StorageChange,
    Tare,
)
from bandsense.workout.plan import Plan, TensionZone
from bandsense.workout.settings import WorkoutSettings
from tests.support.player import Band, Held, Played, Press, Reps, Rest, Snap, Step, play

__all__ = ["SECTIONS", "Situation", "settings_of"]

OVER = Rest(16.0)
"""Rest after which a set counts as over."""

ENDED = Press(EndSet())
YES, NO = Press(SlackAnswer(followed=True)), Press(SlackAnswer(followed=False))


@dataclass(frozen=True)
class Situation:
    """One row of the table.

    Attributes:
        name: what it is called.
        does: what the person does, or what happens to them.
        script: the same for the player.
        never: words that must not be said.
        breath: whether the breaths are listed too.
        options: of `settings_of`.
    """

    name: str
    does: str
    script: Sequence[Step]
    never: tuple[str, ...] = ()
    breath: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def play(self) -> Played:
        """Play it."""
        return play(self.script, settings_of(**self.options))


def settings_of(
    exercise: str = "seated-row",
    *,
    plan: Plan | None = None,
    strand: Strand | None = None,
    f100_n: float | None = None,
    pre_stretched: bool = False,
    **state: Any,
) -> WorkoutSettings:
    """A newcomer, or someone with lengths and a past."""
    model = get_exercise(exercise)
    advisor = AdvisorState.typical(model) if strand is None else AdvisorState(strand)
    advisor = replace(advisor, f100_n=f100_n, **state)
    paired = model.sides is Sides.PAIRED
    return WorkoutSettings(
        Calibration.identity(Unit.NEWTON),
        model,
        plan or Plan(tempo=model.tempo_by_tension),
        advisor=advisor,
        advisor_right=advisor if paired else None,
        first_side="left" if paired else None,
        pre_stretched=pre_stretched,
    )


def _set_of(number: int) -> Situation:
    never = ("KEEP",) if number < 8 else ("ADD SLACK",)
    if number == 1:
        never = ("KEEP", "ADD SLACK")
    if number < 13:
        never = (*never, "REMOVE SLACK")
    done = "One repetition" if number == 1 else f"{number} repetitions"
    return Situation(f"A set of {number}", f"{done} as planned, then a rest.", [Reps(number), OVER], never)


def _exercise(name: str, *, paired: bool = False) -> Situation:
    model = get_exercise(name)
    script: list[Step] = [Reps(4), Rest(8.0 if paired else 16.0)]
    return Situation(
        f"Breathing on {model.name[0].lower()}{model.name[1:]}",
        "Four repetitions of four, at the planned tempo.",
        script,
        ("about now", "Breathe out. Breathe in"),
        breath=True,
        options={"exercise": name, "plan": Plan(reps=4, reps_top=5, tempo=model.tempo_by_tension)},
    )


MEASURED = {"strand": Strand(0.60, 0.62, 1.15)}
TAUT = {"strand": Strand(0.60, 0.75, 1.20), "pre_stretched": True}
ZONED = {"plan": Plan(zone=TensionZone(50.0, 70.0))}
LOST = Press(LinkChange("lost", "Sensor lost; reconnecting"))
BACK = Press(LinkChange("streaming", "Sensor is back"))
HASTY = {"return_s": 0.7}
SHORT = {"top": 0.5}
UNSURE = {"top": 0.68}

SECTIONS: dict[str, list[Situation]] = {
    "Breathing": [
        *(_exercise(name) for name in ("seated-row", "lat-pulldown", "reverse-flye", "pull-apart")),
        _exercise("overhead-pulldown"),
        _exercise("bent-over-row", paired=True),
        Situation(
            "A breath where the band assists",
            "Four assisted pull-ups: tension falls in the effort.",
            [Reps(4, pull_s=2.5, hold_s=0.5, return_s=1.5), OVER],
            ("ADD SLACK", "REMOVE SLACK"),
            breath=True,
            options={"exercise": "assisted-pull-up", "plan": Plan(reps=4, reps_top=5)},
        ),
        Situation(
            "A long hold",
            "Four repetitions with the planned hold of two seconds.",
            [Reps(4, hold_s=2.0), OVER],
            breath=True,
            options={"plan": Plan(reps=4, reps_top=5, tempo=Tempo(hold_s=2.0))},
        ),
        Situation(
            "Uneven pauses",
            "Six repetitions, the pauses between them from 0.4 to 3 seconds.",
            [*(Reps(1, rest_s=pause) for pause in (0.4, 3.0, 0.6, 2.4, 0.5, 0.5)), OVER],
            ("about now",),
            breath=True,
            options={"plan": Plan(reps=6, reps_top=8)},
        ),
    ],
    "Sets of 1 to 14, where 8 to 12 are planned": [_set_of(number) for number in range(1, 15)],
    "Too hard": [
        Situation(
            "Three sets of four",
            "Three sets of four in one session, the advice never answered.",
            [Reps(4), OVER, Reps(4), OVER, Reps(4), OVER],
            ("KEEP", "too few to advise on"),
        ),
        Situation(
            "A range that shrinks",
            "Nine repetitions, each shorter than the one before, the last two thirds as far.",
            [*(Reps(1, top=1.0 - 0.045 * n) for n in range(9)), OVER],
            ("as planned",),
        ),
        Situation(
            "More slack, as advised",
            "Six repetitions; the person lets band out and says so; then eight.",
            [Reps(6), OVER, YES, Rest(5.0), Band(55.0), Reps(8), OVER],
        ),
        Situation(
            "Not today",
            "Six repetitions; the person will not change the slack; six again.",
            [Reps(6), OVER, NO, Reps(6), OVER],
        ),
        Situation(
            "Soon after slack was taken out",
            "Slack was taken out before this set; seven repetitions, and seven again.",
            [Reps(7), OVER, Reps(7), OVER],
            options=MEASURED | {"last_change": -1, "sets_since_change": 1},
        ),
        Situation(
            "A band that is too strong for its slack",
            "Three repetitions with a band that hangs straight at the start.",
            [Reps(3), OVER],
            ("KEEP",),
            options={"strand": Strand(0.60, 0.56, 1.00)},
        ),
        Situation(
            "Seven hard repetitions, ended by the key",
            "The person presses `e` after the seventh: they could not do more.",
            [Reps(7), Rest(2.0), ENDED, Rest(2.0)],
            ("KEEP", "not judged"),
        ),
    ],
    "One repetition": [
        Situation(
            "On purpose",
            "One repetition; asked, the person says that it was meant.",
            [Reps(1), OVER, YES, Rest(2.0)],
            ("SLACK",),
        ),
        Situation(
            "It was all there was",
            "One repetition; asked, the person says that the band is too strong.",
            [Reps(1), OVER, NO, Rest(2.0)],
            ("KEEP",),
        ),
    ],
    "Too easy": [
        Situation(
            "Fourteen in the first session",
            "Three sets of 14, the advice not answered.",
            [Reps(14), OVER, Reps(14), OVER, Reps(14), OVER],
            ("KEEP", "as planned"),
        ),
        Situation(
            "Fourteen in a hurry",
            "Fourteen repetitions, each return in 0.7 seconds instead of 2.5.",
            [Reps(14, **HASTY), OVER],
            ("REMOVE SLACK", "as planned"),
        ),
        Situation(
            "Ten in the last set, for the first time",
            "The only set of the session has ten even repetitions.",
            [Reps(10), OVER],
            ("REMOVE SLACK",),
            options={"plan": Plan(sets=1)},
        ),
        Situation(
            "Ten in the last set, two sessions running",
            "The same again in the next session; the person takes slack out.",
            [Reps(10), OVER, YES, Rest(2.0)],
            ("KEEP",),
            options={"plan": Plan(sets=1), "easy_sessions": 1},
        ),
        Situation(
            "Thirteen soon after slack was added",
            "Slack was added before this set; thirteen repetitions.",
            [Reps(13), OVER],
            ("REMOVE SLACK",),
            options=MEASURED | {"last_change": 1, "sets_since_change": 1},
        ),
        Situation(
            "A band near its limit",
            "Fourteen repetitions with a band that is stretched to 2.7 times its length.",
            [Reps(14), OVER],
            ("REMOVE SLACK", "KEEP"),
            options={"strand": Strand(0.60, 0.62, 1.62)},
        ),
    ],
    "As planned, and not": [
        Situation(
            "Nine within the zone",
            "Nine repetitions of 60 N; the zone is 50 to 70 N.",
            [Reps(9), OVER],
            ("Slower",),
            options=ZONED,
        ),
        Situation(
            "Nine below the zone",
            "Nine repetitions of 45 N; the zone is 50 to 70 N.",
            [Band(45.0), Reps(9), OVER],
            ("as planned",),
            options=ZONED,
        ),
        Situation(
            "Nine above the zone",
            "Nine repetitions of 80 N; the zone is 50 to 70 N.",
            [Band(80.0), Reps(9), OVER],
            ("as planned",),
            options=ZONED,
        ),
        Situation(
            "Every return too fast",
            "Nine repetitions, each return in 0.7 seconds instead of 2.5.",
            [Reps(9, **HASTY), OVER],
            ("as planned",),
        ),
        Situation(
            "Every pull too fast",
            "Nine repetitions, each pull in 0.4 seconds instead of 1.5.",
            [Reps(9, pull_s=0.4), OVER],
            ("as planned",),
        ),
        Situation(
            "Everything too slow",
            "Eight repetitions with returns of five seconds.",
            [Reps(8, return_s=5.0), OVER],
            ("as planned",),
        ),
        Situation(
            "Six full, two partial, one unsure",
            "Six whole repetitions, two of half the way, one of two thirds.",
            [Reps(3), Reps(2, **SHORT), Reps(2), Reps(1, **UNSURE), Reps(1), OVER],
            ("as planned",),
        ),
        Situation(
            "Eight full and one partial",
            "Eight whole repetitions and one of half the way in the middle.",
            [Reps(4), Reps(1, **SHORT), Reps(4), OVER],
        ),
    ],
    "Corrections": [
        Situation(
            "Heeded",
            "Two hasty returns; told, the person slows down and stays slow.",
            [Reps(2, **HASTY), Reps(7), OVER],
        ),
        Situation(
            "Heeded, then forgotten",
            "Two hasty returns, two slow ones, then hasty again to the end.",
            [Reps(2, **HASTY), Reps(2), Reps(6, **HASTY), OVER],
        ),
        Situation(
            "Never heeded",
            "Eleven hasty returns: said twice, then at most every third repetition.",
            [Reps(11, **HASTY), OVER],
        ),
        Situation(
            "Not the full range",
            "Three whole repetitions, then two short ones, then whole ones again.",
            [Reps(3), Reps(2, **SHORT), Reps(4), OVER],
        ),
        Situation(
            "A correction and a breath at the same instant",
            "Hasty returns: both arrive, each in its own place.",
            [Reps(4, **HASTY), OVER],
            breath=True,
            options={"plan": Plan(reps=4, reps_top=5)},
        ),
    ],
    "Ended from outside": [
        Situation(
            "Ctrl-C after the seventh",
            "The person ends the session in the middle of the set.",
            [Reps(7), Rest(1.0)],
            ("KEEP", "SLACK"),
        ),
        Situation(
            "Time is up",
            "`--seconds` ends the session while the sixth repetition is held.",
            [Reps(5), Held()],
            ("KEEP", "SLACK"),
        ),
        Situation(
            "The end of a recording",
            "A recording ends after three repetitions.",
            [Reps(3), Rest(3.0)],
            ("KEEP", "SLACK"),
        ),
        Situation(
            "Ended after the plan was reached",
            "Nine repetitions, and Ctrl-C two seconds later.",
            [Reps(9), Rest(2.0)],
            ("not judged",),
        ),
        Situation(
            "The sensor is lost and stays lost",
            "After the fifth repetition the sensor is not heard any more; the person rests.",
            [Reps(5), LOST, OVER],
            ("KEEP", "SLACK", "Set done"),
        ),
        Situation(
            "The sensor is lost and comes back",
            "Lost for two seconds after the fifth repetition; the person does four more.",
            [Reps(5), LOST, Rest(2.0), BACK, Reps(4), OVER],
            ("not judged",),
        ),
        Situation(
            "The disk is full",
            "After the fifth repetition nothing can be saved; the person stops.",
            [Reps(5), Press(StorageChange("the disk is full")), OVER],
            ("KEEP", "SLACK"),
        ),
    ],
    "Band and clip": [
        Situation(
            "The band snaps",
            "Nine repetitions; in the tenth the band snaps. The person goes to look at it.",
            [Reps(9), Snap(), OVER],
            ("KEEP", "as planned"),
        ),
        Situation(
            "The band snaps, is checked, and the set is done again",
            "It snaps after six; the person checks it and says so, and does eight.",
            [Reps(6), Snap(), OVER, YES, Reps(8), OVER],
        ),
        Situation(
            "The band snaps and nobody says that it was checked",
            "It snaps after six; the person goes on without a word.",
            [Reps(6), Snap(), OVER, Reps(9), OVER],
            ("KEEP", "as planned"),
        ),
        Situation(
            "The clip slips",
            "After the fourth of nine the band is let out by itself: less tension at top and bottom.",
            [Band(60.0, 25.0), Reps(4), Band(54.0, 14.0), Reps(5), OVER],
            ("as planned",),
            options=TAUT,
        ),
        Situation(
            "The clip slipped, and is left as it is",
            "The same; the person leaves it, and does another set.",
            [Band(60.0, 25.0), Reps(4), Band(54.0, 14.0), Reps(5), OVER, NO, Reps(9), OVER],
            options=TAUT,
        ),
        Situation(
            "Beyond three times the resting length",
            "The first pull stretches the band too far.",
            [Reps(3), OVER],
            ("KEEP",),
            options={"strand": Strand(0.40, 0.45, 1.30)},
        ),
        Situation(
            "A band that is taut on the way back",
            "From the second repetition on the person comes back only half the way.",
            [Band(60.0, 8.0), Reps(1), Reps(7, bottom=0.5, top=1.0), OVER],
            options=TAUT,
        ),
        Situation(
            "The band has softened since the last session",
            "Last time it pulled 15 N at the start and 60 N at the top; now 13 N and 52 N.",
            [Band(52.0, 13.0), Reps(8), OVER],
            ("your range changed",),
            options=TAUT | {"reference": LoadingReference(60.0, 15.0, 0.01, 0.60)},
        ),
        Situation(
            "The person pulls less far than in the last session",
            "Last time 15 N at the start and 60 N at the top; now 15 N and 52 N.",
            [Band(52.0, 15.0), Reps(8), OVER],
            ("the band changed",),
            options=TAUT | {"reference": LoadingReference(60.0, 15.0, 0.01, 0.60)},
        ),
        Situation(
            "Softer or shorter, on a band that is slack at the start",
            "Last time 60 N at the top, now 52 N; the band hangs slack at the start, so nobody can tell.",
            [Band(52.0, 0.0), Reps(8), OVER],
            ("changed",),
            options=MEASURED | {"reference": LoadingReference(60.0, 15.0, 0.01, 0.60)},
        ),
        Situation(
            "A check pull found the band softer, which is slack at the start",
            "Last time 60 N at the top, now 52 N; a pull since then measured it 15 % softer.",
            [Band(52.0, 0.0), Reps(8), OVER],
            ("your range changed",),
            options=MEASURED
            | {
                "reference": LoadingReference(60.0, 0.0, 0.01, 0.60, Stiffness(200, 100.0, 2.0)),
                "stiffness": Stiffness(700, 85.0, 2.0),
            },
        ),
        Situation(
            "A check pull found the band as it was",
            "Last time 60 N at the top, now 52 N; a pull since then measured the band as strong as before.",
            [Band(52.0, 0.0), Reps(8), OVER],
            ("the band changed, not you",),
            options=MEASURED
            | {
                "reference": LoadingReference(60.0, 0.0, 0.01, 0.60, Stiffness(200, 100.0, 2.0)),
                "stiffness": Stiffness(700, 100.0, 2.0),
            },
        ),
        Situation(
            "Another band than the one that was fitted",
            "The tension is that of the fitted band at more than four times its length.",
            [Band(120.0), Reps(3), OVER],
            ("KEEP",),
            options=MEASURED | {"f100_n": 40.0},
        ),
    ],
    "Zero and sense": [
        Situation(
            "Zero is set",
            "The band hangs slack; the person sets the zero.",
            [Band(60.0, 0.0, offset_n=1.5), Rest(3.0), Press(Tare()), Rest(3.0)],
        ),
        Situation(
            "Zero while pulling",
            "The person sets the zero in the middle of a pull.",
            [Reps(1, hold_s=0.0, return_s=0.2, rest_s=0.0, pull_s=1.0), Press(Tare()), Rest(3.0)],
        ),
        Situation(
            "Zero on a taut band",
            "The band pulls 15 N while the zero is set.",
            [Band(60.0, 15.0), Rest(3.0), Press(Tare()), Rest(3.0)],
        ),
        Situation(
            "Zero is off",
            "The sensor shows 5 N while the band hangs slack.",
            [Band(60.0, 0.0, offset_n=5.0), Rest(6.0), Reps(4), OVER],
        ),
        Situation(
            "Below zero",
            "The sensor shows less than nothing.",
            [Band(60.0, 0.0, offset_n=-6.0), Rest(6.0), Reps(3), OVER],
        ),
        Situation(
            "A reversed cell",
            "Tension falls with every pull.",
            [Band(60.0, 0.0, sign=-1.0), Reps(3), OVER],
            ("SLACK", "KEEP"),
        ),
        Situation(
            "Grams for newtons",
            "The sensor gives grams where newtons are expected.",
            [Band(6000.0, 0.0), Reps(3), OVER],
            ("SLACK", "KEEP"),
        ),
        Situation(
            "Kilograms for newtons",
            "The sensor gives kilograms where newtons are expected.",
            [Band(2.4, 0.0), Reps(9), OVER],
        ),
    ],
    "Stop rules": [
        Situation(
            "Pain of 5 where 4 stops",
            "Eight repetitions; effort 6, pain 5; the plan stops at 4. They do another set all the same.",
            [
                Reps(8),
                OVER,
                Press(SetFeedback(Feedback(effort=6))),
                Press(SetFeedback(Feedback(pain=5))),
                Reps(8),
                OVER,
            ],
            options={"plan": Plan(stop=StopRules(pain=4))},
        ),
        Situation(
            "Pain of 3 where 4 stops",
            "Eight repetitions; effort 6, pain 3.",
            [Reps(8), OVER, Press(SetFeedback(Feedback(effort=6))), Press(SetFeedback(Feedback(pain=3)))],
            ("STOP",),
            options={"plan": Plan(stop=StopRules(pain=4))},
        ),
        Situation(
            "A lost band where the plan stops",
            "The band snaps after six, and the plan ends the exercise there.",
            [Reps(6), Snap(), OVER],
            ("KEEP", "SLACK"),
            options={"plan": Plan(stop=StopRules(band_lost=True))},
        ),
    ],
    "Sides": [
        Situation(
            "Left first",
            "Eight with the left arm, eight with the right.",
            [Reps(8), Rest(8.0), Reps(8), Rest(8.0)],
            options={"exercise": "bent-over-row"},
        ),
        Situation(
            "The right arm is weaker",
            "Six with the left arm at 60 N, four with the right at 51 N.",
            [Reps(6), Rest(8.0), Band(51.0), Reps(4), Rest(8.0)],
            ("KEEP",),
            options={"exercise": "bent-over-row", **MEASURED},
        ),
    ],
    "Rest": [
        Situation("The whole rest", "Eight repetitions and 95 seconds of rest.", [Reps(8), Rest(95.0)]),
        Situation(
            "Thirty seconds more",
            "The person asks for 30 seconds more.",
            [Reps(8), OVER, Press(RestChange(30.0)), Rest(110.0)],
        ),
        Situation(
            "Sooner than planned",
            "The next set begins after 20 seconds.",
            [Reps(8), Rest(20.0), Reps(8), OVER],
            ("Ready when you are",),
        ),
    ],
}
