"""The catalogue says where each value comes from, and how little a colour is worth."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from bandsense.bands.catalogue import Form, Table, Verified, estimate, load_catalogue
from bandsense.errors import BandModelError


def _table(source: str, colour: str) -> Table:
    return next(t for t in load_catalogue() if (t.source.id, t.colour) == (source, colour))


def test_every_value_has_a_source_and_says_whether_it_is_confirmed() -> None:
    for table in load_catalogue():
        assert table.source.citation
        assert table.source.url.startswith("http")
        assert table.points
        assert all(isinstance(point.verified, Verified) for point in table.points)
        eps = [point.elongation for point in table.points]
        tension = [point.tension_n for point in table.points]
        assert eps == sorted(set(eps))
        assert tension == sorted(set(tension))


def test_values_of_the_maker_are_there_in_newtons() -> None:
    # Green, 4.6 and 6.7 lb at 100 and 200 %; the high-resistance loop "medium", 25 and 35 lb.
    green = {p.elongation: p.tension_n for p in _table("maker-current", "green").points}
    assert green == pytest.approx({1.0: 4.6 * 4.4482216, 2.0: 6.7 * 4.4482216}, abs=0.01)
    loop = {p.elongation: p.tension_n for p in _table("maker-loops", "medium").points}
    assert loop == pytest.approx({1.0: 25 * 4.4482216, 2.0: 35 * 4.4482216}, abs=0.01)


def test_tables_of_one_brand_and_colour_disagree() -> None:
    ratio = {
        colour: _table("page-2000", colour).law().tension_n(1.0)
        / _table("maker-current", colour).law().tension_n(1.0)
        for colour in ("yellow", "blue", "black", "gold")
    }
    assert ratio == pytest.approx({"yellow": 0.97, "blue": 1.22, "black": 1.33, "gold": 1.52}, abs=0.05)


def test_a_power_law_fits_the_long_table() -> None:
    for table in load_catalogue():
        if len(table.points) > 2:
            law = table.law()
            assert 0.6 < law.p < 0.75
            for point in table.points:
                assert law.tension_n(point.elongation) == pytest.approx(point.tension_n, rel=0.1)


def test_a_colour_is_a_prior_with_at_least_a_quarter_of_uncertainty() -> None:
    black = estimate("Black")
    assert black.relative_uncertainty > 0.25
    assert len(black.tables) == 4
    assert 25.0 < black.law.f100_n < 45.0
    assert estimate("red").relative_uncertainty == 0.25
    assert [table.source.id for table in estimate("red", form=Form.TUBE).tables] == ["maker-current"]
    assert estimate("medium", form=Form.LOOP).law.f100_n == pytest.approx(111.2, abs=0.1)


def test_stronger_colours_are_estimated_stronger() -> None:
    order = ["tan", "yellow", "red", "green", "blue", "black", "silver", "gold"]
    strengths = [estimate(colour).law.f100_n for colour in order]
    assert strengths == sorted(strengths)
    steps = [math.log(b / a) for a, b in pairwise(strengths)]
    assert all(0.1 < step < 0.5 for step in steps)


def test_an_unknown_colour_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BandModelError, match=r"black, blue, gold.*calibration pull"):
        estimate("purple")
    with pytest.raises(BandModelError, match="known colours: none"):
        estimate("red", brand="Unheard-of")
