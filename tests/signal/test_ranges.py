"""The full range belongs to the set and follows it."""

from __future__ import annotations

import pytest

from bandsense.signal.ranges import PARTIAL_BELOW, range_fractions


def partial(tops_n: list[float], begins: tuple[int, ...] = (0,)) -> list[bool]:
    fractions = range_fractions(tops_n, [0.0] * len(tops_n), [i in begins for i in range(len(tops_n))])
    return [fraction < PARTIAL_BELOW for fraction in fractions]


def test_two_over_hard_first_pulls_do_not_make_all_others_partial() -> None:
    assert not any(partial([160.0, 170.0, *[100.0] * 8])[2:])


def test_another_band_has_a_range_of_its_own() -> None:
    tops_n = [*[100.0] * 6, *[40.0] * 6]
    assert any(partial(tops_n))
    assert not any(partial(tops_n, (0, 6)))


def test_a_range_that_shrinks_slowly_stays_full() -> None:
    assert not any(partial([100.0 * 0.95**i for i in range(20)]))


def test_partial_repetitions_between_full_ones_are_marked() -> None:
    assert partial([100.0, 100.0, 60.0, 100.0, 60.0, 100.0]) == [False, False, True, False, True, False]


@pytest.mark.parametrize("scale", [0.1, 1.0, 7.0])
@pytest.mark.parametrize("zero_n", [-20.0, 0.0, 50.0])
def test_neither_zero_nor_scale_matters(scale: float, zero_n: float) -> None:
    tops_n = [100.0, 90.0, 60.0, 100.0]
    moved = [scale * top + zero_n for top in tops_n]
    begins = [True, False, False, False]
    assert range_fractions(moved, [zero_n] * 4, begins) == pytest.approx(
        range_fractions(tops_n, [0.0] * 4, begins)
    )
