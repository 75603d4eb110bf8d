"""What the store keeps of finished sets, as the records that history compares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from bandsense.history.records import Conditions, RepRecord, SetRecord, Targets
from bandsense.store.model import JsonObject, Session, StoredEvent, Stream

__all__ = ["calibration_line", "conditions_of", "set_records", "slack_change_cm"]


def set_records(
    session: Session,
    stream: Stream,
    sets: Sequence[JsonObject],
    events: Iterable[StoredEvent] = (),
    zone: tzinfo | None = None,
) -> list[SetRecord]:
    """Give the sets of one stream as records, in order; sets without a repetition are left out.

    Args:
        session: of the store.
        stream: one of its streams.
        sets: what the store keeps of its finished sets.
        events: its events, for the advice that was followed.
        zone: where the person lives; None for the computer's own time zone.

    Raises:
        KeyError, TypeError, ValueError: what is stored has no such form; it is damaged.
    """
    settings = stream.settings
    calibration = settings["calibration"]
    day = datetime.fromtimestamp(session.started_unix_s, zone).date()
    followed = _followed(events)
    records = []
    for data in sets:
        side = data.get("side") or stream.side
        start_s = float(_first(data, "start_s", "start"))
        reps = tuple(map(_rep, data["reps"], _first(data, "rep_metrics", "figures")))
        if reps:
            records.append(
                SetRecord(
                    session=session.id,
                    number=int(data["number"]),
                    started_unix_s=session.started_unix_s,
                    day=day,
                    conditions=conditions_of(session, stream, side),
                    targets=_targets(settings["plan"], data.get("zone")),
                    reps=reps,
                    person=session.person,
                    exercise_name=_exercise_name(settings, session),
                    span_uncertainty=float(_span(calibration)["span_uncertainty"]),
                    slack_cm=sum(cm for at_s, of, cm in followed if at_s <= start_s and of in (None, side)),
                    start_s=start_s,
                    end_s=float(_first(data, "end_s", "end")),
                    time_under_tension_s=_under_tension_s(data, reps),
                    chances={int(n): float(p) for n, p in (data.get("chances") or {}).items()},
                )
            )
    return records


def slack_change_cm(events: Iterable[StoredEvent], side: str | None) -> float:
    """Sum up the advice followed in a session for a side, centimetres; positive is easier."""
    return sum(cm for _, of, cm in _followed(events) if of in (None, side))


def _followed(events: Iterable[StoredEvent]) -> list[tuple[float, str | None, float]]:
    """Yield when, for which side and by how many centimetres the slack was changed as advised."""
    advice: Mapping[str, Any] | None = None
    changes = []
    for event in events:
        if event.kind == "slack_advised":
            advice = event.data["advice"]
        elif event.kind == "slack_answered" and advice is not None:
            if event.data["followed"]:
                easier = _first(advice, "action", "flag") == "ADD SLACK"
                cm = float(advice["amount_cm"]) * (1.0 if easier else -1.0)
                changes.append((float(event.data["time_s"]), advice.get("side"), cm))
            advice = None
    return changes


def _first(data: Mapping[str, Any], *names: str) -> Any:
    """Give the value under the first of these names: today's, then that of version 0.1.0.

    Raises:
        KeyError: it has none of them.
    """
    return data[next((name for name in names if name in data), names[0])]


def _span(calibration: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the curve that stands for a calibration: of a clip, the one for loading."""
    loading: Mapping[str, Any] = calibration.get("loading", calibration)
    return loading


def calibration_line(calibration: Mapping[str, Any]) -> str:
    """Give the span of a calibration and how it was obtained, in one line; the zero is left out."""
    parts = [calibration["loading"], calibration["unloading"]] if "loading" in calibration else [calibration]
    spans = (f"{part['newton_per_unit']:.9g}/{part.get('newton_per_unit2', 0.0):.9g}" for part in parts)
    return f"{parts[0]['grade']}, {' and '.join(spans)} N per {parts[0]['unit']}"


def conditions_of(session: Session, stream: Stream, side: str | None) -> Conditions:
    """Give the conditions under which a stream is measured.

    Raises:
        KeyError, TypeError: its settings have no such form.
    """
    setup = stream.settings.get("setup") or {}
    return Conditions(
        source="simulator" if session.simulated else session.source,
        exercise=session.exercise or "",
        side=side,
        band=setup.get("band"),
        rest_length_m=setup.get("rest_length_m"),
        sensor=stream.sensor,
        calibration=calibration_line(stream.settings["calibration"]),
    )


def _exercise_name(settings: JsonObject, session: Session) -> str:
    return (settings.get("exercise") or {}).get("name") or session.exercise or "no exercise"


def _targets(plan: Mapping[str, Any], zone: Mapping[str, Any] | None) -> Targets:
    tempo = plan["tempo"]
    return Targets(
        sets=int(plan["sets"]),
        reps=int(plan["reps"]),
        reps_top=int(plan["reps_top"]),
        zone_n=None if zone is None else (float(zone["low_n"]), float(zone["high_n"])),
        rest_s=float(plan["rest_s"]),
        tempo_s=(
            float(_first(tempo, "concentric_s", "pull_s")),
            float(tempo["hold_s"]),
            float(_first(tempo, "eccentric_s", "return_s")),
            float(tempo["rest_s"]),
        ),
        stop_pain=(plan.get("stop") or {}).get("pain"),
    )


def _under_tension_s(data: Mapping[str, Any], reps: Sequence[RepRecord]) -> float | None:
    """Give the time under tension of a set; None where most of its repetitions hide it."""
    known = [rep.time_under_tension_s for rep in reps if rep.time_under_tension_s is not None]
    if len(known) == len(reps):
        return sum(known)
    return _number((data.get("metrics") or {}).get("time_under_tension_s"))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _rep(boundaries: Mapping[str, Any], figures: Mapping[str, Any]) -> RepRecord:
    tempo = figures["tempo"] or {}
    return RepRecord(
        peak_n=float(_first(figures, "peak_n", "peak_tension_n") or boundaries.get("peak_n") or 0.0),
        peak_uncertainty_n=float(figures.get("peak_uncertainty_n", figures.get("peak_u_n")) or 0.0),
        partial=bool(figures["partial"]),
        time_under_tension_s=_number(figures["time_under_tension_s"]),
        impulse_n_s=_number(figures["impulse_n_s"]),
        range_m=figures.get("range_m"),
        relative_range=figures.get("relative_range"),
        concentric_s=tempo.get("concentric_s", tempo.get("pull_s")),
        hold_s=tempo.get("hold_s"),
        eccentric_s=tempo.get("eccentric_s", tempo.get("return_s")),
        start_s=float(_first(boundaries, "pull_start_s", "pull_start")),
        end_s=float(_first(boundaries, "end_s", "end")),
        hidden=figures.get("hidden") or {},
        unsure=bool(figures.get("unsure")),
        probability=1.0 if (chance := boundaries.get("probability")) is None else float(chance),
    )
