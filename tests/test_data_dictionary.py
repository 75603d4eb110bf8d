"""docs/data.md tells every field there is, and is as the code tells it."""

from __future__ import annotations

import dataclasses
import runpy

from bandsense.export.rows import REP_COLUMNS, SET_COLUMNS
from bandsense.export.table import COLUMNS
from tests.needs import REPOSITORY

TOOL = runpy.run_path(str(REPOSITORY / "tools" / "data_dictionary.py"))
PAGE = (REPOSITORY / "docs" / "data.md").read_text(encoding="utf-8")


def test_the_page_is_fresh() -> None:
    assert TOOL["page"]() == PAGE, "run: python tools/data_dictionary.py"


def test_every_column_and_table_is_there() -> None:
    for column in (*COLUMNS, *SET_COLUMNS, *REP_COLUMNS):
        assert f"| `{column.name}` | {(column.unit or '–').replace('.', '·')} |" in PAGE
    for name, columns in TOOL["schema"]().items():
        section = PAGE.partition(f"### Table `{name}`\n")[2].partition("\n### ")[0]
        assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == [
            column for column, *_ in columns
        ]


def test_no_link_of_the_page_leads_nowhere() -> None:
    anchors = {
        "".join(c for c in line.lower() if c.isalnum() or c in " -_").strip().replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("### ")
    }
    targets = {part.partition(")")[0] for part in PAGE.split("](#")[1:]}
    assert targets <= anchors
    assert len(targets) > 20


@dataclasses.dataclass
class Shy:
    """Something.

    Attributes:
        told_s: a time.
    """

    told_s: float
    silent_n: float
    other: str


def test_a_field_without_a_meaning_stops_it() -> None:
    missing: list[str] = []
    section = TOOL["class_section"](Shy, missing)
    assert missing == ["Shy.silent_n", "Shy.other"]
    assert "| `told_s` | s | number | A time |" in section
