"""A session that begins knows what was done before; one that ends says how it stands to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bandsense.app.last_time import compared_words, last_times
from bandsense.language import said, speaking
from bandsense.store.store import Store
from tests.support.weeks import CALIBRATED, FIRST, Habit, train_once

DAY = timedelta(days=1)
SHORT = Habit(reps=(6, 5))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "bandsense.sqlite3")


def test_the_first_session_has_nothing_before_it(store: Store) -> None:
    first = train_once(store, SHORT, 0, FIRST, 100.0)
    assert last_times(store, first) == {}
    assert compared_words(store, first) is None


def test_the_next_one_knows_the_repetitions_and_the_peak(store: Store) -> None:
    train_once(store, SHORT, 0, FIRST, 100.0)
    second = train_once(store, SHORT, 1, FIRST + DAY, 112.0)
    before = last_times(store, second)[None]
    assert before.reps == (6, 5)
    assert before.peak_n == pytest.approx(100.0, rel=0.1)
    words = compared_words(store, second)
    assert words is not None
    assert words.startswith("11 full repetitions, 11 on 5 October. Strongest pull up ")
    with speaking("de"):
        assert said(words).startswith("11 ganze Wiederholungen, 11 am 5. ")


def test_tensions_of_another_calibration_are_not_set_beside(store: Store) -> None:
    train_once(store, SHORT, 0, FIRST, 100.0)
    again = replace(SHORT, calibration=replace(CALIBRATED, newton_per_unit=1.02))
    second = train_once(store, again, 1, FIRST + DAY, 100.0)
    before = last_times(store, second)[None]
    assert (before.reps, before.peak_n) == ((6, 5), None)
    assert "Not compared: the sensor was calibrated anew in between." in (compared_words(store, second) or "")


def test_an_older_comparable_session_goes_before_a_newer_one_that_is_not(store: Store) -> None:
    train_once(store, SHORT, 0, FIRST, 100.0)
    train_once(store, replace(SHORT, band="red", reps=(4,)), 1, FIRST + DAY, 140.0)
    third = train_once(store, SHORT, 2, FIRST + 2 * DAY, 100.0)
    assert last_times(store, third)[None].reps == (6, 5)


def test_each_side_has_its_own_last_time(store: Store) -> None:
    sides = Habit(exercise="bent-over-row", reps=(6, 5), paired=True)
    train_once(store, sides, 0, FIRST, 100.0)
    second = train_once(store, sides, 1, FIRST + DAY, 100.0)
    found = last_times(store, second)
    assert {side: last.reps for side, last in found.items()} == {"left": (6,), "right": (5,)}
    words = compared_words(store, second)
    assert words is not None
    assert "Left: 6 full repetitions" in words
    assert "Right: 5 full repetitions" in words


def test_other_people_and_exercises_do_not_count(store: Store) -> None:
    train_once(store, replace(SHORT, person="bob"), 0, FIRST, 100.0)
    train_once(store, replace(SHORT, exercise="lat-pulldown"), 1, FIRST + DAY, 100.0)
    third = train_once(store, SHORT, 2, FIRST + 2 * DAY, 100.0)
    assert last_times(store, third) == {}
