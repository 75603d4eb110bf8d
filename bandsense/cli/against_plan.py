"""How near a set came to its plan: tempo phase by phase, and the peaks against the tension zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from bandsense.signal.events import Rep
from bandsense.workout.events import fields_json
from bandsense.workout.plan import TempoReport, TensionZone, Zone, tempo_report
from bandsense.workout.settings import WorkoutSettings

__all__ = ["plan_json", "plan_words"]


def plan_words(reps: Sequence[Rep], settings: WorkoutSettings) -> Iterator[str]:
    """Sentences for a person; none where no exercise was named, so that nothing was planned."""
    if settings.exercise is None:
        return
    report = tempo_report(reps, settings.plan.tempo)
    if report is not None:
        yield _tempo_words(report)
    if settings.plan.zone is not None:
        yield _zone_words(settings.plan.zone, _zones(reps, settings.plan.zone))


def plan_json(reps: Sequence[Rep], settings: WorkoutSettings) -> dict[str, Any]:
    """The same for programs: `tempo_kept` and `zone`, None where nothing was planned."""
    report = tempo_report(reps, settings.plan.tempo) if settings.exercise is not None else None
    zone = settings.plan.zone if settings.exercise is not None else None
    return {
        "tempo_kept": None if report is None else fields_json(report),
        "zone": None
        if zone is None
        else fields_json(zone) | {which.value: _zones(reps, zone)[which] for which in Zone},
    }


def _tempo_words(report: TempoReport) -> str:
    phases = {"pull": report.pull, "hold": report.hold, "return": report.return_, "rest": report.rest}
    parts = (
        f"{name} {each.kept:.0%} ({each.median_s:.1f} s, expected {each.target_s:.1f} s)"
        for name, each in phases.items()
    )
    return f"tempo kept: {', '.join(parts)}"


def _zones(reps: Sequence[Rep], zone: TensionZone) -> Counter[Zone]:
    return Counter(zone.zone(rep.peak_tension) for rep in reps)


def _zone_words(zone: TensionZone, counts: Counter[Zone]) -> str:
    return (
        f"peaks within {zone.low_n:g} to {zone.high_n:g} N: {counts[Zone.WITHIN]} of {counts.total()} "
        f"({counts[Zone.BELOW]} below, {counts[Zone.ABOVE]} above)"
    )
