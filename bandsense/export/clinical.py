"""Sessions as clinical records: FHIR R4 Observations, and IEEE 1752.1 physical activity.

FHIR: an Observation for each set (category `activity`), coded with IEEE 11073-10442 (strength fitness
equipment; partition 129: set 200, repetition 201, repetition count 202, resistance 203, laterality 205), its
repetitions as components, the trace as `SampledData`. No LOINC code is known for a repetition or the tension
of a band, and none is used. Units are UCUM. One Bundle (collection) a session.

IEEE 1752.1: `physical-activity` 1.0 with header 1.0 for each set; repetitions are the base movement.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bandsense.export.rows import ExportedSet, exercise_name, sets_of, sided_name, told_peak_n
from bandsense.export.table import SessionTable, StreamTable, utc
from bandsense.files import write_json_file

__all__ = ["MDC", "write_fhir", "write_ieee1752"]

MDC = "urn:iso:std:iso:11073:10101"
_PARTITION = 129 << 16
SET, REPETITION, REPETITION_COUNT, RESISTANCE, LATERALITY = (
    _PARTITION + number for number in (200, 201, 202, 203, 205)
)
STRENGTH_EQUIPMENT = 528426
"""MDC_DEV_SPEC_PROFILE_HF_STRENGTH."""
_NAMES = {
    SET: "MDC_HF_SET",
    REPETITION: "MDC_HF_REPETITION",
    REPETITION_COUNT: "MDC_HF_REPETITION_COUNT",
    RESISTANCE: "MDC_HF_RESISTANCE",
    LATERALITY: "MDC_HF_EXERCISE_LATERALITY",
    STRENGTH_EQUIPMENT: "MDC_DEV_SPEC_PROFILE_HF_STRENGTH",
}
_UCUM = "http://unitsofmeasure.org"
_ACTIVITY = "http://terminology.hl7.org/CodeSystem/observation-category"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "bandsense")
_TRACE_HZ = 20.0


def write_fhir(table: SessionTable, folder: Path) -> list[Path]:
    """Write a session as a Bundle of Observations with their Devices and, where one is named, a Patient."""
    path = folder / f"session-{table.session.id}-fhir.json"
    write_json_file(
        path,
        {
            "resourceType": "Bundle",
            "type": "collection",
            "timestamp": utc(table.session.ended_unix_s or table.session.started_unix_s),
            "entry": [
                {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}
                for resource in _resources(table)
            ],
        },
    )
    return [path]


def _identity(*parts: object) -> str:
    """Return the same UUID for the same thing of the same session, so that an import twice adds nothing."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(map(str, parts))))


def _of_session(table: SessionTable) -> str:
    return f"{table.session.started_unix_s}"


def _coded(code: int, text: str) -> dict[str, Any]:
    return {"coding": [{"system": MDC, "code": str(code), "display": _NAMES[code]}], "text": text}


def _quantity(value: float, unit: str, code: str, digits: int = 2) -> dict[str, Any]:
    return {"value": round(value, digits), "unit": unit, "system": _UCUM, "code": code}


def _resources(table: SessionTable) -> Iterator[dict[str, Any]]:
    person = table.session.person
    if person is not None:
        yield {
            "resourceType": "Patient",
            "id": _identity("person", person),
            "identifier": [{"system": "urn:bandsense:person", "value": person}],
        }
    for stream in table.streams:
        yield {
            "resourceType": "Device",
            "id": _identity("sensor", stream.stream.sensor),
            "identifier": [{"system": "urn:bandsense:sensor", "value": stream.stream.sensor}],
            "deviceName": [{"name": "bandsense", "type": "manufacturer-name"}],
            "version": [{"value": table.session.software}],
            "specialization": [{"systemType": _coded(STRENGTH_EQUIPMENT, "strength fitness equipment")}],
        }
    for each in sets_of(table):
        yield _observation(table, each)


def _observation(table: SessionTable, each: ExportedSet) -> dict[str, Any]:
    stream = each.stream
    observation: dict[str, Any] = {
        "resourceType": "Observation",
        "id": _identity(_of_session(table), stream.stream.sensor, stream.stream.side, each.number),
        "status": "final",
        "category": [
            {"coding": [{"system": _ACTIVITY, "code": "activity", "display": "Activity"}], "text": "Activity"}
        ],
        "code": _coded(SET, f"set {each.number} of {exercise_name(table)}"),
        "effectivePeriod": {"start": utc(each.start_unix_s), "end": utc(each.end_unix_s)},
        "device": {"reference": f"urn:uuid:{_identity('sensor', stream.stream.sensor)}"},
        "component": list(_components(table, each)),
    }
    if table.session.person is not None:
        observation["subject"] = {"reference": f"urn:uuid:{_identity('person', table.session.person)}"}
    if each.feedback.get("note"):
        observation["note"] = [{"text": each.feedback["note"]}]
    return observation


def _components(table: SessionTable, each: ExportedSet) -> Iterator[dict[str, Any]]:
    count = _quantity(len(each.reps), "repetitions", "1", 0)
    yield {"code": _coded(REPETITION_COUNT, "repetitions"), "valueQuantity": count}
    if each.side is not None:
        yield {"code": _coded(LATERALITY, "side"), "valueString": each.side}
    mean_n = None if "mean_peak_n" in each.hidden else each.mean_peak_n
    yield _tension(RESISTANCE, "mean peak tension", mean_n, each.hidden.get("mean_peak_n"))
    for number, (rep, figures) in enumerate(zip(each.reps, each.figures, strict=True), 1):
        if rep.get("peak_n") is not None:
            reason = (figures.get("hidden") or {}).get("peak_n")
            yield _tension(
                REPETITION, f"peak tension of repetition {number}", told_peak_n(rep, figures), reason
            )
    if (trace := _sampled(each.stream, each.data)) is not None:
        yield {"code": _coded(RESISTANCE, "tension over time"), "valueSampledData": trace}


def _tension(code: int, text: str, tension_n: float | None, reason: str | None) -> dict[str, Any]:
    """Return a tension, or why there is none."""
    component: dict[str, Any] = {"code": _coded(code, text)}
    if tension_n is not None:
        return component | {"valueQuantity": _quantity(tension_n, "N", "N")}
    absent = {"coding": [{"system": _ABSENT, "code": "unsupported"}], "text": str(reason)}
    return component | {"dataAbsentReason": absent}


def _sampled(stream: StreamTable, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the trace of a set at even steps; `E` where samples are missing."""
    within_s = stream.time_s[(stream.time_s >= data["start_s"]) & (stream.time_s <= data["end_s"])]
    if within_s.size < 2:
        return None
    steps_s = np.arange(0.0, within_s[-1] - within_s[0], 1.0 / _TRACE_HZ)
    values = stream.tension_at(within_s[0] + steps_s)
    texts = ["E" if np.isnan(value) else f"{value:.2f}" for value in values]
    return {
        "origin": {"value": 0, "unit": "N", "system": _UCUM, "code": "N"},
        "period": 1000.0 / _TRACE_HZ,
        "dimensions": 1,
        "data": " ".join(texts),
    }


def write_ieee1752(table: SessionTable, folder: Path) -> list[Path]:
    """Write a session as IEEE 1752.1 data points: header and body of a physical activity for each set."""
    path = folder / f"session-{table.session.id}-ieee1752.json"
    write_json_file(path, [_data_point(table, each) for each in sets_of(table)])
    return [path]


def _data_point(table: SessionTable, each: ExportedSet) -> dict[str, Any]:
    ended = utc(each.end_unix_s)
    schema = {"namespace": "ieee", "name": "physical-activity", "version": "1.0"}
    header: dict[str, Any] = {
        "uuid": _identity(_of_session(table), each.stream.stream.sensor, each.side, each.number, "1752"),
        "schema_id": schema,
        "source_creation_date_time": ended,
        "modality": "sensed",
    }
    if table.session.person is not None:
        header["user_id"] = table.session.person
    return {
        "header": header,
        "body": {
            "activity_name": sided_name(table, each),
            "effective_time_frame": {
                "time_interval": {"start_date_time": utc(each.start_unix_s), "end_date_time": ended}
            },
            "duration": {"value": round(each.end_unix_s - each.start_unix_s, 3), "unit": "sec"},
            "base_movement_quantity": {"value": len(each.reps), "unit": "repetitions"},
        },
    }
