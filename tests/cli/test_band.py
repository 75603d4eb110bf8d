"""`bandsense band`: from a band that is not known to one that was measured twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bandsense.bands.band import Band
from bandsense.bands.laws import PowerLaw
from tests.cli.conftest import Command, Done

REST_M = 0.60
HOLDS_M = (0.84, 1.08, 1.32)


def _pull(path: Path, *, f100_n: float = 45.0, holds_m: tuple[float, ...] = HOLDS_M) -> Path:
    """Slack for three seconds, then each length held for three, with a second of movement before."""
    band = Band(PowerLaw(f100_n, 0.65), REST_M)
    ways = [np.full(240, 0.55)]
    for before, after in zip((0.55, *holds_m), holds_m, strict=False):
        ways += [np.linspace(before, after, 80), np.full(240, after)]
    tension_n = 0.4 + band.tension_n(np.concatenate(ways))
    rows = "".join(f"{n / 80.0:.4f},{value:.3f}\n" for n, value in enumerate(tension_n))
    path.write_text("time_s,tension_n\n" + rows)
    return path


@pytest.fixture
def pull(tmp_path: Path) -> Path:
    return _pull(tmp_path / "pull.csv")


@pytest.fixture
def red(command: Command) -> Command:
    """`command`, with a red band known."""
    assert command("band", "add", "red", "--colour", "red", "--rest-length-cm", "60").status == 0
    return command


def _tensions(done: Done) -> dict[int, float]:
    """Length in cm and tension in N, as printed."""
    rows = (line.split() for line in done.lines if " ± " in line and line.strip()[0].isdigit())
    return {int(row[0]): float(row[1]) for row in rows}


def test_without_a_band_it_says_how_to_add_one(command: Command) -> None:
    done = command("band")
    assert done.status == 0
    assert "bandsense band add" in done.out


def test_the_catalogue_tells_what_a_colour_pulls_and_how_unsure_that_is(command: Command) -> None:
    lines = command("band", "list", "--catalogue").lines
    assert "estimated" in lines[0]
    assert any(line.startswith("TheraBand  flat  red") and " ± " in line for line in lines)
    assert any(line.startswith("TheraBand  loop") for line in lines)
    assert any("Page, Labbe, Topp" in line and "(12 of 70 values confirmed)" in line for line in lines)


def test_a_brand_that_nobody_published_has_any_colour(command: Command) -> None:
    assert command("band", "add", "mine", "--brand", "Another", "--colour", "orange").status == 0
    assert "its tension is not known; measure it" in command("band", "show", "mine").out
    assert command("band").lines[1].endswith("nothing yet")


def test_a_new_band_is_known_by_its_colour_alone(red: Command) -> None:
    assert "from its colour; measure it with `bandsense band pull red`" in red("band", "show", "red").out
    assert red("band").lines[1].split() == ["red", "red", "flat", "60", "its", "colour"]
    assert red("profile").out.count("red")


def test_a_recorded_pull_measures_the_band(red: Command, pull: Path) -> None:
    done = red("band", "pull", "red", "--file", pull)
    assert done.status == 0
    assert [line.split(". ")[-1] for line in done.lines[:4]] == [
        "Hold 1 of 3: stretch to 84 cm and keep still.",
        "Hold 2 of 3: stretch to 108 cm and keep still.",
        "Hold 3 of 3: stretch to 132 cm and keep still.",
        "Done; let the band go slowly.",
    ]
    true = Band(PowerLaw(45.0, 0.65), REST_M)
    tensions = _tensions(done)
    assert set(tensions) == {84, 108, 120, 132}
    for length_cm, tension_n in tensions.items():
        assert tension_n == pytest.approx(float(true.tension_n(length_cm / 100)), abs=0.3)
    shown = red("band", "show", "red").out
    assert "from its calibration pull" in shown
    assert "never pull it beyond 18" in shown
    assert red("band").lines[1].endswith("a calibration pull")


@pytest.mark.parametrize(("again_n", "verdict"), [(45.0, "nothing to do"), (36.0, "Look it over for nicks")])
def test_a_second_pull_tells_wear(
    red: Command, pull: Path, tmp_path: Path, again_n: float, verdict: str
) -> None:
    red("band", "pull", "red", "--file", pull)
    done = red("band", "pull", "red", "--file", _pull(tmp_path / "again.csv", f100_n=again_n))
    assert verdict in done.lines[-1]
    assert verdict in red("band", "show", "red").out


@pytest.mark.slow
def test_a_band_that_gave_way_is_told_before_training(
    red: Command, pull: Path, tmp_path: Path, set_file: Path
) -> None:
    train = ("live", "--sim", "--trace", set_file, "--speed", "0", "--lines", "--band", "red")
    red("band", "pull", "red", "--file", pull)
    assert "nicks" not in red(*train).out
    red("band", "--simulated", "pull", "red", "--file", _pull(tmp_path / "again.csv", f100_n=36.0))
    assert red(*train).lines[1].startswith("red: The band lost 20 % of its tension since the last time.")


@pytest.mark.slow
def test_a_band_that_was_removed_stops_nobody(red: Command, set_file: Path) -> None:
    train = ("live", "--sim", "--trace", set_file, "--speed", "0", "--lines")
    assert red(*train, "--exercise", "seated-row", "--band", "red").status == 0
    assert red(*train, "--exercise", "pull-apart").status == 0
    assert red(*train, "--exercise", "seated-row").status == 0
    assert red("profile", "--simulated").lines[-1].split() == ["red", "red", "red", "8"], (
        "with the band of the last time"
    )
    assert red("band", "--simulated", "remove", "red").out == "red: forgotten\n"
    assert (
        red("band", "remove", "red").out == "red: forgotten\n"
    )  # from where the simulator would take it again
    assert red(*train, "--exercise", "seated-row").status == 0
    refused = red(*train, "--exercise", "seated-row", "--band", "red")
    assert "no band is called 'red'" in refused.err


def test_a_pull_with_a_sensor_on_the_air_gives_the_same(red: Command, pull: Path) -> None:
    from_file = red("band", "pull", "red", "--file", pull, "--rest-length-cm", "60")
    on_air = red("band", "pull", "red", "--sim", "--trace", pull, "--speed", "0", "--rest-length-cm", "60")
    assert on_air.status == 0, on_air.err
    assert on_air.lines[1].startswith("Pull the band five times")
    assert _tensions(on_air) == _tensions(from_file)


def test_marks_and_length_of_ones_own(command: Command, tmp_path: Path) -> None:
    command("band", "add", "mine")
    path = _pull(tmp_path / "two.csv", holds_m=(0.9, 1.3))
    refused = command("band", "pull", "mine", "--file", path)
    assert "--rest-length-cm" in refused.err
    done = command("band", "pull", "mine", "--file", path, "--rest-length-cm", "60", "--mark-cm", "130", "90")
    assert {90, 130} <= set(_tensions(done))


def test_ten_repetitions_over_a_known_stroke_measure_the_band_too(red: Command, tmp_path: Path) -> None:
    band = Band(PowerLaw(45.0, 0.65), REST_M)
    t = np.arange(240) / 80.0
    way_m = 0.75 + 0.45 * np.concatenate([np.sin(np.pi * t / 3.0) ** 2, np.zeros(40)])
    length_m = np.concatenate([np.full(240, 0.5), np.linspace(0.5, 0.75, 80), np.tile(way_m, 11)])
    path = tmp_path / "stroke.csv"
    rows = "".join(f"{n / 80.0:.4f},{value:.3f}\n" for n, value in enumerate(band.tension_n(length_m)))
    path.write_text("time_s,tension_n\n" + rows)
    done = red("band", "pull", "red", "--file", path, "--stroke-cm", "45", "--start-length-cm", "75")
    assert done.status == 0, done.err
    assert done.lines[0] == "Slack. 10 more repetitions from 75 to 120 cm and back, evenly."
    assert _tensions(done)[120] == pytest.approx(45.0, abs=0.5)
    assert "from its calibration pull" in red("band", "show", "red").out


def test_a_loop_is_two_strands(command: Command) -> None:
    command("band", "add", "green", "--form", "loop", "--colour", "medium")
    shown = command("band", "show", "green").out
    assert "TheraBand medium loop, 2 strands" in shown
    assert "111 ± 28 N at twice its length" in shown  # as the maker says of the whole loop


def test_an_unfinished_pull_keeps_nothing(red: Command, pull: Path) -> None:
    done = red("band", "pull", "red", "--file", pull, "--mark-cm", "84", "108", "132", "150")
    assert done.status == 1
    assert "nothing was saved. The next step was: Hold 4 of 4" in done.err
    assert "from its colour" in red("band", "show", "red").out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("add", "red"), "there is a band called 'red' already"),
        (("add", "x", "--colour", "pinkish"), "known colours: black, blue"),
        (("add", "x", "--rest-length-cm", "-3"), "-3 is not above zero"),
        (("add", "x", "--rest-length-cm", "6000"), "6000 cm is more than 1000 cm, ten metres"),
        (("add", "x", "--strands", "0"), "strands"),
        (("show", "blue"), "no band is called 'blue'; there are: red"),
        (("remove", "blue"), "no band is called 'blue'; there are: red"),
        (("pull", "red", "--sim"), "--sim needs --trace"),
        (("pull", "red", "--trace", "x.csv"), "need --sim"),
        (("pull", "red", "--file", "x.csv", "--mark-cm", "30"), "between the resting length"),
        (("pull", "red", "--file", "nowhere.csv"), "there is no such file"),
        (("pull", "red", "--file", "x.csv", "--stroke-cm", "130"), "take a shorter stroke"),
        (("pull", "red", "--file", "x.csv", "--start-length-cm", "70"), "belongs to --stroke-cm"),
        (("pull", "red", "--stroke-cm", "50", "--mark-cm", "90"), "not both"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    red: Command, arguments: tuple[str, ...], reason: str
) -> None:
    done = red("band", *arguments)
    assert done.status in (1, 2)
    assert reason in done.err
    assert red("band").lines[1:] == ["red   red     flat              60  its colour"]


@pytest.mark.slow
def test_repetitions_are_counted_on_the_band(red: Command, set_file: Path) -> None:
    live = red("live", "--sim", "--trace", set_file, "--speed", "0", "--lines", "--band", "red")
    assert live.status == 0
    assert red("profile", "--simulated").lines[-1].split() == ["red", "red", "red", "4"]


def test_analyze_tells_the_way_by_a_band_that_was_measured(red: Command, pull: Path, set_file: Path) -> None:
    refused = red("analyze", set_file, "--band", "red")
    assert refused.status == 1
    assert "no calibration pull" in refused.err
    assert red("band", "pull", "red", "--file", pull, "--mark-cm", "84", "108", "132").status == 0
    done = red("analyze", set_file, "--band", "red")
    assert "distance m  pull m/s  work J" in done.lines[1]
    way_m = [float(line.split()[12]) for line in done.lines[2:]]
    assert all(0.4 < each < 0.9 for each in way_m)
