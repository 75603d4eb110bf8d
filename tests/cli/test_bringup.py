"""`bandsense bringup` on the virtual band: as predicted where it is sound, and found where it is not."""

from __future__ import annotations

import asyncio
import inspect
import json
import runpy
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bandsense.app import bringup
from bandsense.app.bringup import PREDICTED_CURRENT_UA, Bringup, BringupPlan, Finding, Outcome
from bandsense.app.current_trace import read_current_trace
from bandsense.cli import main
from bandsense.errors import FileFormatError
from bandsense.link.ble.adapter import Transport
from bandsense.sim.clock import run_accelerated
from bandsense.sim.devices.virtual_band import Hardware, VirtualBand
from bandsense.sim.physics.sensor import SimulatedSensor
from bandsense.sim.physics.source import SlackSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.wire.bandsense.codes import Features
from tests.needs import REPOSITORY
from tests.support.images import unsigned_image, unsigned_update

QUICK = BringupPlan(
    noise_s=2.0, clock_s=10.0, range_s=2.0, places=("1 m away",), power_cycles=1, link_drops=1
)


def ppk2(path: Path, current_ua: np.ndarray, rate_hz: int = 1000) -> Path:
    """A recording as the app saves it."""
    frames = b"".join(struct.pack("<fH", value, 0) for value in current_ua)
    about = {"metadata": {"samplesPerSecond": rate_hz, "startSystemTime": 0}, "formatVersion": 2}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("session.raw", frames)
        archive.writestr("metadata.json", json.dumps(about))
        archive.writestr("minimap.raw", "{}")
    return path


def test_a_saved_and_an_exported_recording_are_read(tmp_path: Path) -> None:
    current_ua = np.array([10.0, 12.0, 14.0, 4.0])
    saved = read_current_trace(ppk2(tmp_path / "run.ppk2", current_ua))
    exported = tmp_path / "run.csv"
    rows = "\n".join(f"{i},{value},0" for i, value in enumerate(current_ua))
    exported.write_text(f"Timestamp(ms),Current(uA),D0-D7\n{rows}\n")
    for trace in (saved, read_current_trace(exported)):
        assert trace.mean_ua == 10.0
        assert trace.rate_hz == 1000.0
        assert trace.duration_s == pytest.approx(0.004)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"time,force\n1,2\n",
        b"Timestamp(ms),Current(uA)\n",
        b"Timestamp(ms),Current(uA)\nx,y\n",
        b"Timestamp(ms),Current(uA)\n0,1\n",
    ],
)
@pytest.mark.filterwarnings("error")
def test_another_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.csv"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"Power Profiler|no current"):
        read_current_trace(path)


def test_another_format_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.ppk2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"metadata": {}, "formatVersion": 3}))
        archive.writestr("session.raw", b"")
    with pytest.raises(FileFormatError, match="version 3"):
        read_current_trace(path)


def findings(
    plan: BringupPlan = QUICK,
    *,
    sensor: SimulatedSensor | None = None,
    hardware: Hardware | None = None,
    hands: bool = False,
) -> dict[str, Finding]:
    """What is found at a virtual band; with `hands`, somebody does what is asked."""

    async def run() -> dict[str, Finding]:
        async with VirtualRadio() as radio:
            adapter = await radio.adapter()
            loop = asyncio.get_running_loop()
            transport = Transport(client_backend(adapter), scanner_backend(adapter), loop.time)
            async with VirtualBand(radio, SlackSource(sensor), hardware=hardware or Hardware()) as band:
                resets: list[asyncio.Task[None]] = []

                async def ask(words: str) -> bool:
                    if "reset button" in words and hands:
                        loop.call_later(1.0, lambda: resets.append(loop.create_task(band.reboot())))
                    if "wrap the sensor" in words and hands:
                        loop.call_later(2.0, radio.silence, band.name)
                        loop.call_later(9.0, radio.unsilence, band.name)
                    return hands or words.startswith("Let the band")

                checks = Bringup(None, plan, ask, transport=transport, version="0")
                found = {finding.check: finding async for finding in checks.run()}
                assert list(found.values()) == checks.report.findings
                assert "CDEF" not in checks.report.to_json()
                return found

    return run_accelerated(run())


def test_a_sound_sensor_is_as_predicted() -> None:
    found = findings()
    left_out = {name for name, finding in found.items() if finding.outcome is Outcome.LEFT_OUT}
    assert left_out == {"range, 1 m away", "link lost, 1", "reset, 1"}
    others = {name: finding for name, finding in found.items() if name not in left_out}
    assert {name: finding.outcome for name, finding in others.items()} == dict.fromkeys(
        others, Outcome.AS_PREDICTED
    )
    assert found["noise"].measured["noise_mn_rms"] == pytest.approx(12.0, rel=0.3)


def test_a_noisy_bridge_and_a_wrong_oscillator_are_found() -> None:
    found = findings(sensor=SimulatedSensor(noise_n=0.3, rate_error=0.08))
    assert found["noise"].outcome is Outcome.DIFFERENT
    assert "twist" in found["noise"].advice
    assert found["rate of 80 Hz"].outcome is Outcome.DIFFERENT
    assert found["rate of 80 Hz"].measured["rate_hz"] == pytest.approx(86.4, rel=0.01)


def test_a_clock_without_its_crystal_is_found() -> None:
    plan = replace(QUICK, clock_s=120.0)
    found = findings(plan, hardware=Hardware(clock_ppm=900.0))
    assert found["clock"].outcome is Outcome.DIFFERENT
    assert abs(found["clock"].measured["skew_ppm"]) == pytest.approx(900, abs=150)


def test_what_needs_hands() -> None:
    found = findings(hands=True)
    assert found["range, 1 m away"].outcome is Outcome.AS_PREDICTED
    assert found["link lost, 1"].outcome is Outcome.AS_PREDICTED
    assert found["link lost, 1"].measured["gap_s"] > 5.0
    assert found["reset, 1"].outcome is Outcome.AS_PREDICTED


@pytest.mark.parametrize(
    ("mean_ua", "outcome"),
    [(25.0, Outcome.AS_PREDICTED), (950.0, Outcome.DIFFERENT)],
    ids=["asleep", "awake"],
)
def test_a_current_is_compared_with_the_model(tmp_path: Path, mean_ua: float, outcome: Outcome) -> None:
    trace = ppk2(tmp_path / "off.ppk2", np.full(500, mean_ua))
    found = findings(replace(QUICK, currents={"off": trace}))["current, off"]
    assert found.outcome is outcome
    assert ("flash chip" in found.advice) == (outcome is Outcome.DIFFERENT)


def test_an_update_is_made_again_and_again(tmp_path: Path) -> None:
    file = unsigned_update(tmp_path / "firmware.zip", (1, 1, 0))
    plan = replace(QUICK, update_file=file, update_cycles=3)
    found = findings(plan, hardware=Hardware(features=Features.FIRMWARE_UPDATE))
    updates = [found[f"update, {cycle}"] for cycle in (1, 2, 3)]
    assert [update.outcome for update in updates] == [Outcome.AS_PREDICTED] * 3
    assert {update.measured["version"] for update in updates} == {"1.1.0"}


@pytest.mark.parametrize(
    ("features", "content", "reason"),
    [
        (Features.FIRMWARE_UPDATE, b"no firmware", "wrong.bin"),
        (Features.NONE, None, "takes no updates"),
    ],
    ids=["another file", "a sensor without updates"],
)
def test_an_update_that_fails_says_why_and_ends_nothing(
    tmp_path: Path, features: Features, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "wrong.bin"
    file.write_bytes(unsigned_image((1, 1, 0)) if content is None else content)
    found = findings(replace(QUICK, update_file=file, update_cycles=1), hardware=Hardware(features=features))
    assert found["update, 1"].outcome is Outcome.FAILED
    assert reason in found["update, 1"].advice
    assert found["counters"].outcome is Outcome.AS_PREDICTED


def test_the_command_writes_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    assert main(["bringup", "--sim", "--quick", "--report", str(report)]) == 0
    out = capsys.readouterr().out
    assert "as predicted  noise" in out
    written = json.loads(report.read_text())
    assert written["sensor"]["driver"] == "bandsense"
    outcomes = {finding["check"]: finding["outcome"] for finding in written["findings"]}
    assert outcomes["clock"] == "as predicted"
    assert outcomes["reset, 1"] == "left out"


def test_findings_are_said_in_german_and_reported_in_english(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    assert main(["bringup", "--sim", "--quick", "--report", str(report), "--language", "de"]) == 0
    out = capsys.readouterr().out
    assert "wie vorhergesagt  Rauschen" in out
    assert "(vorhergesagt: höchstens 400)" in out
    assert "ausgelassen       Neustart, 1" in out
    findings = {finding["check"]: finding for finding in json.loads(report.read_text())["findings"]}
    assert findings["noise"]["outcome"] == "as predicted"
    assert findings["noise"]["predicted"]["noise_counts_rms"] == "at most 400"


def test_every_check_has_a_name_where_it_fails() -> None:
    checks = {name for name, each in vars(Bringup).items() if inspect.isasyncgenfunction(each)}
    assert checks - {"run", "_guarded"} == set(bringup._NAMES)


def test_a_state_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bringup", "--current", "flying=run.csv"])
    said = capsys.readouterr().err
    assert "STATE=FILE" in said
    assert ", ".join(PREDICTED_CURRENT_UA) in said


def test_currents_are_predicted_for_every_state_of_the_power_model() -> None:
    model = runpy.run_path(str(REPOSITORY / "firmware" / "tools" / "power_model.py"))
    best, worst = (model["state_currents_ua"](float(ohm)) for ohm in (1000, 350))
    expected = {state: (best[state], worst[state]) for state in best}
    assert set(expected) == set(PREDICTED_CURRENT_UA)
    for state, currents in expected.items():
        assert PREDICTED_CURRENT_UA[state] == pytest.approx(currents, abs=0.06)
