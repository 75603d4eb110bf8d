"""A test of strength in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from bandsense.exercises.model import Side
from bandsense.language import said, tr
from bandsense.live.formatting import side_word
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
        return tr("Ready. Pull as hard as you can, hold for 3 to 5 seconds, then let go.")
    if isinstance(event, RestOver):
        return tr("Now: {trial}.", trial=_trial_words(event.side, event.number, trials))
    if isinstance(event, TrialFailed):
        return tr("That did not count: {problem} Do it again.", problem=_problem_words(event.problem))
    trial = event.trial
    name, force = _trial_words(trial.side, trial.number, trials), force_words(trial.maximum_n)
    if event.next_number is None:
        return tr("{trial}: {force}. All done.", trial=name, force=force)
    return tr(
        "{trial}: {force}. Rest for {seconds:.0f} s, then {next}.",
        trial=name,
        force=force,
        seconds=rest_s,
        next=_trial_words(event.next_side, event.next_number, trials),
    )


def _trial_words(side: Side | None, number: int, trials: int) -> str:
    if side is None:
        return tr("trial {number} of {trials}", number=number, trials=trials)
    return tr("{side}, trial {number} of {trials}", side=side_word(side), number=number, trials=trials)


def _problem_words(problem: Problem) -> str:
    return {
        Problem.SHORT: tr("hold the pull for at least {seconds:.0f} s, better 3 to 5.", seconds=LEAST_HOLD_S),
        Problem.WEAK: tr(
            "it was less than {force}, too little to tell from setting up.", force=force_words(LEAST_N)
        ),
        Problem.LONG: tr("it was not let go; let go between trials."),
        Problem.GAP: tr("samples are missing; come nearer to the computer."),
        Problem.LIMIT: tr("the sensor was at its limit; it cannot show such a force."),
    }[problem]


def side_words(result: SideResult) -> str:
    """Describe a side: `left: best 132 N, mean 128 ± 3 N of 130, 122, 132; …`."""
    unit = shown_unit()
    words = tr(
        "best {best}, mean {mean} of {trials}",
        best=force_words(result.best_n),
        mean=f"{force_figure(result.mean_n)} ± {force_figure(result.uncertainty_n)} {unit.value}",
        trials=", ".join(force_figure(each) for each in result.trials),
    )
    if result.side is not None:
        words = f"{side_word(result.side)}: {words}"
    if result.rate_n_per_s is not None:
        rate = f"{force_figure(result.rate_n_per_s)} {unit.value}"
        return tr("{words}; force rose by {rate} a second", words=words, rate=rate)
    if result.rate_hidden is not None:
        return tr("{words}; how quickly force rose is not known: {why}", words=words, why=result.rate_hidden)
    return words


def symmetry_words(found: Symmetry) -> str:
    """Describe how one side stands to the other."""
    index = tr(
        "{share:.0f} ± {uncertainty:.0f} %", share=100.0 * found.index, uncertainty=100.0 * found.uncertainty
    )
    side, other = side_word(found.side), side_word("right" if found.side == "left" else "left")
    if found.certain:
        return tr("limb symmetry: {side} {index} of {other}", side=side, index=index, other=other)
    return tr(
        "limb symmetry: {side} {index} of {other}; no clear difference",
        side=side,
        index=index,
        other=other,
    )


def change_words(change: Change) -> str:
    """Describe a change since an earlier test; only one beyond what two tests differ by anyway."""
    name = "" if change.side is None else f"{side_word(change.side)}: "
    least = f"{100.0 * change.detectable:.0f} %"
    if not change.told:
        return f"{name}{tr('no detectable change; that would take {least}', least=least)}"
    share = f"{100.0 * abs(change.share):.0f} %"
    if change.share > 0.0:
        words = tr(
            "{share} stronger, more than the {least} that two tests may differ by", share=share, least=least
        )
    else:
        words = tr(
            "{share} weaker, more than the {least} that two tests may differ by", share=share, least=least
        )
    return f"{name}{words}"


def compared_words(day: date, changes: Sequence[Change], differences: Sequence[str]) -> Iterator[str]:
    """Describe a test beside the one before it."""
    if differences:
        why = "; ".join(map(said, differences))
        yield tr("not compared with {day}: {why}", day=f"{day}", why=why)
        return
    for change in changes:
        yield tr("since {day}, {change}", day=f"{day}", change=change_words(change))
