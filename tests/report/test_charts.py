"""Charts: what is drawn lies where the numbers are, is said in words, and needs neither script nor style."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandsense.report.charts import MOST_COLUMNS, Plot, Slot, nice_range, strip


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def test_a_point_lies_where_its_numbers_are_and_text_is_escaped() -> None:
    svg = Plot((0.0, 10.0), (0.0, 200.0), 'a "chart" <1>').dots([2.5], [150.0], "dot").mark(5.0, 100.0, "<b>")
    root = parsed(svg.svg())
    circle = next(root.iter("circle"))
    assert (circle.get("cx"), circle.get("cy")) == ("25.00%", "25.00%")
    assert next(root.iter("text")).text == "<b>"
    assert root.find("svg").get("aria-label") == 'a "chart" <1>'


def test_a_chart_has_no_style_attribute_and_no_script() -> None:
    plot = Plot((0.0, 1.0), (0.0, 1.0), "x", "tall").zone(0.2, 0.4).bars([0.5], [0.5], 0.1, ["bar"])
    assert not re.search(
        r"style=|<script|on\w+=", plot.rule(0.0).upright(0.5).steps([0.0, 0.5], [1, 0], "s").svg()
    )


def test_a_pointer_near_a_point_is_told_its_words_wherever_the_point_is_drawn() -> None:
    root = parsed(Plot((0.0, 10.0), (0.0, 200.0), "x").hints([2.5], [150.0], ["5 Oct: <104> ± 5 N"]).svg())
    circle = next(root.iter("circle"))
    assert (circle.get("cx"), circle.get("cy")) == ("25.00%", "25.00%")
    assert circle.findtext("title") == "5 Oct: <104> ± 5 N"


def test_a_curve_breaks_where_there_is_no_value() -> None:
    svg = Plot((0.0, 4.0), (0.0, 1.0), "x").line([0, 1, 2, 3, 4], [0, 1, np.nan, 1, 0], "pull").svg()
    path = next(each for each in parsed(svg).iter("path")).get("d")
    assert path.count("M") == 2


@given(st.integers(0, 49_999), st.floats(1.0, 1e3))
def test_however_long_a_trace_its_peak_is_drawn(at: int, peak: float) -> None:
    values = np.zeros(50_000)
    values[at] = peak
    svg = Plot((0.0, 50_000.0), (0.0, peak), "x").line(np.arange(50_000), values, "pull").svg()
    numbers = re.findall(r"[ML]([\d.]+) ([\d.]+)", svg)
    assert min(float(down) for _, down in numbers) == 0.0
    assert len(numbers) <= 3 * MOST_COLUMNS


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e4))
def test_a_nice_range_holds_its_values_and_wastes_little(low: float, width: float) -> None:
    found_low, found_high = nice_range(low, low + width)
    slack = 1e-6 * max(1.0, abs(low), width)
    assert found_low <= low + slack
    assert found_high >= low + width - slack
    assert found_high - found_low <= 2.0 * width + slack


def test_a_range_of_nothing_is_widened() -> None:
    low, high = nice_range(5.0, 5.0)
    assert low <= 5.0 < high


def test_a_strip_shows_each_repetition_by_its_kind() -> None:
    slots = [Slot(100.0, "in"), Slot(80.0, "low"), Slot(70.0, "part"), Slot(None, "todo"), Slot(None, "more")]
    root = parsed(strip(slots, (90.0, 110.0)))
    bars = [each for each in root.iter("rect") if "slot" in each.get("class", "")]
    heights = [float(each.get("height").rstrip("%")) for each in bars]
    assert [each.get("class") for each in bars] == [f"slot {slot.kind}" for slot in slots]
    assert heights[0] > heights[1] > heights[2]
    assert root.get("aria-label").startswith("3 repetitions")
    zone = next(each for each in root.iter("rect") if each.get("class") == "zone")
    assert float(zone.get("height").rstrip("%")) == pytest.approx(
        100 * 20.0 / (1.13 * 110 - 0.65 * 90), abs=0.1
    )


def test_without_a_zone_heights_are_against_the_best() -> None:
    root = parsed(strip([Slot(50.0, "in"), Slot(100.0, "in")], None))
    assert [each.get("height") for each in root.iter("rect")] == ["50.0%", "100.0%"]
