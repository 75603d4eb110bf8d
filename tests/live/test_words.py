from __future__ import annotations

import pytest

from bandsense.live.words import line, set_words, summary_words, tension_words
from bandsense.signal.events import Phase, PhaseChanged, Rep, RepDone, RepTop, SignalWarning, WarningKind
from bandsense.workout.events import BatteryChanged, Level, SetEnd, SetResult
from bandsense.workout.workout import Summary

REP = Rep(1, 1.0, 1.5, 2.0, 2.6, 1.7, 60.0, 3.0, 4.0)
PARTIAL = Rep(2, 4.0, 4.5, 5.0, 5.6, 4.7, 40.0, 3.0, 4.0, partial=True, range_fraction=0.45)


@pytest.mark.parametrize(
    ("tension_n", "uncertainty_n", "words"),
    [
        (61.86, 3.1, "61.9 ± 3.1 N"),
        (512.3, 25.6, "512 ± 26 N"),
        (3.04, 0.05, "3.04 ± 0.05 N"),
        (-1.0, 0.25, "-1.0 ± 0.2 N"),
    ],
)
def test_digits_follow_the_uncertainty(tension_n: float, uncertainty_n: float, words: str) -> None:
    assert tension_words(tension_n, uncertainty_n) == words


def test_a_set_in_words() -> None:
    words = set_words(SetResult(1, 1.0, 5.6, (REP, PARTIAL), (3.0, 2.0), SetEnd.REST))
    assert words == "set 1: 2 reps, 1 of them partial, peak 60.0 ± 3.0 N, 3.2 s under tension"


def test_a_session_in_words() -> None:
    assert summary_words(Summary(0, 0, 0, 0.0, 0.0, 0.2, 800, 10.0)) == "no repetition in 10 s"
    words = summary_words(Summary(9, 1, 2, 20.0, 60.0, 3.0, 800, 40.0))
    assert words == "9 reps in 2 sets, 1 partial, peak 60.0 ± 3.0 N, 20.0 s under tension"


def test_lines_of_a_log() -> None:
    def of(event) -> str | None:  # type: ignore[no-untyped-def]
        return line(event, lambda _: 3.0)

    assert of(RepTop(1.7, 1, 60.0, 1.9, 1)) == "     1.90 s  rep 1: 60.0 ± 3.0 N"
    assert of(RepDone(5.6, 2, PARTIAL, 5.7)) == (
        "     5.70 s         pull 0.50, hold 0.50, return 0.60 s, partial (45% of the range)"
    )
    assert of(BatteryChanged(0.0, 55, 0.0)) == "     0.00 s  battery 55 %"
    assert of(SignalWarning(1.0, WarningKind.SATURATED, "the sensor is at its limit", 1.0)) == (
        "     1.00 s  the sensor is at its limit"
    )
    assert of(Level(1.0, 3.0, 0.2)) is None
    assert of(PhaseChanged(1.0, Phase.PULL, 1.0)) is None
