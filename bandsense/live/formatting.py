"""Events in words: lines for a log, and notices for a person in the middle of a set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from bandsense.signal.events import Rep, RepCompleted, RepCounted, RepRetracted, SignalWarning
from bandsense.signal.metrics import Asymmetry
from bandsense.workout.cues import CueKind
from bandsense.workout.events import (
    BatteryChanged,
    CueGiven,
    Event,
    LinkChanged,
    SetDone,
    SetResult,
    SetStarted,
    SlackAdvised,
    SlackAnswered,
    Tared,
    TemperatureChanged,
)
from bandsense.workout.plan import TensionZone, Zone
from bandsense.workout.workout import Summary

__all__ = [
    "asymmetry_words",
    "format_log_line",
    "format_notice",
    "plural",
    "rep_words",
    "set_words",
    "summary_words",
    "tension_words",
]

LOW_BATTERY_PERCENT = 10

_UNDER_TIME = " " * 13
"""Where a second line of a log begins: below the text of the first."""

_SAID_IN_A_LOG = (CueKind.SLOWER, CueKind.FULL_RANGE, CueKind.TWO_MORE, CueKind.REST_OVER)
"""Breaths and holds come with every repetition and would fill a log."""


def plural(number: int, noun: str) -> str:
    """`1 rep`, `2 reps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tension_words(tension_n: float, uncertainty_n: float) -> str:
    """A tension with its standard uncertainty, both to the place of the uncertainty's first digits."""
    decimals = 0 if uncertainty_n >= 9.5 else 1 if uncertainty_n >= 0.095 else 2
    return f"{tension_n:z.{decimals}f} ± {uncertainty_n:.{decimals}f} N"


def rep_words(rep: Rep) -> str:
    """Phases of a repetition, and what is special about it."""
    text = f"pull {rep.concentric_s:.2f}, hold {rep.hold_s:.2f}, return {rep.eccentric_s:.2f} s"
    if rep.partial:
        text += f", partial ({rep.range_fraction:.0%} of the range)"
    if rep.gap:
        text += ", samples missing"
    if rep.saturated:
        text += ", sensor at its limit"
    return text


def set_words(result: SetResult) -> str:
    """A finished set in one sentence."""
    metrics = result.metrics
    text = f"{_set_name(result.number, result.side)}: {plural(metrics.reps, 'rep')}"
    if metrics.partial:
        text += f", {metrics.partial} of them partial"
    best = max(result.figures, key=lambda rep: rep.peak_n)
    peak = tension_words(best.peak_n, best.peak_uncertainty_n or 0.0)
    text += f", peak {peak}, {metrics.time_under_tension_s:.1f} s under tension, tempo {metrics.tempo}"
    return text if result.zone is None else f"{text}; {_zone_words(result.zone, result.in_zone)}"


def _zone_words(zone: TensionZone, counts: Counter[Zone]) -> str:
    return (
        f"peaks within {zone.low_n:g} to {zone.high_n:g} N: {counts[Zone.WITHIN]} of {counts.total()} "
        f"({counts[Zone.BELOW]} below, {counts[Zone.ABOVE]} above)"
    )


def _set_name(number: int, side: str | None) -> str:
    return f"set {number}" if side is None else f"half-set {number}, {side}"


def summary_words(summary: Summary) -> str:
    """A session in one sentence."""
    if not summary.reps:
        return f"no repetition in {summary.duration_s:.0f} s"
    text = f"{plural(summary.reps, 'rep')} in {plural(summary.sets, 'set')}"
    if summary.partial:
        text += f", {summary.partial} partial"
    peak = tension_words(summary.peak_n, summary.peak_uncertainty_n)
    return f"{text}, peak {peak}, {summary.time_under_tension_s:.1f} s under tension"


def asymmetry_words(asymmetry: Asymmetry) -> str:
    """How right differs from left, each figure with its standard error, and whether that is sure."""
    figures = {
        "peak": asymmetry.peak,
        "impulse": asymmetry.impulse,
        "range": asymmetry.range,
        "time under tension": asymmetry.time_under_tension,
    }
    parts = (f"{name} {each.share:+.1%} ± {each.standard_error:.1%}" for name, each in figures.items())
    sure = [name for name, each in figures.items() if each.certain]
    verdict = f"surely different: {', '.join(sure)}" if sure else "nothing that is sure"
    return f"right against left: {', '.join(parts)}; {verdict}"


def format_notice(event: Event) -> str | None:
    """What a person should read at once, if anything."""
    if isinstance(event, RepRetracted):
        return f"not counted: {event.reason.value}"
    if isinstance(event, SignalWarning):
        return event.message
    if isinstance(event, SetDone):
        return set_words(event.result)
    if isinstance(event, SlackAdvised):
        return event.advice.text
    if isinstance(event, SlackAnswered):
        return "noted: the slack was changed" if event.followed else "noted: the slack stays as it is"
    if isinstance(event, Tared):
        return event.problem or f"zero set: {-event.change_n:+.1f} N"
    if isinstance(event, BatteryChanged) and event.percent <= LOW_BATTERY_PERCENT:
        return f"the sensor's battery is at {event.percent} %; charge it"
    return None


def format_log_line(
    event: Event, uncertainty_n: Callable[[float], float], began_s: float = 0.0
) -> str | None:
    """An event as a line of a log, its time counted from `began_s`; None for what would only fill it."""
    text = _text(event, uncertainty_n)
    return None if text is None else f"{event.detected_s - began_s:9.2f} s  {text}"


def _text(event: Event, uncertainty_n: Callable[[float], float]) -> str | None:
    if isinstance(event, RepCounted):
        return f"rep {event.count}: {tension_words(event.peak_n, uncertainty_n(event.peak_n))}"
    if isinstance(event, RepCompleted):
        return f"       {rep_words(event.rep)}"
    if isinstance(event, RepRetracted):
        return f"a rep is taken back ({event.reason.value}): {event.count} stand"
    if isinstance(event, SetStarted):
        return _set_name(event.number, event.side)
    if isinstance(event, LinkChanged):
        return event.message
    if isinstance(event, BatteryChanged):
        return f"battery {event.percent} %"
    if isinstance(event, TemperatureChanged) and event.zero_n:
        return f"the sensor is at {event.temperature_c:.1f} °C: {event.zero_n:+.2f} N are taken off"
    if isinstance(event, SlackAdvised) and event.advice.amount_cm:
        return f"{event.advice.text}\n{_UNDER_TIME}({event.advice.details})"
    if isinstance(event, CueGiven):
        return f"       ({event.text.lower()})" if event.kind in _SAID_IN_A_LOG else None
    return format_notice(event)
