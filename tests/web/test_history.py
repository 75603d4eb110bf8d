"""The history pages: what was trained, only what can be compared, and nothing for strangers."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest

from bandsense.app.strength_test import StrengthSetup
from bandsense.bands.wear import Stiffness
from bandsense.errors import StoreError
from bandsense.profiles.band import BandProfile
from bandsense.profiles.person import Person
from bandsense.samples import SampleBlock, Unit
from bandsense.store.model import NewSession, NewStream
from bandsense.store.store import Store
from bandsense.workout.settings import WorkoutSettings
from bandsense.workout.strength import Protocol
from tests.needs import require_module
from tests.support.weeks import CALIBRATED, FIRST, Habit, train_once, train_weeks

require_module("starlette", "bandsense[web]")

from starlette.applications import Starlette  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402

from bandsense.web.access import Access, Role  # noqa: E402
from bandsense.web.application import Guard  # noqa: E402
from bandsense.web.history import history_routes  # noqa: E402

NAME = "Ann <Example>"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three weeks of rows and one that is too hard at first, one-arm rows, and a band that wears."""
    store = Store.open(tmp_path_factory.mktemp("pages") / "bandsense.sqlite3")
    train_weeks(store, Habit(reps=(8, 8)), [90.0, 94.0, 98.0], every=timedelta(days=7))
    train_once(store, Habit(reps=(5, 8)), 8, FIRST + timedelta(days=21), 104.0)
    sides = Habit(exercise="bent-over-row", reps=(6, 6), paired=True)
    train_once(store, sides, 40, FIRST + timedelta(days=22), 97.0)
    store.people.put("ann", Person(id="ann", name=NAME).model_dump(mode="json", by_alias=True))
    measured = (Stiffness(0, 140.0, 2.0), Stiffness(1200, 134.0, 2.0))
    band = BandProfile(id="green", name="Green", cycles=1300, stiffness=measured)
    store.bands.put("green", band.model_dump(mode="json", by_alias=True))
    return store


class Page(HTMLParser):
    """What a page shows, where it leads, and what the policy of the pages would not let it do."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.refused: list[str] = []
        self.sentences: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "style") or "style" in given or any(name.startswith("on") for name in given):
            self.refused.append(f"{tag} {given}")
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))

    def handle_data(self, data: str) -> None:
        self.sentences.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.sentences).split())


def served(store: Store, access: Access | None = None) -> tuple[Starlette, Access]:
    access = access or Access("127.0.0.1")
    routes = history_routes((store, lambda: store), access)
    return Starlette(routes=routes, middleware=[Middleware(Guard, access=access)]), access


def get(
    app: Starlette,
    address: str,
    host: str = "127.0.0.1",
    cookie: str = "",
    *,
    form: dict[str, str] | None = None,
    origin: str = "http://127.0.0.1",
) -> tuple[int, dict[str, str], str]:
    """Status, headers and body, as a browser would get them; of a form that is sent, if one is given."""
    path, _, query = address.partition("?")
    headers = [(b"host", host.encode()), *([(b"cookie", cookie.encode())] if cookie else [])]
    if form is not None:
        headers.append((b"origin", origin.encode()))
    method = "GET" if form is None else "POST"
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "scheme": "http"}
    scope |= {"query_string": query.encode(), "headers": headers, "http_version": "1.1", "root_path": ""}
    scope |= {"client": ("127.0.0.1", 1), "server": (host, 80)}
    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": urlencode(form or {}).encode(), "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    found = {name.decode().lower(): value.decode() for name, value in told[0]["headers"]}
    return told[0]["status"], found, b"".join(message.get("body", b"") for message in told[1:]).decode()


def page(store: Store, address: str, cookie: str = "") -> Page:
    status, _, body = get(served(store)[0], address, cookie=cookie)
    assert status == 200, body[:500]
    return Page(body)


PAGES = [
    "/sessions",
    "/sessions/4",
    "/sessions/4/sets/1",
    "/sessions/5/sides",
    "/trends?exercise=seated-row",
    "/trends?exercise=bent-over-row&side=right",
    "/bands",
]


@pytest.mark.parametrize("address", PAGES)
def test_a_page_keeps_to_the_policy_and_its_links_lead_somewhere(store: Store, address: str) -> None:
    found = page(store, address)
    assert found.refused == []
    app, _ = served(store)
    for link in found.links:
        if link not in ("/", "#content"):
            assert get(app, link)[0] == 200, link


SAME_IN_GERMAN = {"bandsense", "Sensor", "Green", NAME, "Band", "Name", "Tempo, s"}


@pytest.mark.parametrize("address", PAGES)
def test_a_page_in_german_says_nothing_in_english(store: Store, address: str) -> None:
    english = {each.strip() for each in page(store, address).sentences}
    told = [each.strip() for each in page(store, address, "language=de").sentences]
    left = [each for each in told if each in english - SAME_IN_GERMAN and re.search(r"[A-Za-z]{4}", each)]
    assert left == []
    assert [each for each in told if re.search(r"\d\.\d", each)] == [], "decimal commas"


def test_sessions_are_listed_by_month_and_found_by_words(store: Store) -> None:
    everything = page(store, "/sessions").text
    assert "5 sessions" in everything
    assert re.search(r"10\d ± 2 N", everything)
    assert "1 of 5 sessions" in page(store, "/sessions?q=one-arm").text
    assert "1 of 5 sessions" in page(store, "/sessions?q=26+october+ROW&exercise=").text
    assert "No session matches that." in page(store, "/sessions?q=squat").text
    assert "4 of 5 sessions" in page(store, "/sessions?exercise=seated-row").text


def test_a_session_tells_its_sets_the_advice_and_the_last_time(store: Store) -> None:
    text = page(store, "/sessions/4").text
    assert f"{NAME}. Monday 26 October 2026" in text
    assert "13 repetitions in 2 sets. The first set fell short of the plan; with" in text
    assert "5 of 8" in text
    assert re.search(r"After set 1: ADD SLACK.* You did this\.", text)
    assert re.search(r"13 full repetitions, 16 on 19 October\. Strongest pull (up|no difference)", text)


def test_a_set_shows_each_repetition_with_its_uncertainty(store: Store) -> None:
    _, _, body = get(served(store)[0], "/sessions/4/sets/2")
    assert len(re.findall(r"<td>\d+ ± \d</td>", body)) == 8
    assert body.count('class="between o') == 6
    assert "5 cm more slack than at first" in body or "4 cm more slack than at first" in body


def test_trends_are_told_with_their_uncertainty_and_what_is_left_out(store: Store, tmp_path: Path) -> None:
    text = page(store, "/trends?exercise=seated-row").text
    assert re.search(r"Your strongest pull is 1\d ± \d % above that of three weeks ago", text)
    assert "Between two sessions, less than" in text
    assert "The scale itself is known to ± 2 %" in text
    other = Store.open(tmp_path / "bandsense.sqlite3")
    train_once(other, Habit(reps=(6,)), 1, FIRST, 100.0)
    train_once(other, Habit(reps=(6,), band="red"), 2, FIRST + timedelta(days=1), 140.0)
    apart = page(other, "/trends").text
    assert "Session 1. Not compared: the bands differ." in apart
    assert "2 more weeks until a trend can be told." in apart
    assert "Your first weeks will be here." in page(Store.open(tmp_path / "none.sqlite3"), "/trends").text


def test_left_and_right_say_which_and_how_sure(store: Store) -> None:
    text = page(store, "/sessions/5/sides").text
    assert re.search(r"Your right arm pulls \d+ ± \d % harder than your left\.", text)
    assert "The left side sets the pace." in text
    assert "cannot be compared" in page(store, "/sessions/4/sides").text


def test_a_band_shows_what_its_use_explains(store: Store) -> None:
    _, _, body = get(served(store)[0], "/bands")
    assert "1300 repetitions. It is 4 ± 2 % softer" in body
    assert "140 ± 2" in body


def test_a_report_comes_as_a_file_with_or_without_the_name(store: Store) -> None:
    app, _ = served(store)
    _, headers, body = get(app, "/sessions/4/report.html")
    assert headers["content-disposition"] == 'attachment; filename="report-4.html"'
    assert "Ann &lt;Example&gt;" in body
    assert "Example" not in get(app, "/sessions/4/report.html?anonymous=1")[2]
    assert get(app, "/trends/report.html?exercise=seated-row&weeks=8")[0] == 200


def test_what_is_not_there_says_so(store: Store) -> None:
    app, _ = served(store)
    status, _, body = get(app, "/sessions/99")
    assert status == 404
    assert "There is no session 99; <code>bandsense sessions</code> lists them." in body
    assert get(app, "/sessions/4/sets/7")[0] == 404
    assert get(app, f"/sessions/{10**25}")[0] == 404


def test_only_who_trains_sees_the_past(store: Store) -> None:
    access = Access("0.0.0.0")
    app, _ = served(store, access)
    stranger, _, body = get(app, "/sessions", host="192.168.0.7")
    assert stranger == 403
    assert "Seated row" not in body
    for role, wanted in ((Role.WATCH, 403), (Role.TRAIN, 200)):
        token = access.query(role).partition("=")[2]
        status, _, body = get(app, "/sessions", host="192.168.0.7", cookie=f"bandsense={token}")
        assert status == wanted
        assert ("Seated row" in body) == (role is Role.TRAIN)


def test_simulated_sessions_stay_in_their_own_pages(store: Store, tmp_path: Path) -> None:
    empty = Store.open(tmp_path / "real.sqlite3")
    access = Access("127.0.0.1")
    app = Starlette(routes=history_routes((empty, lambda: store), access))
    assert "0 sessions" in Page(get(app, "/sessions")[2]).text
    simulated = Page(get(app, "/sessions?simulated=1")[2])
    assert "5 sessions" in simulated.text
    assert all("simulated=1" in link for link in simulated.links if link.startswith("/sessions"))


def test_the_simulated_store_is_opened_only_for_who_may_see_it(store: Store) -> None:
    opened = []

    def damaged() -> Store:
        opened.append("simulated")
        raise StoreError("it is damaged")

    access = Access("0.0.0.0")
    app = Starlette(routes=history_routes((store, damaged), access))
    found = {}
    for role in (Role.WATCH, Role.TRAIN):
        token = access.query(role).partition("=")[2]
        found[role] = get(app, "/sessions?simulated=1", host="192.168.0.7", cookie=f"bandsense={token}")
        assert opened == (["simulated"] if role is Role.TRAIN else [])
    assert found[Role.WATCH][0] == 403
    assert "It is damaged." in found[Role.TRAIN][2]


def test_tests_of_strength_have_their_place(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "bandsense.sqlite3")
    for number, best_n in enumerate((120.0, 180.0)):
        kept_test(store, number, best_n)
    train_once(store, Habit(reps=(6,)), 1, FIRST + timedelta(days=9), 100.0)
    assert "Strength test" in page(store, "/sessions").text
    text = page(store, "/sessions/2").text
    assert "knee extension" in text
    assert "180" in text
    assert "since" in text
    assert "knee extension, 13 October: " in page(store, "/trends").text


def kept_test(store: Store, number: int, best_n: float, trials: int = 2) -> None:
    """Trials of both legs together, that strong, kept as the command keeps them."""
    setup = StrengthSetup("knee extension", "seated", "strap at 40 cm", Protocol((None,), trials, 30.0))
    settings = WorkoutSettings(CALIBRATED).to_dict() | {"strength_test": setup.to_dict()}
    begun = FIRST + timedelta(days=8 * number)
    stream = NewStream("5e4500000000ba5e", Unit.NEWTON, settings)
    recorder = store.record(NewSession("sensor", begun.timestamp(), (stream,), "bandsense test", "ann"))
    recorder.write(SampleBlock(np.arange(80) / 80.0, np.zeros(80), Unit.NEWTON))
    side = {
        "side": None,
        "trials": [*[best_n - 4.0] * (trials - 1), best_n],
        "best_n": best_n,
        "mean_n": best_n - 2.0,
    }
    side |= {"scatter": 0.02, "uncertainty_n": 3.0, "rate_n_per_s": None, "rate_hidden": None}
    told = {"sides": [side], "symmetry": None, "complete": True, "trials": []}
    recorder.close(summary={"strength_test": told, "duration_s": 1.0}, ended_unix_s=begun.timestamp() + 1.0)


def test_a_note_is_written_changed_and_put_back(store: Store) -> None:
    app, _ = served(store)
    path = "/sessions/5/note"

    def send(**form: str) -> str:
        status, headers, body = get(app, path, form=form)
        assert (status, headers.get("location")) == (303, "/sessions/5#note"), body
        return get(app, "/sessions/5")[2]

    assert "Undo" not in get(app, "/sessions/5")[2]
    assert "</textarea>" in send(do="keep", note="left shoulder <tight> & \u00e4")
    body = send(do="keep", note="")
    assert "shoulder" not in body
    body = send(do="undo")
    assert "left shoulder &lt;tight&gt; &amp; \u00e4</textarea>" in body
    assert "slept badly</textarea>" in send(do="keep", note="  slept badly\r\n")
    assert "left shoulder" in send(do="undo")
    assert "slept badly" in send(do="undo"), "undoing that as well puts it back"
    assert get(app, path, form={"note": "x" * 501})[0] == 400
    assert get(app, path, form={"note": "x" * 50_000})[0] == 413
    assert get(app, "/sessions/99/note", form={"note": "x"})[0] == 404
    assert "slept badly" in get(app, "/sessions/5")[2]
    assert page(store, "/sessions/5").refused == []


def test_only_the_own_form_of_who_trains_writes_a_note(store: Store) -> None:
    app, _ = served(store)
    form = {"do": "keep", "note": "not by you"}
    assert get(app, "/sessions/4/note", form=form, origin="http://evil.example")[0] == 403
    assert get(app, "/sessions/4/note", form=form, origin="null")[0] == 403
    open_to_all, access = served(store, Access("0.0.0.0"))
    assert get(open_to_all, "/sessions/4/note", form=form)[0] == 403
    watching = f"bandsense={access.query(Role.WATCH).partition('=')[2]}"
    assert get(open_to_all, "/sessions/4/note", cookie=watching, form=form)[0] == 403
    assert "not by you" not in page(store, "/sessions/4").text
    training = f"bandsense={access.query(Role.TRAIN).partition('=')[2]}"
    assert get(open_to_all, "/sessions/4/note", cookie=training, form={"do": "undo"})[0] == 404
    assert get(open_to_all, "/sessions/4/note", cookie=training, form=form)[0] == 303
    assert "not by you" in page(store, "/sessions/4").text
