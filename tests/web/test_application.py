"""Who may see the pages and who may act, and what they get."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bandsense.errors import ConfigError, MissingExtra
from bandsense.web.access import Access, Role
from bandsense.web.models import Choices, ServerMessage
from bandsense.web.server import MOST_CONNECTIONS, Certificate, PageServer, require_server
from tests.needs import require_module
from tests.support.pages import Served, served
from tests.support.scenes import scene

websockets = require_module("websockets", "bandsense[web]")
require_module("uvicorn", "bandsense[web]")

from starlette.applications import Starlette  # noqa: E402
from starlette.requests import HTTPConnection  # noqa: E402

pytestmark = pytest.mark.real_time


async def ask(
    at: Served | int, path: str, method: str = "GET", body: str = "", **headers: str
) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of a plain request."""
    port = at if isinstance(at, int) else at.server.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told = {"Host": f"127.0.0.1:{port}", "Connection": "close", "Content-Length": str(len(body))} | headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n{body}".encode())
    head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    status, *given = head.decode().split("\r\n")
    found = dict(line.lower().split(": ", 1) for line in given)
    return int(status.split()[1]), found, answer.decode(errors="replace")


def stream(at: Served, query: str = "") -> str:
    return f"ws://127.0.0.1:{at.server.port}/api/v1/live{query}"


def token(at: Served, role: Role = Role.TRAIN) -> str:
    return at.access.query(role).partition("=")[2]


async def test_the_page_loads_nothing_from_elsewhere_and_is_framed_nowhere() -> None:
    async with served() as at:
        status, headers, body = await ask(at, "/")
    assert status == 200
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert not re.findall(r"""(?:src|href)=["']?https?:|style=|\son\w+=|<script>|<style""", body)


async def test_all_that_the_page_needs_is_there_and_light() -> None:
    async with served() as at:
        _, _, page = await ask(at, "/")
        _, _, worker = await ask(at, "/sw.js")
        named = re.findall(r'(?:src|href)="(/[^"]+)"', page) + re.findall(r'"(/static/[^"]+)"', worker)
        paths = {path for path in named if "." in path}  # files, not further pages
        answers = {path: await ask(at, path) for path in paths}
    assert {path: status for path, (status, _, _) in answers.items() if status != 200} == {}
    folder = resources.files("bandsense.web") / "static"
    size = sum(
        len((folder / path.removeprefix("/static/")).read_bytes())
        for path in paths
        if path.startswith("/static/") and "icon-" not in path
    )
    assert size <= 300_000


@pytest.mark.parametrize(
    "path", ["/static/../access.py", "/static/%2e%2e/access.py", "/static//etc/passwd", "/static/none.js"]
)
async def test_nothing_else_of_the_disk_is_served(path: str) -> None:
    async with served() as at:
        assert (await ask(at, f"/static/{path}"))[0] == 404


async def test_an_address_without_a_page_says_so_in_the_language_of_who_asks() -> None:
    german = {"Accept-Language": "de"}
    async with served() as at:
        status, headers, page = await ask(at, "/nowhere", **german)
        program = await ask(at, "/api/v1/nowhere")
        method = await ask(at, "/api/v1/session")
    assert status == 404
    assert "content-security-policy" in headers
    assert 'lang="de"' in page
    assert "Diese Seite gibt es nicht" in page
    assert 'href="/">Üben</a>' in page
    assert program[0] == 404
    assert json.loads(program[2]) == {"error": "there is no such address; see /api/v1/openapi.json"}
    assert method[0] == 405


async def test_who_comes_without_the_token_is_told_in_their_language() -> None:
    async with served("0.0.0.0") as at:
        status, _, page = await ask(at, "/", **{"Accept-Language": "de"})
    assert status == 403
    assert "über den Code" in page


async def test_a_name_of_the_internet_that_points_here_gets_nothing() -> None:
    async with served() as at:
        assert (await ask(at, "/", Host="evil.example"))[0] == 403
        assert (await ask(at, "/api/v1/state", Host="evil.example"))[0] == 403
        assert (await ask(at, "/", Host="localhost:1234"))[0] == 200


async def test_a_page_of_another_origin_can_neither_listen_nor_ask() -> None:
    async with served() as at:
        async with websockets.connect(stream(at), origin="http://evil.example") as page:
            with pytest.raises(websockets.ConnectionClosed):
                await page.recv()
            assert page.close_code == 4403
        asked = await ask(at, "/api/v1/session", "DELETE", Origin="http://evil.example")
        for path in ("/api/v1/state", "/"):
            assert (await ask(at, path, Origin="http://evil.example"))[0] == 403, path
            assert (await ask(at, path, Origin=f"http://127.0.0.1:{at.server.port}"))[0] == 200, path
    assert asked[0] == 403
    assert at.asked == []


@pytest.mark.parametrize("host", ["[::1", "[zz]", "a]b", ""])
async def test_a_host_or_an_origin_that_is_none_gets_nothing(host: str) -> None:
    async with served() as at:
        assert (await ask(at, "/api/v1/state", Host=host or "@"))[0] in (400, 403)
        asked = await ask(at, "/api/v1/session", "DELETE", Origin=f"http://{host}")
    assert asked[0] == 403
    assert at.asked == []


async def test_a_page_that_sends_bytes_or_nonsense_keeps_its_stream() -> None:
    async with served() as at, websockets.connect(stream(at)) as page:
        await page.recv()
        for nonsense in (b"\x00\xff", "hello", "[" * 1000, '{"action": "zz"}', '{"action": "\\ud800"}'):
            await page.send(nonsense)
        at.board.post("station", {"phase": "idle", "message": "still here"})
        async with asyncio.timeout(30.0):
            while "still here" not in await page.recv():
                pass
    assert [what for what, _ in at.asked] == []


async def test_opened_to_the_network_it_needs_the_token() -> None:
    async with served("0.0.0.0") as at:
        assert (await ask(at, "/"))[0] == 403
        assert (await ask(at, "/api/v1/state"))[0] == 403
        assert (await ask(at, "/api/v1/state?token=wrong"))[0] == 403
        status, headers, _ = await ask(at, f"/?token={token(at)}")
        assert (status, headers["location"]) == (303, "/")
        cookie = headers["set-cookie"]
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        # The header's names were made small, its value must not be: ask again as a browser would.
        assert (await ask(at, "/", Cookie=f"bandsense={token(at)}"))[0] == 200
        assert (await ask(at, "/api/v1/state", Authorization=f"Bearer {token(at)}"))[0] == 200
        async with websockets.connect(stream(at)) as page:
            with pytest.raises(websockets.ConnectionClosed):
                await page.recv()


async def test_on_a_shared_computer_it_needs_the_token_too() -> None:
    async with served(token=True) as at:
        assert at.address.startswith("http://127.0.0.1:")
        assert (await ask(at, "/"))[0] == 403
        assert (await ask(at, "/api/v1/actions", "POST", '{"action":"e"}'))[0] == 403
        assert (await ask(at, f"/{urlsplit(at.address).query and '?' + urlsplit(at.address).query}"))[
            0
        ] == 303
        assert (await ask(at, "/", Cookie=f"bandsense={token(at)}"))[0] == 200
    assert at.asked == []


async def test_a_link_to_watch_shows_everything_and_does_nothing() -> None:
    async with served("0.0.0.0") as at:
        at.show([scene("hold")])
        watch = token(at, Role.WATCH)
        async with websockets.connect(stream(at, f"?token={watch}")) as page:
            assert json.loads(await page.recv())["views"]["main"]["changed"]["screen"] == "hold"
            await page.send(json.dumps({"action": "e"}))
            assert (await ask(at, f"/api/v1/actions?token={watch}", "POST", '{"action":"e"}'))[0] == 403
        assert json.loads((await ask(at, f"/api/v1/links?token={watch}"))[2]) == {"train": "", "watch": ""}
    assert at.asked == []


async def test_revoked_links_are_shut_out_at_once() -> None:
    async with served("0.0.0.0") as at:
        before = token(at)
        async with websockets.connect(stream(at, f"?token={before}")) as page:
            await page.recv()
            assert (await ask(at, f"/api/v1/links?token={before}", "DELETE"))[0] == 200
            await asyncio.wait_for(page.wait_closed(), 60.0)
            assert page.close_code == 4401
        assert (await ask(at, f"/api/v1/state?token={before}"))[0] == 403
        assert (await ask(at, f"/api/v1/state?token={token(at)}"))[0] == 200


def test_addresses_hold_over_a_restart_until_they_are_revoked(tmp_path: Path) -> None:
    kept = tmp_path / "home" / "page-links.json"
    first = Access("0.0.0.0", kept=kept)
    assert kept.stat().st_mode & 0o777 == 0o600
    again = Access("0.0.0.0", kept=kept)
    for role in (Role.TRAIN, Role.WATCH):
        assert again.query(role) == first.query(role)
    closed = []
    again.on_revoke(lambda: closed.append("again"))
    before = first.query(Role.TRAIN).partition("=")[2]
    first.revoke()
    assert asked_with(again, before) is Role.NOTHING
    assert closed == ["again"]
    assert asked_with(again, first.query(Role.TRAIN).partition("=")[2]) is Role.TRAIN
    assert Access("0.0.0.0", kept=kept).query(Role.WATCH) == first.query(Role.WATCH)
    assert Access("0.0.0.0").query(Role.TRAIN) != first.query(Role.TRAIN)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"train": "", "watch": ""}', '{"train": "aaaaaaaaaaaaaaaaaaaaaa"}']
)
def test_a_file_of_addresses_that_makes_no_sense_lets_nobody_in(tmp_path: Path, text: str) -> None:
    kept = tmp_path / "page-links.json"
    kept.write_text(text)
    access = Access("0.0.0.0", kept=kept)
    assert asked_with(access, "") is Role.NOTHING
    assert asked_with(access, access.query(Role.TRAIN).partition("=")[2]) is Role.TRAIN
    kept.write_text(text)  # damaged while it is served: the tokens stay
    assert asked_with(access, access.query(Role.TRAIN).partition("=")[2]) is Role.TRAIN


def test_on_this_computer_alone_no_token_is_kept(tmp_path: Path) -> None:
    kept = tmp_path / "page-links.json"
    assert Access("127.0.0.1", kept=kept).query(Role.TRAIN) == ""
    assert not kept.exists()
    (tmp_path / "file").touch()
    assert Access("0.0.0.0", kept=tmp_path / "file" / "x.json").query(Role.TRAIN)  # it cannot be kept


def asked_with(access: Access, token: str) -> Role:
    headers = [(b"host", b"192.0.2.7:8321"), (b"authorization", f"Bearer {token}".encode())]
    return access.role(HTTPConnection({"type": "http", "headers": headers, "query_string": b""}))


async def test_what_a_page_asks_for_is_done_once() -> None:
    async with served() as at:
        at.show([scene("hold")])
        async with websockets.connect(stream(at)) as page:
            await page.recv()
            for sent in ("not json", '{"action":"ee"}', '{"action":"e"}', '{"action":"t","view":"main"}'):
                await page.send(sent)
            while len(at.asked) < 2:
                await asyncio.sleep(0.01)
    assert at.asked == [("e", None), ("t", "main")]


async def test_rest_asks_for_the_same() -> None:
    async with served() as at:
        assert (await ask(at, "/api/v1/session", "POST", '{"exercise":"seated-row"}'))[0] == 200
        assert (await ask(at, "/api/v1/session", "POST", '{"exercise":5}'))[0] == 422
        assert (await ask(at, "/api/v1/session", "POST", '{"nonsense":1}'))[0] == 422
        assert (await ask(at, "/api/v1/session", "POST", "x" * 5000))[0] == 413
        assert (await ask(at, "/api/v1/session", "DELETE"))[0] == 200
        Choices.model_validate_json((await ask(at, "/api/v1/choices"))[2])
    assert [what for what, _ in at.asked] == ["begin", "end"]


async def test_the_stream_begins_with_the_state_that_rest_tells() -> None:
    async with served() as at:
        at.show([scene("return")])
        told = json.loads((await ask(at, "/api/v1/state"))[2])
        async with websockets.connect(stream(at)) as page:
            first = json.loads(await page.recv())
    for message in (told, first):
        ServerMessage.model_validate(message)
        message["station"].pop("screens", None)
    assert told == first


async def test_a_page_that_sends_more_than_any_has_to_say_is_sent_away() -> None:
    async with served() as at, websockets.connect(stream(at)) as page:
        await page.send("x" * 5000)
        async with asyncio.timeout(30.0):
            await page.wait_closed()
    assert page.close_code == 1009


async def test_the_code_to_scan_is_for_those_who_are_in() -> None:
    async with served("0.0.0.0") as at:
        assert (await ask(at, "/qr.svg"))[0] == 403
        assert (await ask(at, f"/qr.svg?token={token(at, Role.WATCH)}"))[0] == 404
        assert "<svg" in (await ask(at, f"/qr.svg?token={token(at)}"))[2]


@pytest.mark.slow
async def test_a_stalled_page_costs_nobody_anything_and_is_current_at_once() -> None:
    async with served() as at:
        at.show([scene("hold")])
        stalled = await websockets.connect(stream(at), max_queue=1)
        async with websockets.connect(stream(at)) as page:
            for n in range(400):  # 5 s of samples in 2
                at.board.post("main", {"reps": n}, levels=[(100.0 + n / 80, 1.0)])
                await asyncio.sleep(0.005)
                if n % 100 == 99:
                    async with asyncio.timeout(30.0):
                        while json.loads(await page.recv())["views"]["main"]["changed"].get("reps") != n:
                            pass
        # It wakes: what waits in the pipe is read, and the last of it is of now.
        async with asyncio.timeout(30.0):
            while json.loads(await stalled.recv())["views"]["main"]["changed"].get("reps") != 399:
                pass
        await stalled.close()


@pytest.fixture
def many_files() -> Iterator[None]:
    """May open more files than Debian lets a shell: both ends of every connection are in this process."""
    resource = pytest.importorskip("resource", reason="limits as Unix has them")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
@pytest.mark.usefixtures("many_files")
async def test_a_thousand_half_open_connections_keep_nobody_out() -> None:
    async with served() as at:
        at.show([scene("hold")])
        async with websockets.connect(stream(at)) as page:
            await page.recv()
            silent = []
            for _ in range(1000):
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", at.server.port))
                silent.append(one)
            for n in range(80):
                at.board.post("main", {"reps": n})
                async with asyncio.timeout(30.0):
                    while json.loads(await page.recv())["views"]["main"]["changed"].get("reps") != n:
                        pass
                await asyncio.sleep(0.0125)
            assert (await ask(at, "/"))[0] == 200
            assert len(at.server._server.server_state.connections) <= MOST_CONNECTIONS
        async with asyncio.timeout(30.0):
            await at.server.stop()
        for one in silent:
            one.close()


def _of_a_stranger(at: Served, sent: str) -> socket.socket:
    """A connection that asked for something and then reads nothing."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    one.connect(("127.0.0.1", at.server.port))
    one.sendall(sent.replace("\n", "\r\n").encode())
    return one


@pytest.mark.slow
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param("GET /static/js/screen.js HTTP/1.1\nHost: x\n\nGET / HT", id="a second request, half"),
        pytest.param("GET /static/js/screen.js HTTP/1.1\nHost: x\n\n" * 40, id="answers unread"),
        pytest.param("POST /api/v1/session HTTP/1.1\nHost: x\nContent-Length: 4000\n\n{", id="half a body"),
        pytest.param(
            "GET /api/v1/live HTTP/1.1\nHost: x\nUpgrade: websocket\nConnection: Upgrade\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\n\n",
            id="a stream never closed",
        ),
    ],
)
async def test_strangers_who_keep_their_places_keep_nobody_out(sent: str) -> None:
    async with served("0.0.0.0") as at:
        own = token(at, Role.WATCH)
        async with websockets.connect(stream(at, f"?token={own}")) as page:
            await page.recv()
            strangers = [
                await asyncio.to_thread(_of_a_stranger, at, sent) for _ in range(MOST_CONNECTIONS + 10)
            ]
            await asyncio.sleep(0.3)  # every one has been heard
            assert (await ask(at, f"/api/v1/state?token={own}"))[0] == 200
            assert len(at.server._server.server_state.connections) <= MOST_CONNECTIONS
            at.board.post("station", {"message": "still here"})
            async with asyncio.timeout(30.0):
                while "still here" not in await page.recv():
                    pass
        for one in strangers:
            one.close()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param(b"\x81\x05hello", 1002, id="unmasked"),
        pytest.param(b"\x81\x82\x00\x00\x00\x00\xff\xfe", 1007, id="no UTF-8"),
        pytest.param(b"\xf1\x80\x00\x00\x00\x00", 1002, id="reserved bits"),
    ],
)
async def test_a_broken_stream_gets_a_close_frame_and_nothing_after_it(frame: bytes, code: int) -> None:
    async with served() as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port)
        writer.write(
            f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{at.server.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(frame)
        frames: list[tuple[int, bytes]] = []
        async with asyncio.timeout(30.0):
            while (found := await _frame(reader)) is not None:
                frames.append(found)
                at.board.post("station", {"message": f"{len(frames)}"})
        writer.close()
    *before, (kind, content) = frames
    assert (kind, int.from_bytes(content[:2], "big")) == (0x88, code)
    assert {kind for kind, _ in before} <= {0x81}


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes] | None:
    """The first byte of a frame of the server's, and its content; None at the end."""
    try:
        kind, size = await reader.readexactly(2)
        if size >= 126:
            size = int.from_bytes(await reader.readexactly({126: 2, 127: 8}[size]), "big")
        return kind, await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def test_a_connection_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bandsense.web.server.HEADER_S", 0.3)
    async with served() as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: ")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            async with asyncio.timeout(30.0):
                assert await reader.readexactly(1)
        writer.close()


async def test_a_port_that_is_taken_is_told() -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(ConfigError, match="is in use; choose another one with --port"):
        PageServer(_no_app(), "127.0.0.1", taken.getsockname()[1])


async def test_a_certificate_that_is_none_is_told(tmp_path: Any) -> None:
    (tmp_path / "c.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="certificate"):
        PageServer(_no_app(), "127.0.0.1", 0, Certificate(tmp_path / "c.pem", tmp_path / "c.pem"))


def _no_app() -> Any:
    return Starlette()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_address_that_is_told_leads_here_from_elsewhere(host: str) -> None:
    told = urlsplit(Access(host).address(8321))
    assert told.hostname not in (None, "", "0.0.0.0", "::")
    assert re.fullmatch(r"token=[\w-]{20,}", told.query)


def test_an_address_of_ones_own_choice_is_told_as_it_is() -> None:
    assert Access("127.0.0.1").address(80) == "http://127.0.0.1:80/"
    assert Access("fe80::1", secure=True).address(80).startswith("https://[fe80::1]:80/?token=")


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    with pytest.raises(MissingExtra, match=r"bandsense\[web\]"):
        require_server()
