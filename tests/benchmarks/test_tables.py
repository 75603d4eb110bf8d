from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.tables import Table, milliseconds, number, percent, replace_between

TABLE = Table("Counts", ("", "exact %"), (("clean", "100.0"), ("mixed", "9.5")))


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert TABLE.text() == "Counts\n       exact %\nclean    100.0\nmixed      9.5"


def test_markdown_has_a_rule_under_the_header() -> None:
    assert TABLE.markdown().splitlines() == [
        "**Counts**",
        "",
        "|  | exact % |",
        "| --- | --: |",
        "| clean | 100.0 |",
        "| mixed | 9.5 |",
    ]


def test_what_has_no_value_is_a_dash() -> None:
    assert (milliseconds(np.nan), percent(np.nan), number(np.nan)) == ("–", "–", "–")
    assert (milliseconds(0.0126), percent(0.9876, 2), number(0.99951, 4)) == ("13", "98.76", "0.9995")


def test_figures_take_the_place_of_older_ones(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\n<!-- figures -->\n\nold\n\n<!-- end of figures -->\n\nlast\n")
    replace_between(page, ["new", "newer"])
    expected = "# Title\n\n<!-- figures -->\n\nnew\n\nnewer\n\n<!-- end of figures -->\n\nlast\n"
    assert page.read_text() == expected
    replace_between(page, ["new", "newer"])
    assert page.read_text() == expected


def test_a_page_without_a_place_for_figures_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n")
    with pytest.raises(ValueError, match="no place for figures"):
        replace_between(page, ["new"])
    assert page.read_text() == "# Title\n"
