"""What `docs/bands.md` says of numbers is what the code computes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bandsense.bands.slack import slack_change

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "bands.md").read_text(encoding="utf-8")


def test_the_table_of_centimetres() -> None:
    rows = re.findall(r"^\| (\d+) cm \|(.+)\|$", DOCS, re.MULTILINE)
    assert len(rows) == 4
    for rest_cm, cells in rows:
        rest_m = float(rest_cm) / 100
        for stretch, cell in zip((1.5, 2.0, 2.5), cells.split("|"), strict=True):
            out_cm, in_cm = (float(number.replace("\u2212", "-")) for number in cell.split("/"))
            changes = [slack_change(rest_m, stretch * rest_m, ratio).let_out_m for ratio in (0.9, 1.05)]
            assert [100 * change for change in changes] == pytest.approx([out_cm, in_cm], abs=0.051)


def test_the_example_of_the_slack_law() -> None:
    assert "bandsense.slack_change(0.60, 1.20, 0.9)" in DOCS
    change = slack_change(0.60, 1.20, 0.9)
    assert change.let_out_m == pytest.approx(0.051, abs=5e-4)
    assert change.let_out_uncertainty_m == pytest.approx(0.006, abs=5e-4)
    assert change.step_m == pytest.approx(0.094, abs=5e-4)


def test_the_example_of_a_calibration_pull_runs() -> None:
    (example,) = re.findall(r"```python\n(from bandsense\.bands\.fit.*?)```", DOCS, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # the project's own documentation
    assert names["fit"].band.tension_n(1.20) == pytest.approx(40.2, abs=0.5)
