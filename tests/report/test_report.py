"""The report: one file that needs nothing, one page of A4, and only what can be said."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bandsense.app.report import report_of_session, report_of_weeks
from bandsense.errors import MissingProgram, StoreError
from bandsense.language import speaking
from bandsense.profiles.person import Person
from bandsense.report.chromium import to_pdf
from bandsense.report.document import Report, to_html
from bandsense.store.store import Store
from tests.needs import require_tool
from tests.support.weeks import FIRST, Habit, train_once, train_weeks

NAME = "Ann <Example> & Co"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Four weeks of rows, the last too hard at first, then a session of one-arm rows."""
    store = Store.open(tmp_path_factory.mktemp("report") / "bandsense.sqlite3")
    train_weeks(store, Habit(reps=(8, 8)), [90.0, 94.0, 98.0], every=timedelta(days=7))
    train_once(store, Habit(reps=(5, 8, 9)), 8, FIRST + timedelta(days=21), 104.0)
    sides = Habit(exercise="bent-over-row", reps=(8, 8, 8, 8, 8, 8), paired=True)
    train_once(store, sides, 40, FIRST + timedelta(days=22), 97.0)
    person = Person(id="ann", name=NAME).model_dump(mode="json", by_alias=True)
    store.people.put("ann", person)
    return store


@pytest.fixture(scope="module")
def report(store: Store) -> Report:
    """Of the session with a set that was too hard."""
    return report_of_session(store, store.session(4))


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    return to_html(report)


class Needs(HTMLParser):
    """What a page asks for besides itself, and the text that it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.shown: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object"):
            self.asked.append(tag)
        self.asked += [
            f"{name}={value}" for name, value in attrs if name in ("src", "href") or name.startswith("on")
        ]

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


def test_it_needs_nothing_beside_it(html: str) -> None:
    page = Needs()
    page.feed(html)
    assert page.asked == []
    assert set(re.findall(r"url\(([^)]{4})", html)) <= {"data", "#hat"}
    assert html.count("@font-face") == 3


def test_it_says_what_was_done_and_how_sure_that_is(report: Report) -> None:
    assert report.lead.startswith(
        "You did 22 repetitions in 3 sets. The first set fell short of the plan; with "
    )
    assert "cm more slack both others reached it." in report.lead
    assert re.search(r"Your strongest pull is 1\d ± \d % above that of three weeks ago", report.lead)
    assert [row.reps for row in report.sets] == ["5", "8", "9"]
    assert report.sets[0].extra == ("0 cm",)
    assert report.sets[1].extra != ("0 cm",)
    assert all("±" in row.peak for row in report.sets)
    assert ("Plan", "3 × 8 to 12, 90 to 110 N") in report.facts
    assert "Breathe out on the pull, in on the return." in report.to_do
    assert "± 2 %" in report.fine
    assert "Not a medical device" in report.fine


def test_the_name_is_written_as_text_and_can_be_left_out(store: Store, html: str) -> None:
    assert "Ann &lt;Example&gt; &amp; Co" in html
    for report in (
        report_of_session(store, store.session(4), anonymous=True),
        report_of_weeks(store, weeks=8, exercise="seated-row", anonymous=True),
    ):
        page = Needs()
        page.feed(to_html(report))
        assert "Ann" not in " ".join(page.shown)
        assert "ann" not in re.findall(r"\w+", " ".join(page.shown))


def test_the_sides_of_a_session_stand_beside_each_other(store: Store) -> None:
    report = report_of_session(store, store.session(5))
    assert [row.name for row in report.sets][:2] == ["1 left", "2 right"]
    (sides,) = [panel for panel in report.panels if panel.title == "Right against left"]
    assert re.search(r"right \d+ ± \d %", sides.body)
    assert sides.verdict.startswith("Your right arm pulls ")


def test_peaks_beside_the_zone_are_told_with_the_repetitions(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "bandsense.sqlite3")
    number = train_once(store, Habit(reps=(8, 8)), 1, FIRST, 180.0)
    lead = report_of_session(store, store.session(number)).lead
    assert "Every set reached the planned repetitions. 0 of 16 peaks lay within 90 to 110 N." in lead


def test_a_simulated_session_is_called_so(store: Store, tmp_path: Path) -> None:
    simulated = Store.open(tmp_path / "bandsense.sqlite3")
    number = train_once(simulated, Habit(reps=(8, 8), source="simulator"), 1, FIRST, 100.0)
    for report in (
        report_of_session(simulated, simulated.session(number)),
        report_of_weeks(simulated, weeks=8, exercise="seated-row"),
    ):
        assert report.about.endswith(", simulated: nobody trained this")
    assert "simulated" not in report_of_session(store, store.session(4)).about


def test_weeks_are_told_one_a_line(store: Store) -> None:
    report = report_of_weeks(store, weeks=4, exercise="seated-row", per_week=2, to_do=("Rest well.",))
    assert [row.week for row in report.weeks] == ["5 October", "12 October", "19 October", "26 October"]
    assert report.weeks[0].sessions == "1 of 2"
    assert report.to_do == ("Rest well.",)
    assert report.curve


def test_its_charts_speak_german_too(store: Store) -> None:
    def charts(code: str) -> str:
        with speaking(code):
            html = to_html(report_of_session(store, store.session(4)))
            html += to_html(report_of_weeks(store, weeks=4, exercise="seated-row", per_week=2))
        return html

    english, german = charts("en"), charts("de")
    for told in ("Tension over set 3, 9 repetitions, the strongest ", "Strongest pull by week, "):
        assert told in english
        assert told not in german
    assert "Spannung über Satz 3, 9 Wiederholungen, die stärkste " in german
    assert " nach Wochen, " in german


def test_what_cannot_be_compared_stays_out_of_the_trend(tmp_path: Path) -> None:
    other = Store.open(tmp_path / "bandsense.sqlite3")
    habit = Habit(reps=(8,))
    train_weeks(other, habit, [90.0, 95.0, 100.0], every=timedelta(days=7))
    train_once(other, replace(habit, band="red"), 9, FIRST + timedelta(days=21), 150.0)
    report = report_of_weeks(other, weeks=8)
    assert "above" not in report.lead
    assert report.fine.startswith("3 sessions are left out of the trends")
    assert "the bands differ" in report.fine


def test_without_a_set_it_says_so(tmp_path: Path) -> None:
    empty = Store.open(tmp_path / "bandsense.sqlite3")
    with pytest.raises(StoreError, match="no finished set"):
        report_of_weeks(empty, weeks=8)


@pytest.fixture(scope="module")
def chromium() -> str:
    return require_tool("chromium", "install it: apt-get install chromium")


@pytest.mark.parametrize("which", ["session", "sides", "weeks"])
@pytest.mark.slow
def test_it_fits_one_page_of_a4(store: Store, chromium: str, tmp_path: Path, which: str) -> None:
    report = {
        "session": lambda: report_of_session(store, store.session(4)),
        "sides": lambda: report_of_session(store, store.session(5)),
        "weeks": lambda: report_of_weeks(store, weeks=8, exercise="seated-row", per_week=3),
    }[which]()
    path = tmp_path / "report.pdf"
    to_pdf(to_html(report), path)
    data = path.read_bytes()
    assert data.startswith(b"%PDF")
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert len(boxes) == 1, "one page"
    width, height = map(float, boxes[0])
    assert (width, height) == pytest.approx((595.3, 841.9), abs=1.0)


@pytest.mark.slow
def test_the_longest_report_fits_too(store: Store, chromium: str, tmp_path: Path) -> None:
    report = report_of_weeks(store, weeks=8, exercise="seated-row")
    long = replace(
        report,
        curve=None,  # as `MOST_WEEKS_WITH_CURVE` has it
        weeks=report.weeks * 3,
        to_do=("A line of what to do that is as long as such lines will be.",) * 6,
        lead=f"{report.lead} {report.lead}",
        panels=report.panels[:2],
    )
    to_pdf(to_html(long), tmp_path / "long.pdf")
    assert len(re.findall(rb"/MediaBox", (tmp_path / "long.pdf").read_bytes())) == 1


def test_a_browser_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    false = shutil.which("false")
    assert false is not None
    monkeypatch.setenv("BANDSENSE_CHROMIUM", false)
    with pytest.raises(MissingProgram, match="produced nothing"):
        to_pdf("<p>", tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()
