"""The golden vectors of docs/protocol.md: the same bytes that the firmware is tested against."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from bandsense.errors import FrameError
from bandsense.wire.bandsense.advertising import Advertisement
from bandsense.wire.bandsense.answers import (
    Answer,
    CalibrationPiece,
    Counters,
    Crash,
    SelfTestResult,
    Supply,
    decode_answer,
)
from bandsense.wire.bandsense.calibration import CalibrationRecord
from bandsense.wire.bandsense.codes import ATT_INVALID_LENGTH, PROFILE_MINOR, Options, StatisticsPage
from bandsense.wire.bandsense.information import Information
from bandsense.wire.bandsense.measurement import MeasurementFrame
from bandsense.wire.bandsense.requests import (
    ForgetBonds,
    Identify,
    OpenPairing,
    ReadCalibration,
    ReadStatistics,
    RequestRefused,
    SelfTest,
    SetLabel,
    SetOptions,
    Sleep,
    Start,
    Stop,
    TimeMark,
    WriteCalibration,
    decode_request,
    encode_request,
)
from bandsense.wire.imds import decode_force, encode_force

VECTORS = json.loads((Path(__file__).parents[2] / "docs" / "protocol-vectors.json").read_text())


def cases(section: str) -> pytest.MarkDecorator:
    assert VECTORS[section], section
    return pytest.mark.parametrize("case", VECTORS[section], ids=lambda case: case["name"])


REQUESTS: dict[str, Any] = {
    "start": lambda v: Start(v["rate_hz"]),
    "stop": lambda v: Stop(),
    "identify": lambda v: Identify(v["seconds"]),
    "sleep": lambda v: Sleep(),
    "set_label": lambda v: SetLabel(v["label"]),
    "read_statistics": lambda v: ReadStatistics(StatisticsPage(v["page"])),
    "read_calibration": lambda v: ReadCalibration(v["offset"]),
    "write_calibration": lambda v: WriteCalibration(v["total"], v["offset"], bytes.fromhex(v["data"])),
    "open_pairing": lambda v: OpenPairing(v["seconds"]),
    "forget_bonds": lambda v: ForgetBonds(v["everyone"]),
    "time_mark": lambda v: TimeMark(),
    "self_test": lambda v: SelfTest(),
    "set_options": lambda v: SetOptions(Options(v["options"])),
}


@cases("measurement")
def test_measurement(case: dict[str, Any]) -> None:
    frame = MeasurementFrame.decode(bytes.fromhex(case["bytes"]))
    # A vector of 1.0 does not know what 1.1 made of reserved bits.
    since_1_0 = replace(frame, settling=False, late_stamp=False)
    assert (frame if "since_minor" in case else since_1_0) == MeasurementFrame(
        case["sequence"], case["time_us"], case["span_us"], tuple(case["counts"]), **case["flags"]
    )
    assert [(frame.time_us + offset) % 2**32 for offset in frame.offsets_us] == case["sample_times_us"]
    if "reserved" not in case["name"] or case.get("since_minor", 0) > 0:
        assert frame.encode().hex() == case["bytes"]


@cases("measurement_invalid")
def test_measurement_invalid(case: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        MeasurementFrame.decode(bytes.fromhex(case["bytes"]))


@cases("control_request")
def test_control_request(case: dict[str, Any]) -> None:
    request = REQUESTS[case["request"]](case)
    assert decode_request(bytes.fromhex(case["bytes"])) == (case["id"], request)
    assert encode_request(case["id"], request).hex() == case["bytes"]


@cases("control_request_invalid")
def test_control_request_invalid(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["bytes"])
    with pytest.raises(RequestRefused) as refused:
        decode_request(data)
    if case["answer"] == "att 0x0d":
        assert refused.value.status is None
        assert ATT_INVALID_LENGTH == 0x0D
    else:
        assert f"status {refused.value.status}" == case["answer"]
        assert (refused.value.request_id, refused.value.opcode) == (data[0], data[1])


def meaning(answer: Answer) -> dict[str, Any]:
    result = answer.result
    if result is None:
        return {}
    fields = asdict(result)
    if isinstance(result, CalibrationPiece):
        fields["data"] = result.data.hex()
    if isinstance(result, SelfTestResult):
        fields |= {"passed": result.passed, "not_run": result.not_run}
        del fields["outcome"]
    pages = {Counters: 0, SelfTestResult: 1, Crash: 2, Supply: 3}
    return fields | ({"page": pages[type(result)]} if type(result) in pages else {})


@cases("control_answer")
def test_control_answer(case: dict[str, Any]) -> None:
    answer = decode_answer(bytes.fromhex(case["bytes"]))
    assert (answer.request_id, answer.opcode, answer.status) == (case["id"], case["opcode"], case["status"])
    expected = case.get("result", {})
    shown = meaning(answer)
    assert {key: shown[key] for key in expected} == expected
    assert set(shown) - set(expected) <= {"not_run"}
    assert answer.encode().hex() == case["bytes"]


@cases("control_answer_invalid")
def test_control_answer_invalid(case: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        decode_answer(bytes.fromhex(case["bytes"]))


@cases("information")
def test_information(case: dict[str, Any]) -> None:
    information = Information.decode(bytes.fromhex(case["bytes"]))
    shown = asdict(information) | {"serial": information.serial_text, "rates_hz": list(information.rates_hz)}
    assert shown == {key: case[key] for key in shown}
    if information.minor <= PROFILE_MINOR:
        assert information.encode().hex() == case["bytes"]


@cases("information_invalid")
def test_information_invalid(case: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        Information.decode(bytes.fromhex(case["bytes"]))


@cases("calibration")
def test_calibration(case: dict[str, Any]) -> None:
    record = CalibrationRecord.decode(bytes.fromhex(case["bytes"]))
    shown = asdict(record)
    assert shown == {key: case[key] for key in shown}
    assert record.encode().hex() == case["bytes"]


@cases("calibration_invalid")
def test_calibration_invalid(case: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        CalibrationRecord.decode(bytes.fromhex(case["bytes"]))


@cases("advertising")
def test_advertising(case: dict[str, Any]) -> None:
    advertisement = Advertisement.decode(bytes.fromhex(case["bytes"]))
    shown = asdict(advertisement)
    later = {"external_power": False, "charging": False}  # what a vector of version 1.0 does not say
    assert shown == {key: (later | case)[key] for key in shown}
    if len(case["bytes"]) == 6:
        assert advertisement.encode().hex() == case["bytes"]


@cases("advertising_invalid")
def test_advertising_invalid(case: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        Advertisement.decode(bytes.fromhex(case["bytes"]))


@cases("force")
def test_force(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["bytes"])
    force_n = decode_force(data)
    assert force_n == (None if case["force_n"] is None else pytest.approx(case["force_n"]))
    assert encode_force(force_n) == data


def test_every_section_of_the_vectors_is_tested() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert set(VECTORS) - {"profile", "about"} <= tested
