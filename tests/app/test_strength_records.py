from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bandsense.app.strength_test import Difference, StrengthRecord, StrengthSetup, compare
from bandsense.workout.strength import Link, Protocol, SideResult

SETUP = StrengthSetup("knee extension", "seated, 90 degrees", "ankle, 40 cm")


def a_test(session: int, mean_n: float = 100.0, **changes: object) -> StrengthRecord:
    sides = tuple(SideResult(side, (mean_n,) * 3, mean_n, mean_n, 0.02, 3.0) for side in ("left", "right"))
    record = StrengthRecord(
        session, date(2026, 1, session), "Ada", SETUP, sides, None, True, "A", "x", "sensor"
    )
    return replace(record, **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"setup": replace(SETUP, posture="lying")}, Difference.POSTURE),
        ({"setup": replace(SETUP, position="knee, 40 cm")}, Difference.POSITION),
        ({"setup": replace(SETUP, protocol=Protocol(link=Link.BAND))}, Difference.LINK),
        ({"sensor": "B"}, Difference.SENSOR),
        ({"calibration": "y"}, Difference.CALIBRATION),
        ({"source": "simulator"}, Difference.SOURCE),
    ],
)
def test_what_differs_is_told_in_place_of_a_number(changes: dict[str, object], words: str) -> None:
    compared = compare(a_test(2, 200.0, **changes), [a_test(1), a_test(2)])
    assert compared is not None
    assert (compared.changes, compared.differences) == ((), (words,))


def test_the_last_one_that_is_alike_is_taken() -> None:
    records = [a_test(1, 100.0), a_test(2, 50.0, sensor="B"), a_test(3, 10.0, person="Zoe"), a_test(4, 130.0)]
    compared = compare(records[-1], records)
    assert compared is not None
    assert compared.day == date(2026, 1, 1)
    assert [(each.side, each.told) for each in compared.changes] == [("left", True), ("right", True)]
    assert compared.changes[0].share == pytest.approx(0.3)


def test_words_are_alike_whatever_their_case_and_spaces() -> None:
    again = replace(SETUP, posture=" Seated,  90 DEGREES ")
    compared = compare(a_test(2, setup=again), [a_test(1)])
    assert compared is not None
    assert compared.differences == ()
    assert compare(a_test(1), [a_test(1)]) is None
    assert compare(a_test(2, setup=replace(SETUP, movement="knee flexion")), [a_test(1)]) is None
