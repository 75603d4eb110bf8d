"""`bandsense live LEFT RIGHT`: two sensors at once, recorded together and related by their clocks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from bandsense.app import environment
from bandsense.profiles.sensor import SensorProfile
from bandsense.sim.devices.hardware import Hardware
from bandsense.sim.devices.virtual_band import VirtualBand
from bandsense.sim.physics.source import TraceSource
from bandsense.sim.radio.bleak_backend import client_backend, scanner_backend
from bandsense.sim.radio.virtual_radio import VirtualRadio
from bandsense.store.store import Store
from tests.cli.conftest import Command

pytestmark = pytest.mark.usefixtures("simulated_time")

LATE_S = 0.060
SERIALS = {"left": 0x5E45_0000_0000_1EF7, "right": 0x5E45_0000_0000_819B}


def pulls(late_s: float, peak_n: float) -> TraceSource:
    """Eight repetitions of 3 s."""
    time_s = np.arange(0.0, 34.0, 1 / 80)
    since_s = time_s - 4.0 - late_s
    wave_n = peak_n / 2 * (1 - np.cos(2 * np.pi * since_s / 3.0))
    return TraceSource(time_s, 3.0 + np.where((since_s > 0) & (since_s < 24.0), wave_n, 0.0))


@pytest.fixture
def bands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, VirtualBand]:
    """Two sensors that were paired as left and right; the right side pulls later and harder."""
    on_air: dict[str, VirtualBand] = {}
    monkeypatch.setattr(environment, "real_environment", lambda: two(on_air))
    store = Store.open(tmp_path / "home" / "bandsense.sqlite3")
    for side, serial in SERIALS.items():
        profile = SensorProfile.model_validate({"id": f"{serial:016x}", "name": f"My {side}", "side": side})
        store.sensors.put(profile.id, profile.model_dump(mode="json"))
    return on_air


@asynccontextmanager
async def two(
    bands: dict[str, VirtualBand], happen: Callable[[VirtualRadio], None] = lambda _: None
) -> AsyncIterator[environment.Environment]:
    loop = asyncio.get_running_loop()
    hardware = {
        "left": Hardware(serial=SERIALS["left"], clock_ppm=80.0, clock_start_us=2**32 - 20_000_000),
        "right": Hardware(serial=SERIALS["right"], clock_ppm=-60.0, clock_start_us=5_000_000),
    }
    async with VirtualRadio(connection_interval_s=0.03, jitter_s=0.02) as radio:
        left = VirtualBand(
            radio, pulls(0.0, 50.0), name="left", address="C0:BA:5E:00:1E:F7", hardware=hardware["left"]
        )
        right = VirtualBand(
            radio, pulls(LATE_S, 80.0), name="right", address="C0:BA:5E:00:81:9B", hardware=hardware["right"]
        )
        async with left, right:
            bands |= {"left": left, "right": right}
            happen(radio)
            computer = await radio.adapter()
            reached = environment.Transport(client_backend(computer), scanner_backend(computer), loop.time)
            yield environment.Environment(reached, "sensor")


def true_lag_s(bands: dict[str, VirtualBand]) -> float:
    """The traces begin with their streams, and the first frames of both are equally old."""
    return LATE_S + bands["right"].log[0].at_s - bands["left"].log[0].at_s


def test_the_sides_are_compared_on_one_clock(command: Command, bands: dict[str, VirtualBand]) -> None:
    done = command("live", "left", "right", "--seconds", "32", "--json")
    assert done.status == 0, done.err
    *events, summary = map(json.loads, done.lines)
    for side in SERIALS:
        tops = [each["count"] for each in events if each["side"] == side and each["event"] == "rep_counted"]
        assert tops == list(range(1, 9))
        assert summary["sides"][side]["reps"] == 8
    assert (summary["reps"], summary["sets"]) == (8, 1)
    warm = {each["side"]: each["temperature_c"] for each in events if each["event"] == "temperature_changed"}
    assert warm == {"left": 23.5, "right": 23.5}
    lag = summary["lag"]
    assert lag["reps"] == 8
    assert lag["median_s"] == pytest.approx(true_lag_s(bands), abs=0.005)
    assert abs(lag["median_s"] - true_lag_s(bands)) <= lag["clock_bound_s"] < 0.08
    assert summary["asymmetry"]["peak"]["share"] == pytest.approx(30.0 / 68.0, abs=0.03)
    assert summary["asymmetry"]["peak"]["standard_error"] > 0.07  # both spans are known to 5 %


@pytest.mark.slow
def test_what_is_printed_counts_from_the_start_of_the_session(
    command: Command, bands: dict[str, VirtualBand]
) -> None:
    done = command("live", "left", "right", "--seconds", "32")
    for side in SERIALS:
        first = next(line for line in done.lines if line.startswith(side) and "rep 1:" in line)
        assert 5.0 < float(first.split()[1]) < 9.0  # the first is told with the second
    starts_s = [float(row.split()[1]) for row in command("show").lines if row.split()[:1] == ["1"]]
    assert starts_s == pytest.approx([4.6, 4.6], abs=0.3)


@pytest.mark.slow
def test_the_stored_clocks_bring_both_streams_to_the_time_of_day(
    command: Command, bands: dict[str, VirtualBand], tmp_path: Path
) -> None:
    command("live", "My left", "My right", "--seconds", "32", "--json")
    session = Store.open(tmp_path / "home" / "bandsense.sqlite3").session("last")
    assert [stream.side for stream in session.streams] == ["left", "right"]
    assert session.summary is not None
    starts_s = []
    for stream in session.streams:
        assert stream.side is not None
        assert stream.first_time_s is not None
        clock = session.summary["clocks"][stream.side]
        starts_s.append(clock["unix_s"] + clock["rate"] * (stream.first_time_s - clock["device_s"]))
    assert starts_s[1] - starts_s[0] == pytest.approx(true_lag_s(bands) - LATE_S, abs=0.005)


@pytest.mark.slow
def test_what_is_said_shown_and_exported(
    command: Command, bands: dict[str, VirtualBand], tmp_path: Path
) -> None:
    done = command("live", "left", "right", "--seconds", "32")
    assert "left   connected to bandsense-1EF7" in done.lines
    assert any(line.startswith("right") and "rep 8: 8" in line for line in done.lines)
    assert done.lines[-5].startswith("right  8 reps in 1 set, peak 8")
    assert done.lines[-4].startswith("right against left: peak +4")
    assert done.lines[-3].startswith("the right side pulls ")
    assert "(8 reps of both; their clocks are known within " in done.lines[-3]
    assert done.lines[-2] == "saved as session 1"
    assert done.lines[-1].startswith("next time: ")
    assert [line for line in command("show").lines if line in ("left", "right")] == ["left", "right"]
    exported = command("export", "last", "--format", "csv", "-o", tmp_path / "out").lines
    assert {Path(path).name for path in exported} >= {"session-1-left.csv", "session-1-right.csv"}


@pytest.mark.slow
def test_each_side_is_captured_and_replayed(
    command: Command, bands: dict[str, VirtualBand], tmp_path: Path
) -> None:
    done = command(
        "live", "left", "right", "--seconds", "32", "--capture", tmp_path / "two.bandcap", "--json"
    )
    events = [json.loads(line) for line in done.lines[:-1]]
    for side in SERIALS:
        replayed = command("replay", tmp_path / f"two-{side}.bandcap", "--json").lines
        live = [each for each in events if each["side"] == side and "time_s" in each]
        assert [json.loads(line) | {"side": side} for line in replayed[:-1]] == live


@pytest.mark.slow
def test_one_side_loses_its_link_and_the_session_goes_on(
    command: Command, bands: dict[str, VirtualBand], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(radio: VirtualRadio) -> None:
        async def lose_it(_band: VirtualBand) -> None:
            await asyncio.sleep(13.0)
            radio.lose_link("right")

        bands["right"].fault.script = lose_it  # type: ignore[method-assign]

    monkeypatch.setattr(environment, "real_environment", lambda: two(bands, lose))
    done = command("live", "left", "right", "--seconds", "36", "--json")
    *events, summary = map(json.loads, done.lines)
    told = [each["message"] for each in events if each["side"] == "right" and "message" in each]
    assert any("streaming again after" in message for message in told)
    assert summary["sides"]["left"]["reps"] == 8
    right = summary["sides"]["right"]
    assert right["sets"] == 1
    assert 6 <= right["reps"] <= 8
    # As near as it claims: what arrivals tell of the clocks depends on when they happen to come.
    lag = summary["lag"]
    assert abs(lag["median_s"] - true_lag_s(bands)) <= lag["clock_bound_s"] <= 0.015


def test_a_session_without_a_sample_is_not_kept(
    command: Command, bands: dict[str, VirtualBand], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mute(_radio: VirtualRadio) -> None:
        for band in bands.values():
            band.fault.frame = lambda data: ()  # type: ignore[method-assign]

    monkeypatch.setattr(environment, "real_environment", lambda: two(bands, mute))
    done = command("live", "left", "right", "--seconds", "3")
    assert (done.status, done.lines[-1]) == (
        0,
        "no samples arrived, so nothing was saved; switch the sensor off and on, and test again",
    )
    assert command("sessions").out.startswith("no session yet")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "no sensor is known as the left one; pair it with `bandsense pair --side left`"),
        (("4F2A", "4f2a"), "left and right are both 4F2A; name two sensors"),
        (("--speed", "2"), "--speed needs --sim"),
    ],
)
def test_what_cannot_be_is_refused(command: Command, arguments: tuple[str, ...], reason: str) -> None:
    done = command("live", *(arguments or ("left", "right")))
    assert done.status == 1
    assert reason in done.err


def test_two_simulated_sensors(command: Command) -> None:
    done = command("live", "left", "right", "--sim", "--speed", "0", "--seconds", "20")
    assert done.status == 0, done.err
    assert "right  connected to bandsense-0002" in done.lines
    assert done.lines[-2] == "saved as simulated session 1 (`bandsense show 1 --simulated`)"


def test_the_former_name_still_works_and_says_the_new_one(
    command: Command, bands: dict[str, VirtualBand]
) -> None:
    done = command("both", "--seconds", "12")
    assert done.err == "`bandsense both` is now `bandsense live LEFT RIGHT`\n"
    assert "left   connected to bandsense-1EF7" in done.lines
    assert done.lines[-1].startswith("next time: ") or "saved as session 1" in done.lines


@pytest.mark.slow
def test_two_simulated_arms_do_the_sets_that_are_asked_for_and_are_remembered(
    command: Command, tmp_path: Path
) -> None:
    asked = ("--sim", "--speed", "0", "--sets", "2", "--reps", "6", "--disturb", "fatigue", "--json")
    done = command("live", "left", "right", *asked, "--exercise", "pull-apart", "--person", "Ada")
    assert done.status == 0, done.err
    *events, summary = map(json.loads, done.lines)
    for side in SERIALS:
        sets = [each for each in events if each["event"] == "set_done" and each["side"] == side]
        assert [len(each["result"]["reps"]) for each in sets] == [6, 6]
    peaks_n = [summary["sides"][side]["peak_n"] for side in SERIALS]
    assert abs(peaks_n[0] - peaks_n[1]) > 1.0, "two people are not alike"
    assert summary["next_time"].startswith("Aim for 3 sets of 8")
    assert not (tmp_path / "home" / "bandsense.sqlite3").exists()
    person = Store.open(tmp_path / "home" / "simulated.sqlite3").people.get("Ada")
    assert person is not None
    (setup,) = person["setups"]
    assert setup["advisor"]["peak_n"] != setup["advisor_right"]["peak_n"] > 0.0
