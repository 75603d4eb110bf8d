"""A sensor clipped onto a band: calibrated on it, trained with, and shown again."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandsense.app.replay import session_table
from bandsense.app.sensor_calibration import calibration_on
from bandsense.app.trainee import profiles_of
from bandsense.calibration.clip_on import DirectionalCalibration
from bandsense.calibration.curve import Calibration, Grade
from bandsense.cli.commands import calibrate as command_module
from bandsense.errors import CalibrationError, ConfigError
from bandsense.link.ble.adapter import Transport
from bandsense.link.drivers.base import SensorInformation
from bandsense.profiles.band import BandProfile
from bandsense.profiles.library import Profiles
from bandsense.samples import Unit
from bandsense.sim.clock import run_accelerated
from bandsense.sim.devices.hardware import Hardware
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.sensor import NEWTON_PER_COUNT
from bandsense.sim.physics.source import TRACE_NEWTON_PER_COUNT, Conversions
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.store.store import Store
from bandsense.wire.bandsense.calibration import CalibrationRecord
from tests.calibration.test_clip_on import Clip, repetitions
from tests.cli.conftest import Command
from tests.cli.test_band import _pull as pulled

G = 9.80665
SERIAL = f"{Hardware().serial:016x}"
PEAKS_N = np.array([45.0, 60.0, 52.0, 66.0, 50.0])


class Masses:
    """A band with a clip on it, and the mass that hangs on it now; it is put on without a jerk."""

    newton_per_count = NEWTON_PER_COUNT
    zero_count = 0
    rate_hz = 80.0

    def __init__(self) -> None:
        self.mass_kg = 0.0
        self._pull_n = 0.0
        self._clip = Clip()
        self._sample = 0
        self._rng = np.random.default_rng(2)

    def set_rate(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz

    def read(self, n: int) -> Conversions:
        number = np.arange(self._sample, self._sample + n)
        self._sample += n
        step_n = np.clip(self.mass_kg * G - self._pull_n, -0.3 * n, 0.3 * n)
        pull_n = self._pull_n + step_n * np.arange(1, n + 1) / n
        self._pull_n += step_n
        counts = np.rint(self._clip.counts(pull_n) - 700.0 + self._rng.normal(0.0, 30.0, n))
        none = np.zeros(n, dtype=np.bool_)
        time_us = np.rint(number * 1e6 / self.rate_hz).astype(np.int64)
        return Conversions(time_us, counts.astype(np.int32), none, none)


def options(**changes: Any) -> argparse.Namespace:
    usual = {"sensor": None, "masses": "1,2,4,6,8", "runs": 1, "quick": True, "clip_on": True, "band": "red"}
    usual |= {"masses_are": "weighed"}
    return argparse.Namespace(**(usual | {"gravity": G} | changes))


def calibrate(store: Store, monkeypatch: pytest.MonkeyPatch, keep: str = "y", **changes: Any) -> None:
    """Do what the command asks for on a virtual radio."""
    masses = Masses()

    async def answer(question: str) -> str:
        print(question)
        if "Save both" in question:
            return keep
        found = re.search(r"([\d.]+) kg", question)
        masses.mass_kg = float(found[1]) if found and "for a moment" not in question else 0.0
        return ""

    async def led() -> None:
        async with (
            VirtualRadio(connection_interval_s=0.03) as radio,
            VirtualBand(radio, masses, keep_log=False),
        ):
            computer = await radio.adapter()
            clock = asyncio.get_running_loop().time
            transport = Transport(client_backend(computer), scanner_backend(computer), clock)
            await command_module.calibrate(options(**changes), store, transport)

    monkeypatch.setattr(command_module, "_answer", answer)
    run_accelerated(led())


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """What the sensor's nominal span makes of five repetitions under the clip."""
    true_n, _ = repetitions(PEAKS_N)
    counts = Clip().counts(np.concatenate([np.zeros(160), true_n, np.zeros(80)])) - 700.0
    counts += np.random.default_rng(6).normal(0.0, 60.0, counts.size)
    path = tmp_path / "clip.csv"
    rows = "".join(f"{n / 80.0:.4f},{value * TRACE_NEWTON_PER_COUNT:.4f}\n" for n, value in enumerate(counts))
    path.write_text("time_s,tension_n\n" + rows)
    return path


def store_at(tmp_path: Path, name: str = "bandsense.sqlite3") -> Store:
    (tmp_path / "home").mkdir(exist_ok=True)
    return Store.open(tmp_path / "home" / name)


def simulated_at(tmp_path: Path) -> Store:
    return store_at(tmp_path, "simulated.sqlite3")


def peaks_n(done: str) -> list[float]:
    (stream,) = json.loads(done)["streams"]
    (only,) = stream["sets"]
    return [rep["peak_n"] for rep in only["rep_metrics"]]


@pytest.mark.slow
def test_calibrated_on_the_band_trained_and_shown(
    command: Command,
    tmp_path: Path,
    trace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command("band", "add", "red").status == 0
    calibrate(store_at(tmp_path), monkeypatch)
    told = capsys.readouterr().out
    assert "while tension grows" in told
    assert "while it falls" in told
    assert "saved with red" in told
    assert f"sensor {SERIAL} clipped onto it" in command("band", "show", "red").out

    live = (
        "live",
        "--sim",
        "--trace",
        trace,
        "--speed",
        "0",
        "--exercise",
        "seated-row",
        "--json",
        "--levels",
    )
    without = command(*live, "--person", "other")
    assert max(peaks_n(command("show", "--json", "--simulated").out)) < 0.6 * PEAKS_N.max()
    done = command(*live, "--band", "red")
    assert (without.status, done.status) == (0, 0)
    assert peaks_n(command("show", "--json", "--simulated").out) == pytest.approx(PEAKS_N, rel=0.02)
    assert "(clip-on, per band and direction)" in command("show", "--simulated").out

    told_live = [json.loads(line) for line in done.lines]
    replayed = [
        json.loads(line) for line in command("replay", "last", "--json", "--levels", "--simulated").lines
    ]
    in_stream = [each for each in told_live if each["event"] != "link_changed"]
    assert [e for e in replayed[:-1] if e["event"] != "link_changed"] == in_stream[:-1]

    store = simulated_at(tmp_path)
    (stream,) = session_table(store, store.session("last")).streams
    ticks = [each for each in in_stream if each["event"] == "tension_tick"]
    told_u_n = [(each["time_s"], each["tension_uncertainty_n"]) for each in ticks]
    at_s, u_n = np.array(told_u_n).T
    assert stream.tension_uncertainty_n[np.searchsorted(stream.time_s, at_s)] == pytest.approx(u_n, rel=1e-12)
    standing = stream.tension_uncertainty_n > 0.12 * stream.tension_n
    assert 0.2 < standing[stream.tension_n > 20.0].mean() < 0.8


@pytest.mark.slow
def test_what_is_not_to_be_kept_is_not(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command("band", "add", "red")
    store = store_at(tmp_path)
    calibrate(store, monkeypatch, keep="", masses="2,4")
    assert "not saved" in capsys.readouterr().out
    assert profiles_of(store).band("red").clip_on == ()


def test_one_mass_is_too_few_and_that_is_said_at_once() -> None:
    with pytest.raises(CalibrationError, match="two masses"):
        command_module.procedure_of(options(masses="4"))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ((), "--clip-on and --band go together"),
        (("--clip-on",), "no band is called 'red'; there are none yet"),
    ],
)
def test_a_band_that_is_not_known_or_no_clip_is_refused(
    command: Command, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], reason: str
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    done = command("calibrate", "--masses", "2,5", "--band", "red", *more)
    assert done.status == 1
    assert reason in done.err


UP = Calibration(5e-4, 100.0, grade=Grade.CLIP_ON)
PAIR = DirectionalCalibration(UP, Calibration(4e-4, 100.0, grade=Grade.CLIP_ON))
BAND = BandProfile(id="red").with_clip_on("S1", PAIR)


def sensor(serial: str = "S1", unit: Unit = Unit.COUNT, **more: Any) -> SensorInformation:
    return SensorInformation("bandsense", "AA", "n", unit, serial=serial, full_scale_n=500.0, **more)


def test_only_this_sensor_on_this_band_is_read_by_its_curves() -> None:
    assert calibration_on(BAND, sensor()) == PAIR
    for band, other in ((None, sensor()), (BAND, sensor("S2")), (BAND, sensor(unit=Unit.NEWTON))):
        assert isinstance(calibration_on(band, other), Calibration)


def test_the_zero_is_the_one_that_the_sensor_keeps() -> None:
    kept = CalibrationRecord(1e-4, 250, newton_per_kelvin=0.01, reference_temperature_c=21.0)
    found = calibration_on(BAND, sensor(calibration=kept))
    assert isinstance(found, DirectionalCalibration)
    assert (found.zero, found.loading.newton_per_unit) == (250.0, 5e-4)
    assert found.loading.reference_temperature_c == found.unloading.reference_temperature_c == 21.0
    assert found.loading.newton_per_kelvin == pytest.approx(0.05)


def test_a_profile_keeps_one_pair_a_sensor_and_goes_out_and_in(tmp_path: Path) -> None:
    again = BAND.with_clip_on("S2", PAIR).with_clip_on("S1", PAIR.tared([3.0]))
    assert [each.sensor for each in again.clip_on] == ["S2", "S1"]
    assert again.clip_on_calibration("S1") == PAIR.tared([3.0])
    profiles = Profiles(bands=(again,))
    profiles.write(tmp_path / "profiles.json")
    assert Profiles.read(tmp_path / "profiles.json") == profiles


def test_a_damaged_pair_in_a_profile_is_named(tmp_path: Path) -> None:
    path = tmp_path / "profiles.json"
    Profiles(bands=(BAND,)).write(path)
    data = json.loads(path.read_text())
    data["bands"][0]["clip_on"][0]["calibration"]["loading"]["newton_per_unit"] = 0.0
    path.write_text(json.dumps(data))
    with pytest.raises(ConfigError, match="span of 0"):
        Profiles.read(path)


@pytest.mark.slow
def test_of_two_sensors_each_is_read_by_what_it_has(
    command: Command, tmp_path: Path, simulated_time: None
) -> None:
    store = store_at(tmp_path)
    band = BandProfile(id="red").with_clip_on(f"{1:016x}", PAIR)
    store.bands.put(band.id, band.model_dump(mode="json", by_alias=True))
    done = command("both", "--sim", "--speed", "0", "--seconds", "5", "--band", "red")
    assert done.status == 0, done.err
    left, right = simulated_at(tmp_path).session("last").streams
    assert list(left.settings["calibration"]) == ["version", "loading", "unloading"]
    assert left.settings["calibration"]["unloading"]["newton_per_unit"] == 4e-4
    assert "newton_per_unit" in right.settings["calibration"]


@pytest.mark.slow
def test_a_band_is_measured_with_the_clip_that_was_calibrated_on_it(command: Command, tmp_path: Path) -> None:
    time_s, tension_n = np.loadtxt(pulled(tmp_path / "pull.csv"), delimiter=",", skiprows=1).T
    counts, within = np.empty_like(tension_n), 0.0
    for i, outside_n in enumerate(tension_n.tolist()):
        counts[i] = within = min(max(within, outside_n / 5e-4), outside_n / 4e-4)
    path = tmp_path / "clipped.csv"
    rows = np.column_stack([time_s, counts * TRACE_NEWTON_PER_COUNT])
    np.savetxt(path, rows, delimiter=",", header="time_s,tension_n", comments="", fmt="%.4f")

    store = store_at(tmp_path)
    band = BandProfile(id="red", rest_length_m=0.6).with_clip_on(SERIAL, PAIR)
    store.bands.put(band.id, band.model_dump(mode="json", by_alias=True))
    done = command("band", "pull", "red", "--sim", "--trace", path, "--speed", "0")
    assert done.status == 0, done.err
    measured = profiles_of(simulated_at(tmp_path)).band("red")
    assert measured.f100_n == pytest.approx(45.0, rel=0.03)
    assert measured.clip_on_calibration(SERIAL) == PAIR
