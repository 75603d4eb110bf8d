"""A force trace sent to the page: read, analysed, not kept, and a plain answer to everything else."""

from __future__ import annotations

import asyncio
import re

import pytest

from bandsense.errors import DataError
from bandsense.sim.physics.scenario import Scenario
from bandsense.store.store import Store
from tests.needs import require_module
from tests.support.traces import doubtful_tail, write_trace

require_module("starlette", "bandsense[web]")
httpx = require_module("httpx", "httpx")

from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from starlette.applications import Starlette  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402

from bandsense.web.access import Access, Role  # noqa: E402
from bandsense.web.application import Guard  # noqa: E402
from bandsense.web.history import history_routes  # noqa: E402
from bandsense.web.trace_page import MOST_BYTES, read_upload  # noqa: E402


@pytest.fixture(scope="module")
def trace() -> str:
    done = Scenario(seed=7, reps=4).simulate()
    lines = (f"{t:.4f},{f:.3f}" for t, f in zip(done.time_s, done.tension_n, strict=True))
    return "\n".join(["time_s,tension_n", *lines, ""])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "bandsense.sqlite3")


class Client:
    """Asks an application without a server, a request at a time.

    Args:
        options: of `httpx.AsyncClient`.
    """

    def __init__(self, app: Starlette, base_url: str, **options: Any) -> None:
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url, **options)
        self.headers = self._client.headers

    def get(self, path: str) -> Any:
        return asyncio.run(self._client.get(path))

    def post(self, path: str, **content: Any) -> Any:
        return asyncio.run(self._client.post(path, **content))


@pytest.fixture
def client(store: Store) -> Client:
    access = Access("127.0.0.1")
    app = Starlette(
        routes=history_routes((store, lambda: store), access), middleware=[Middleware(Guard, access=access)]
    )
    return Client(app, base_url="http://127.0.0.1", headers={"origin": "http://127.0.0.1"})


def send(client: Client, content: str | bytes, name: str = "set.csv", **said: str) -> Any:
    return client.post("/analyze", files={"file": (name, content, "text/csv")}, data=said)


def test_a_trace_is_analysed_and_not_kept(client: Client, store: Store, trace: str) -> None:
    answer = send(client, trace)
    assert answer.status_code == 200, answer.text
    assert "<h1>set.csv</h1>" in answer.text
    assert "4 reps in " in answer.text
    assert answer.text.count('<td class="l wrap">') == 4
    assert "<script" not in answer.text
    assert store.sessions() == []


def test_it_says_perhaps_where_the_count_is_in_doubt(client: Client, tmp_path: Path) -> None:
    path = write_trace(tmp_path / "doubtful.csv", doubtful_tail())
    assert "7 reps, perhaps 6: 6 full, 1 partial in " in send(client, path.read_text()).text
    assert re.findall(r"7 ○ (\d\d) %", send(client, path.read_text()).text)
    client.headers["Accept-Language"] = "de"
    assert "7 Wdh., vielleicht 6: " in send(client, path.read_text()).text


def test_it_speaks_the_language_of_the_browser(client: Client, trace: str) -> None:
    client.headers["Accept-Language"] = "de"
    empty = client.get("/analyze").text
    assert "Zieh eine CSV-Datei hierher" in empty
    assert "(<code>time_s,tension_n</code>)" in empty
    shown = send(client, trace).text
    assert "Messwerten pro Sekunde" in shown
    assert "Spannung über die Messkurve, " in shown
    assert "Eine andere Datei" in shown
    refused = send(client, trace, time="a")
    assert "Nenn beide Spalten, die der Zeit und die der Kraft" in refused.text


def test_columns_without_units_are_named_in_the_form(client: Client, trace: str) -> None:
    bare = trace.replace("time_s,tension_n", "a,b")
    refused = send(client, bare)
    assert (refused.status_code, "no header that names a time and a force" in refused.text) == (400, True)
    named = send(client, bare, time="a", force="b", time_unit="s", force_unit="N")
    assert "4 reps in " in named.text
    assert 'value="b"' in named.text  # what was written stays for the next file
    assert "name both columns" in send(client, bare, time="a").text.lower()
    assert "not units" in send(client, bare, time="a", force="b", force_unit="<b>").text


def test_kilograms_are_read_as_such_and_doubted_where_they_are_called_newtons(
    client: Client, trace: str
) -> None:
    rows = (line.split(",") for line in trace.splitlines()[1:])
    kilograms = "\n".join(f"{t},{0.5 * float(f) / 9.80665:.4f}" for t, f in rows)
    right = send(client, f"time_s,force_kg\n{kilograms}\n")
    wrong = send(client, f"time_s,force_n\n{kilograms}\n")
    assert "28 ±" in right.text
    assert "kilograms or pounds" in wrong.text
    assert "kilograms or pounds" not in right.text


@pytest.mark.parametrize("times", [1000.0, 1e9])
def test_milliseconds_that_are_called_seconds_are_doubted(client: Client, trace: str, times: float) -> None:
    rows = (line.split(",") for line in trace.splitlines()[1:])
    long = "\n".join(f"{times * float(t):.0f},{f}" for t, f in rows)
    answer = send(client, f"time_s,tension_n\n{long}\n")
    assert answer.status_code == 200
    assert "check that times are in seconds" in answer.text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a text file"),
        ("time_s,tension_n\n0.0,1.0\n", "one sample, or all at the same time"),
        ("time_s,tension_n\n5,1.0\n5,2.0\n", "one sample, or all at the same time"),
        ("time_s,tension_n\n0.0,1.0\n0.1,many\n", "line 3"),
    ],
)
def test_what_is_no_trace_is_told(client: Client, content: str | bytes, words: str) -> None:
    answer = send(client, content)
    assert answer.status_code == 400
    assert words in answer.text
    assert "bandsense-trace-" not in answer.text  # no path of ours


def test_a_name_is_shown_as_text(client: Client, trace: str) -> None:
    answer = send(client, trace, "../<b>x</b>.csv")
    assert "<b>x" not in answer.text.split("<h1>")[1].split("</h1>")[0]


def test_a_file_that_is_too_large_is_refused_before_it_is_read(client: Client) -> None:
    answer = send(client, b"0" * (MOST_BYTES + 1))
    assert answer.status_code == 400
    assert "larger than 20 MB" in answer.text


def test_nobody_else_may_send_one(store: Store, trace: str) -> None:
    access = Access("0.0.0.0")
    app = Starlette(
        routes=history_routes((store, lambda: store), access), middleware=[Middleware(Guard, access=access)]
    )
    token = access.query(Role.WATCH).partition("=")[2]
    for cookies in ({}, {"bandsense": token}):
        watching = Client(app, base_url="http://127.0.0.1", cookies=cookies)
        assert send(watching, trace).status_code == 403
    elsewhere = Client(app, base_url="http://127.0.0.1", headers={"origin": "http://evil.example"})
    assert send(elsewhere, trace).status_code == 403


@pytest.mark.parametrize(
    "body", [b"", b"--x\r\n", b"\xff" * 100, b"--x\r\nContent-Disposition: form-data\r\n\r\n--x--"]
)
def test_a_form_without_a_file_is_refused(body: bytes) -> None:
    for content_type in (
        "multipart/form-data; boundary=x",
        "text/plain",
        "",
        "multipart/form-data; boundary=",
    ):
        with pytest.raises(DataError, match="file"):
            read_upload(content_type, body)
