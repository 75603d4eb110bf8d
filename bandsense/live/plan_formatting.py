"""How near a set came to its plan: tempo phase by phase, and the peaks against the tension zone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bandsense.exercises.model import Tempo
from bandsense.language import number, tr
from bandsense.live.formatting import tempo_words
from bandsense.workout.events import SetResult, fields_json
from bandsense.workout.plan import TempoReport, Zone, tempo_report
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.tempo import HandTempo

__all__ = ["plan_json", "plan_words"]

_PHASES = ("tempo.concentric_s", "tempo.eccentric_s")


def plan_words(result: SetResult, settings: WorkoutSettings) -> Iterator[str]:
    """Sentences for a person; none where no exercise was named, so that nothing was planned."""
    report, reason = _report(result, settings), _hidden(result)
    if report is not None and reason is not None:
        yield tr("tempo kept: {why}", why=reason)
    elif report is not None and result.hand_tempo is not None:
        yield _tempo_words(report, result.hand_tempo, settings.plan.tempo)


def plan_json(result: SetResult, settings: WorkoutSettings) -> dict[str, Any]:
    """Return the same for programs, and the zone: `tempo_kept` and `zone`, None where nothing was planned."""
    report, counts = None if _hidden(result) else _report(result, settings), result.in_zone
    return {
        "tempo_kept": None if report is None else fields_json(report),
        "zone": None
        if result.zone is None
        else fields_json(result.zone) | {which.value: counts[which] for which in Zone},
    }


def _report(result: SetResult, settings: WorkoutSettings) -> TempoReport | None:
    if settings.exercise is None:
        return None
    return tempo_report(result.reps, settings.plan.tempo, settings.exponent)


def _hidden(result: SetResult) -> str | None:
    """Say why the sensor cannot tell the tempo; None where it can."""
    hidden = result.metrics.hidden
    return next((hidden[name] for name in hidden if name in _PHASES), None)


def _tempo_words(report: TempoReport, took: HandTempo, plan: Tempo) -> str:
    """Describe the tempo of the hand beside the plan's, and in how many repetitions each phase kept it."""
    phases = {
        tr("pull"): report.concentric,
        tr("hold"): report.hold,
        tr("return"): report.eccentric,
        tr("rest"): report.rest,
    }
    seconds = (plan.concentric_s, plan.hold_s, plan.eccentric_s, plan.rest_s)
    return tr(
        "tempo {tempo}, planned {planned} s; kept: {kept}",
        tempo=tempo_words(took),
        planned="-".join(number(each, ".1f") for each in seconds),
        kept=", ".join(f"{name} {number(each.kept, '.0%')}" for name, each in phases.items()),
    )
