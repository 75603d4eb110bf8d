"""The live view as a web page: for a phone or tablet beside the mat (extra `web`).

The page is served to this computer alone unless told otherwise; then whoever opens it needs the token of its
address. The page shows the latest state and may miss what was between, as every view may.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bandsense.errors import ConfigError, MissingExtra
from bandsense.exercises.model import Side
from bandsense.live.actions import Action
from bandsense.live.state import ViewState

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import HTTPConnection
    from starlette.responses import Response
    from starlette.websockets import WebSocket

__all__ = ["Panel", "WebView", "require_server"]

FRAMES_PER_S = 20.0
CLOSE_S = 2.0
"""How long pages have to hear that the session is over."""

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'"
_POLICY += "; frame-src 'self'; frame-ancestors 'self'"
_HEADERS = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_BESIDE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>bandsense</title>
<style>body {{ margin: 0; display: flex; flex-wrap: wrap; height: 100vh; }}
iframe {{ border: 0; flex: 1 1 320px; height: 100%; min-height: 50vh; }}</style>
{frames}</html>
"""
_TOKEN_BYTES = 16
_REFUSED = 4403
"""Close code of a WebSocket, from the range for applications (RFC 6455, 7.4.2)."""


def require_server() -> None:
    """Do nothing where the page can be served.

    Raises:
        MissingExtra: Starlette or uvicorn is not installed.
    """
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
        import websockets  # noqa: F401
    except ImportError as error:
        raise MissingExtra("the live view in a browser", "web") from error


@dataclass(frozen=True, slots=True)
class Panel:
    """One sensor's view: what is shown, and what can be asked of this sensor's stream, by key."""

    state: ViewState
    actions: Mapping[str, Action] = field(default_factory=dict)


class WebView:
    """Serves the live view until cancelled: of one sensor, or of two beside each other.

    Args:
        panels: by side; one under None where there is one sensor.
        host: address to listen on; any but a loopback address opens the page to the network.
        port: 0 for any free one.

    Raises:
        MissingExtra: Starlette or uvicorn is not installed.
    """

    def __init__(
        self,
        panels: Mapping[Side | None, Panel],
        *,
        host: str = "127.0.0.1",
        port: int = 8321,
    ) -> None:
        require_server()
        self._panels = dict(panels)
        self._host = host
        self._port = port
        self._token = None if _is_loopback(host) else secrets.token_urlsafe(_TOKEN_BYTES)

    async def run(self, on_ready: Callable[[str], None]) -> None:
        """Serve; `on_ready` is called with the page's address.

        Raises:
            ConfigError: the port is taken, or the address is not one of this computer.
        """
        import uvicorn

        with self._listening() as listener:
            config = uvicorn.Config(self.app(), log_level="critical", lifespan="off", ws="websockets-sansio")
            server = _server_class()(config)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            on_ready(self.address(listener.getsockname()[1]))
            try:
                await asyncio.shield(serving)
            finally:
                server.should_exit = True
                await asyncio.wait({serving}, timeout=CLOSE_S)
                serving.cancel()

    def _listening(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            return socket.create_server((self._host, self._port), family=family)
        except OSError as error:
            raise ConfigError(
                f"{self._host}:{self._port} cannot be listened on ({error.strerror}); choose another port"
            ) from error

    def address(self, port: int) -> str:
        """Return the page's address as another device can open it, with its token where one is needed."""
        host = _own_address(self._host)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{port}/" + (f"?token={self._token}" if self._token else "")

    def app(self) -> Starlette:
        """Return the page and its WebSocket; with two sensors a page for each side, and one with both."""
        from starlette.applications import Starlette
        from starlette.routing import BaseRoute, Route, WebSocketRoute

        if None in self._panels:
            one = partial(self._live, self._panels[None])
            return Starlette(routes=[Route("/", self._page), WebSocketRoute("/live", one)])
        routes: list[BaseRoute] = [Route("/", self._beside)]
        for side, panel in self._panels.items():
            routes.append(Route(f"/{side}/", self._page))
            routes.append(WebSocketRoute(f"/{side}/live", partial(self._live, panel)))
        return Starlette(routes=routes)

    async def _page(self, request: HTTPConnection) -> Response:
        return self._html(request, (resources.files("bandsense.live") / "page.html").read_text("utf-8"))

    async def _beside(self, request: HTTPConnection) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        frames = "".join(
            f'<iframe src="/{side}/{escape(query, quote=True)}" title="{side} sensor"></iframe>'
            for side in self._panels
        )
        return self._html(request, _BESIDE.format(frames=frames))

    def _html(self, request: HTTPConnection, html: str) -> Response:
        from starlette.responses import HTMLResponse, PlainTextResponse

        if not self._may(request):
            return PlainTextResponse("open the address that bandsense printed, with its token\n", 403)
        return HTMLResponse(html, headers=_HEADERS)

    async def _live(self, panel: Panel, page: WebSocket) -> None:
        from starlette.websockets import WebSocketDisconnect

        await page.accept()
        if not (self._may(page) and _same_origin(page)):
            await page.close(_REFUSED)
            return
        sending = asyncio.create_task(self._send(panel, page))
        try:
            while True:
                action = panel.actions.get(await page.receive_text())
                if action is not None:
                    action.run()
        except WebSocketDisconnect:
            return
        finally:
            sending.cancel()

    async def _send(self, panel: Panel, page: WebSocket) -> None:
        extra: dict[str, Any] = {
            "actions": {
                key: {"label": action.label, "question": action.question}
                for key, action in panel.actions.items()
            }
        }
        last_s = float("-inf")
        while True:
            levels = [point for point in panel.state.trace if point[0] > last_s]
            last_s = levels[-1][0] if levels else last_s
            await page.send_json({"state": panel.state.snapshot(), "levels": levels, **extra})
            extra = {}
            await asyncio.sleep(1.0 / FRAMES_PER_S)

    def _may(self, connection: HTTPConnection) -> bool:
        """Return whether this client may see the page.

        On a loopback address only requests for a loopback name count: a page of the internet whose name was
        made to point here does not.
        """
        if self._token is None:
            return _is_loopback(urlsplit(f"//{connection.headers.get('host', '')}").hostname or "")
        return hmac.compare_digest(connection.query_params.get("token", "").encode(), self._token.encode())


def _server_class() -> type[Any]:
    import uvicorn

    class Server(uvicorn.Server):
        """A server that leaves signals to the program it is part of."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Server


def _own_address(host: str) -> str:
    """Return the address; for one that means all of this computer's, the one that others reach it by."""
    try:
        if not ipaddress.ip_address(host).is_unspecified:
            return host
    except ValueError:
        return host
    family, anywhere = (socket.AF_INET6, "2001:db8::1") if ":" in host else (socket.AF_INET, "192.0.2.1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((anywhere, 9))  # chooses a route and sends nothing
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _same_origin(page: WebSocket) -> bool:
    """Return whether the page that opened this socket is ours; programs send no origin."""
    origin = page.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == page.headers.get("host")
