from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import pytest

from bandsense.errors import ConfigError, MissingExtra
from bandsense.exercises.model import Side
from bandsense.live.actions import Action
from bandsense.live.state import ViewState
from bandsense.live.web import Panel, WebView
from bandsense.workout.events import TensionTick

websockets = pytest.importorskip("websockets", reason="pip install 'bandsense[web]'")
pytest.importorskip("uvicorn", reason="pip install 'bandsense[web]'")


@asynccontextmanager
async def served(
    state: ViewState | None = None,
    *,
    actions: Mapping[str, Action] | None = None,
    panels: Mapping[Side | None, Panel] | None = None,
    **options: Any,
) -> AsyncIterator[str]:
    """A running page; gives its address."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    one = {None: Panel(state or ViewState(), actions or {})}
    view = WebView(panels or one, port=0, **options)
    running = asyncio.create_task(view.run(ready.set_result))
    try:
        yield await asyncio.wait_for(ready, 5.0)
    finally:
        running.cancel()
        await asyncio.wait({running})


async def get(address: str, host: str | None = None) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of a plain request."""
    found = re.fullmatch(r"http://([^:]+):(\d+)(/.*)", address)
    assert found
    reader, writer = await asyncio.open_connection("127.0.0.1", int(found[2]))
    writer.write(f"GET {found[3]} HTTP/1.1\r\nHost: {host or found[1]}\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    status, *lines = head.split("\r\n")
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


def live(address: str) -> str:
    """Address of the WebSocket of a page."""
    page, mark, token = address.replace("http://", "ws://").partition("?")
    return f"{page}live{mark}{token}"


async def test_the_page_comes_with_a_policy_that_loads_nothing_from_elsewhere() -> None:
    async with served() as address:
        status, headers, body = await get(address)
    assert status == 200
    assert "<title>bandsense</title>" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    assert not re.findall(r"(?:src|href)=|https?://", body)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, #rrggbb (WCAG 2.2, definitions of contrast ratio and luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_computed_as_the_guidelines_say() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_all_text_of_the_page_can_be_read_in_light_and_dark() -> None:
    html = (resources.files("bandsense.live") / "page.html").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--(\w+): light-dark\((#\w{6}, #\w{6})\)", html))
    assert set(colours) == {"ink", "dim", "back", "bad", "pull", "hold", "return"}
    backs = colours.pop("back").split(", ")
    for pair in colours.values():
        for colour, back in zip(pair.split(", "), backs, strict=True):
            assert contrast(colour, back) >= 4.5  # WCAG 2.2, 1.4.3, level AA


async def test_the_state_and_every_level_arrive() -> None:
    state = ViewState(title="Seated row")
    received: list[list[float]] = []
    async with served(state) as address, websockets.connect(live(address)) as page:
        for n in range(40):
            state.update(TensionTick(n / 20.0, float(n), 0.5))
            if n % 10 == 9:
                message = json.loads(await page.recv())
                received += message["levels"]
        while len(received) < 40:
            message = json.loads(await page.recv())
            received += message["levels"]
    assert received == [[n / 20.0, float(n)] for n in range(40)]
    assert message["state"]["title"] == "Seated row"
    assert message["state"]["tension_n"] == 39.0


async def test_the_page_offers_the_actions_and_they_are_done() -> None:
    done: list[str] = []
    actions = {"e": Action("end set", lambda: done.append("e"))}
    async with served(actions=actions) as address, websockets.connect(live(address)) as page:
        offered = json.loads(await page.recv())["actions"]
        assert offered == {"e": {"label": "end set", "question": ""}}
        await page.send("x")
        await page.send("e")
        while not done:
            assert "actions" not in json.loads(await page.recv())
    assert done == ["e"]


async def test_two_sensors_are_beside_each_other_and_asked_each_by_itself() -> None:
    done: list[str] = []

    def panel(side: str) -> Panel:
        return Panel(ViewState(title=side), {"t": Action("tare", lambda: done.append(side))})

    async with served(panels={"left": panel("left"), "right": panel("right")}) as address:
        status, headers, body = await get(address)
        assert status == 200
        assert re.findall(r'<iframe src="([^"]+)"', body) == ["/left/", "/right/"]
        assert "frame-src 'self'" in headers["content-security-policy"]
        assert "location.pathname" in (await get(f"{address}left/"))[2]
        async with websockets.connect(live(f"{address}right/")) as page:
            assert json.loads(await page.recv())["state"]["title"] == "right"
            await page.send("t")
            while not done:
                await page.recv()
    assert done == ["right"]


async def test_two_sensors_opened_to_the_network_need_the_token_on_each_page() -> None:
    panels: dict[Side | None, Panel] = {"left": Panel(ViewState()), "right": Panel(ViewState())}
    async with served(panels=panels, host="0.0.0.0") as address:
        token = urlsplit(address).query
        here = f"http://127.0.0.1:{urlsplit(address).port}/"
        assert (await get(f"{here}left/"))[0] == 403
        assert (await get(f"{here}left/?{token}"))[0] == 200
        assert f'src="/left/?{token}"' in (await get(f"{here}?{token}"))[2]


async def test_a_name_of_the_internet_that_points_here_gets_nothing() -> None:
    async with served() as address:
        assert (await get(address, host="evil.example"))[0] == 403
        assert (await get(address, host="localhost:1234"))[0] == 200


async def test_a_page_of_another_origin_cannot_listen() -> None:
    async with served() as address, websockets.connect(live(address), origin="http://evil.example") as page:
        with pytest.raises(websockets.ConnectionClosed):
            await page.recv()
        assert page.close_code == 4403


async def test_opened_to_the_network_it_needs_the_token() -> None:
    async with served(host="0.0.0.0") as told:
        assert re.fullmatch(r"http://[\w.-]+:\d+/\?token=[\w-]{20,}", told)
        address = re.sub(r"//[\w.-]+:", "//127.0.0.1:", told)
        assert (await get(address))[0] == 200
        assert (await get(address.split("?")[0]))[0] == 403
        assert (await get(address[:-1]))[0] == 403
        async with websockets.connect(live(address)) as page:
            assert "state" in json.loads(await page.recv())
        async with websockets.connect(live(address.split("?")[0])) as page:
            with pytest.raises(websockets.ConnectionClosed):
                await page.recv()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_address_that_is_told_leads_here_from_elsewhere(host: str) -> None:
    told = urlsplit(WebView({None: Panel(ViewState())}, host=host).address(8321)).hostname
    assert told not in (None, "", "0.0.0.0", "::")


def test_an_address_of_ones_own_choice_is_told_as_it_is() -> None:
    assert WebView({None: Panel(ViewState())}, host="127.0.0.1").address(80) == "http://127.0.0.1:80/"
    assert (
        WebView({None: Panel(ViewState())}, host="fe80::1")
        .address(80)
        .startswith("http://[fe80::1]:80/?token=")
    )


async def test_the_page_hears_that_the_session_is_over() -> None:
    async with served() as address:
        page = await websockets.connect(live(address))
    await asyncio.wait_for(page.wait_closed(), 5.0)
    assert page.close_code == 1012  # the page takes this one for the end, and any other for trouble


async def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        view = WebView({None: Panel(ViewState())}, port=taken.getsockname()[1])
        with pytest.raises(ConfigError, match="choose another port"):
            await view.run(lambda _: None)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    with pytest.raises(MissingExtra, match=r"bandsense\[web\]"):
        WebView({None: Panel(ViewState())})
