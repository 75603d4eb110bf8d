"""A test of strength in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from bandsense.exercises.model import Side
from bandsense.live.units import force_figure, force_words, shown_unit
from bandsense.workout.strength import (
    LEAST_HOLD_S,
    LEAST_N,
    Change,
    Problem,
    Ready,
    RestOver,
    SideResult,
    StrengthEvent,
    Symmetry,
    TrialFailed,
)

__all__ = ["change_words", "compared_words", "side_words", "symmetry_words", "test_event_words"]


def test_event_words(event: StrengthEvent, trials: int, rest_s: float) -> str:
    """Tell what happened in a test, and what to do next.

    Args:
        event: of the test.
        trials: of each side.
        rest_s: between two pulls.
    """
    if isinstance(event, Ready):
        return "Ready. Pull as hard as you can, hold for 3 to 5 seconds, then let go."
    if isinstance(event, RestOver):
        return f"Now: {_trial_words(event.side, event.number, trials)}."
    if isinstance(event, TrialFailed):
        return f"That did not count: {_problem_words(event.problem)} Do it again."
    trial = event.trial
    done = f"{_trial_words(trial.side, trial.number, trials)}: {force_words(trial.maximum_n)}"
    if event.next_number is None:
        return f"{done}. All done."
    following = _trial_words(event.next_side, event.next_number, trials)
    return f"{done}. Rest for {rest_s:.0f} s, then {following}."


def _trial_words(side: Side | None, number: int, trials: int) -> str:
    return f"{'' if side is None else f'{side}, '}trial {number} of {trials}"


def _problem_words(problem: Problem) -> str:
    return {
        Problem.SHORT: f"hold the pull for at least {LEAST_HOLD_S:.0f} s, better 3 to 5.",
        Problem.WEAK: f"it was less than {force_words(LEAST_N)}, too little to tell from setting up.",
        Problem.LONG: "it was not let go; let go between trials.",
        Problem.GAP: "samples are missing; come nearer to the computer.",
        Problem.LIMIT: "the sensor was at its limit; it cannot show such a force.",
    }[problem]


def side_words(result: SideResult) -> str:
    """Describe a side: `left: best 132 N, mean 128 ± 3 N of 130, 122, 132; …`."""
    name = "" if result.side is None else f"{result.side}: "
    unit = shown_unit()
    trials = ", ".join(force_figure(each) for each in result.trials)
    mean = f"{force_figure(result.mean_n)} ± {force_figure(result.uncertainty_n)} {unit.value}"
    words = f"{name}best {force_words(result.best_n)}, mean {mean} of {trials}"
    if result.rate_n_per_s is not None:
        return f"{words}; force rose by {force_figure(result.rate_n_per_s)} {unit.value} a second"
    if result.rate_hidden is not None:
        return f"{words}; how quickly force rose is not told: {result.rate_hidden}"
    return words


def symmetry_words(found: Symmetry) -> str:
    """Describe how one side stands to the other."""
    other = "right" if found.side == "left" else "left"
    index = f"{100.0 * found.index:.0f} ± {100.0 * found.uncertainty:.0f} %"
    sure = "" if found.certain else "; no difference that is sure"
    return f"limb symmetry: {found.side} {index} of {other}{sure}"


def change_words(change: Change) -> str:
    """Describe a change since an earlier test; only one beyond what two tests differ by anyway."""
    name = "" if change.side is None else f"{change.side}: "
    least = f"{100.0 * change.detectable:.0f} %"
    if not change.told:
        return f"{name}no change that can be told; it would take {least}"
    way = "stronger" if change.share > 0.0 else "weaker"
    return (
        f"{name}{100.0 * abs(change.share):.0f} % {way}, more than the {least} that two tests may differ by"
    )


def compared_words(day: date, changes: Sequence[Change], differences: Sequence[str]) -> Iterator[str]:
    """Describe a test beside the one before it."""
    if differences:
        yield f"not compared with {day}: {'; '.join(differences)}"
        return
    for change in changes:
        yield f"since {day}, {change_words(change)}"
