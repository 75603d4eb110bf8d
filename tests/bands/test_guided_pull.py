"""The guided calibration pull on simulated holds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bandsense.bands.band import Band
from bandsense.bands.guided_pull import GuidedPull
from bandsense.bands.laws import PowerLaw
from bandsense.errors import BandModelError, DataError

BAND = Band(PowerLaw(45.0, 0.65), 0.60)


def pulled(
    lengths_m: tuple[float, ...],
    *,
    zero_n: float = 0.4,
    hold_s: float = 3.0,
    tremble_n: float = 0.08,
    rate_hz: float = 80.0,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Ten quick pulls, slack, then each length held for a while with movement in between."""
    rng = np.random.default_rng(8)
    quick = 0.6 + 0.3 * (1 - np.cos(np.linspace(0.0, 10 * 2 * np.pi, int(10 * rate_hz))))
    ways = [quick, np.full(int(3 * rate_hz), 0.55)]
    for before, after in zip((0.55, *lengths_m), lengths_m, strict=False):
        ways += [np.linspace(before, after, int(rate_hz)), np.full(int(hold_s * rate_hz), after)]
    length = np.concatenate(ways)
    time_s = np.arange(length.size) / rate_hz
    return time_s, BAND.tension_n(length) + zero_n + tremble_n * rng.standard_normal(length.size)


def test_it_leads_through_the_holds_and_gives_the_band() -> None:
    pull = GuidedPull(0.60)
    assert pull.marks_m == (0.84, 1.08, 1.32)
    assert pull.instruction.startswith("Pull the band five times")
    steps = pull.push(*pulled(pull.marks_m))
    assert [step.message.split(". ")[-1] for step in steps] == [
        "Hold 1 of 3: stretch to 84 cm and keep still.",
        "Hold 2 of 3: stretch to 108 cm and keep still.",
        "Hold 3 of 3: stretch to 132 cm and keep still.",
        "Done; let the band go slowly.",
    ]
    assert pull.done
    fit = pull.fit()
    assert fit.band.tension_n(1.2) == pytest.approx(BAND.tension_n(1.2), rel=0.02)
    assert [step.mark.tension_n for step in steps[1:]] == pytest.approx(BAND.tension_n(pull.marks_m), abs=0.1)


def test_marks_of_ones_own() -> None:
    pull = GuidedPull(0.60, [1.3, 0.9])
    pull.push(*pulled((0.9, 1.3)))
    assert pull.done
    assert pull.instruction == "Done; let the band go slowly."


@pytest.mark.parametrize("changes", [{"hold_s": 1.0}, {"tremble_n": 1.5}])
def test_short_or_shaky_holds_do_not_count(changes: dict[str, float]) -> None:
    pull = GuidedPull(0.60)
    steps = pull.push(*pulled(pull.marks_m, **changes))
    assert all(step.mark is None for step in steps)
    assert not pull.done


def test_without_slack_first_nothing_counts() -> None:
    pull = GuidedPull(0.60)
    assert pull.push(*pulled(pull.marks_m, zero_n=12.0)) == []
    with pytest.raises(BandModelError, match="at least one held length"):
        pull.fit()


def test_one_long_hold_is_one_mark() -> None:
    pull = GuidedPull(0.60)
    pull.push(*pulled((0.84,), hold_s=20.0))
    assert not pull.done
    assert "Hold 2 of 3" in pull.instruction


@pytest.mark.parametrize("size", [1, 7, 100])
def test_how_samples_are_cut_changes_nothing(size: int) -> None:
    time_s, tension_n = pulled((0.84, 1.08, 1.32))
    whole, cut = GuidedPull(0.60), GuidedPull(0.60)
    steps = whole.push(time_s, tension_n)
    assert steps == [
        step
        for start in range(0, time_s.size, size)
        for step in cut.push(time_s[start : start + size], tension_n[start : start + size])
    ]


@pytest.mark.parametrize("marks", [[], [0.5], [0.6, 1.0], [1.0, 1.9]])
def test_marks_that_cannot_be_held_are_refused(marks: list[float]) -> None:
    with pytest.raises(BandModelError, match="between the resting length"):
        GuidedPull(0.60, marks)


def test_times_without_tensions_are_refused() -> None:
    with pytest.raises(DataError):
        GuidedPull(0.60).push([0.0, 1.0], [0.0])
