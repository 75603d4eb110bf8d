"""The pages, the REST interface and the stream, as one Starlette application.

`create_app` is the factory; further pages (history, reports) are routes that are given to it, and are
guarded as its own are: `Guard` stands before everything, files apart that hold nothing of a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from bandsense.errors import BandsenseError
from bandsense.exercises.model import faults_in
from bandsense.language import Message, language, mark, message_of, said, speaking, tr
from bandsense.web.access import COOKIE, HEADERS, Access, Role
from bandsense.web.board import PROTOCOL, Board
from bandsense.web.reading import language_of, page_language

if TYPE_CHECKING:
    from pydantic import BaseModel
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send
    from starlette.websockets import WebSocket

__all__ = ["API", "Guard", "Hosted", "create_app", "static_file"]

API = f"/api/v{PROTOCOL}"

REFUSED = 4403
"""Close codes of a WebSocket, from the range for applications (RFC 6455, 7.4.2)."""
REVOKED = 4401

MOST_FRAMES_PER_S = 60.0
"""More than a screen draws is never sent to one page."""

MOST_BODY = 4096
COOKIE_S = 365 * 24 * 3600

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


@dataclass(slots=True)
class Hosted:
    """What the application reaches behind it; each runs in the session's thread, whatever thread asks.

    Attributes:
        board: what pages show.
        access: who may.
        choices: what there is to choose from.
        begin, end, look, blink, pair: of the station, with the models of `bandsense.web.models`.
        act: an action by its key, of one view or of all.
    """

    board: Board
    access: Access
    choices: Callable[[], Awaitable[dict[str, Any]]]
    begin: Callable[[Any], Awaitable[None]]
    end: Callable[[], Awaitable[None]]
    look: Callable[[Any], Awaitable[None]]
    blink: Callable[[Any], Awaitable[None]]
    pair: Callable[[Any], Awaitable[None]]
    act: Callable[[str, str | None], None]
    port: Callable[[], int]


def create_app(hosted: Hosted, routes: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the application.

    Args:
        hosted: what it serves.
        routes: further pages, guarded as the others are.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Route, WebSocketRoute

    api = _Interface(hosted)
    return Starlette(
        routes=[
            Route("/", _entrance(hosted.access)),
            Route("/static/{path:path}", _static),
            Route("/sw.js", _worker),
            Route("/manifest.webmanifest", _manifest),
            Route("/texts.json", page_language),
            Route("/favicon.ico", _icon),
            Route("/qr.svg", api.qr),
            Route(f"{API}/openapi.json", api.openapi),
            Route(f"{API}/state", api.state),
            Route(f"{API}/choices", api.choices),
            Route(f"{API}/links", api.links),
            Route(f"{API}/links", api.revoke, methods=["DELETE"]),
            Route(f"{API}/session", api.begin, methods=["POST"]),
            Route(f"{API}/session", api.end, methods=["DELETE"]),
            Route(f"{API}/actions", api.act, methods=["POST"]),
            Route(f"{API}/sensors/look", api.look, methods=["POST"]),
            Route(f"{API}/sensors/blink", api.blink, methods=["POST"]),
            Route(f"{API}/sensors/pair", api.pair, methods=["POST"]),
            WebSocketRoute(f"{API}/live", api.live),
            *routes,
        ],
        middleware=[Middleware(Guard, access=hosted.access)],
        exception_handlers={404: _nowhere},
    )


class Guard:
    """Stands before every request: who may see it, who may act, and by which policy an answer is read."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)  # a browser is told why only after the handshake
            return
        from starlette.requests import Request

        request = Request(scope)
        refusal = self._refusal(request)
        if refusal is not None:
            await _with_headers(refusal, scope, receive, send)
            return
        await _with_headers(self._app, scope, receive, send)

    def _refusal(self, request: Request) -> ASGIApp | None:
        role = self._access.role(request)
        if request.method not in ("GET", "HEAD"):
            if role is Role.TRAIN and self._access.same_origin(request):
                return None
            why = Message("open the address that bandsense shows")
            if role is Role.WATCH:
                why = Message("this link may only watch")
            return _error(request, why, 403)
        if _public(request.url.path):
            return None
        if role is not Role.NOTHING and self._access.same_origin(request):
            return None
        if request.url.path.startswith("/api/"):
            return _error(request, Message("open the address that bandsense shows, with its token"), 403)
        title = mark("Open it by its code")
        words = mark(
            "This page needs the address with its token: scan the code that bandsense shows in the terminal, "
            "or on the page of a device that is in."
        )
        return _told(request, title, words, 403)


def _error(request: Request, why: str, status: int) -> Response:
    """Answer with what went wrong, in the language of whoever asked."""
    from starlette.responses import JSONResponse

    with speaking(language_of(request)):
        return JSONResponse({"error": said(why)}, status)


def _told(request: Request, title: str, words: str, status: int, on: str = "") -> Response:
    """Answer with a page of one sentence, and where to go on, in the language of whoever asked."""
    from starlette.responses import HTMLResponse

    with speaking(language_of(request)):
        more = f'<p><a href="{on}">{tr("Train")}</a></p>' if on else ""
        page = _text("told.html").format(language=language(), title=tr(title), words=tr(words), more=more)
    return HTMLResponse(page, status)


async def _nowhere(request: Request, _missing: Exception) -> Response:
    """Answer for an address at which there is nothing."""
    if request.url.path.startswith("/api/"):
        document = f"{API}/openapi.json"
        return _error(request, Message("there is no such address; see {document}", document=document), 404)
    title = mark("There is no such page")
    return _told(request, title, mark("Check the address, or begin at the start:"), 404, on="/")


def _public(path: str) -> bool:
    """Return whether a path holds nothing of a person: what the shell of the page is made of."""
    return path.startswith("/static/") or path in _PUBLIC


_PUBLIC = ("/sw.js", "/manifest.webmanifest", "/favicon.ico", "/texts.json")


async def _with_headers(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    async def guarded(message: Any) -> None:
        if message["type"] == "http.response.start":
            told = {name.lower() for name, _ in message["headers"]}
            extra = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            if b"cache-control" not in told:
                extra.append((b"cache-control", b"no-store"))
            message["headers"] = [*message["headers"], *extra]
        await send(message)

    await app(scope, receive, guarded)


# -- files --------------------------------------------------------------------------------------------------


def _folder() -> Traversable:
    return resources.files("bandsense.web") / "static"


@cache
def _text(name: str) -> str:
    return (_folder() / name).read_text("utf-8")


def _entrance(access: Access) -> Callable[[Request], Awaitable[Response]]:
    async def entrance(request: Request) -> Response:
        """Return the page; a token in the address becomes a cookie, and leaves the address."""
        from starlette.responses import HTMLResponse, RedirectResponse

        token = request.query_params.get("token")
        if token is None:
            return HTMLResponse(_text("index.html"))
        return _remembered(RedirectResponse("/", 303), token, access)

    return entrance


def _remembered(answer: Response, token: str, access: Access) -> Response:
    """Have the browser keep a token, where no script and no other site can use it."""
    answer.set_cookie(COOKIE, token, max_age=COOKIE_S, httponly=True, samesite="strict", secure=access.secure)
    return answer


def static_file(path: str) -> Response:
    """Return a file of `static/`; 404 where there is none."""
    from starlette.responses import PlainTextResponse, Response

    found = _bytes(path)
    suffix = path[path.rfind(".") :] if "." in path else ""
    if found is None or suffix not in _TYPES:
        return PlainTextResponse("there is no such file\n", 404)
    return Response(found, media_type=_TYPES[suffix], headers={"Cache-Control": "no-cache"})


@cache
def _bytes(path: str) -> bytes | None:
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts):
        return None
    file = _folder().joinpath(*parts)
    return file.read_bytes() if file.is_file() else None


async def _static(request: Request) -> Response:
    return static_file(request.path_params["path"])


async def _worker(_request: Request) -> Response:
    return static_file("sw.js")


async def _manifest(_request: Request) -> Response:
    return static_file("manifest.webmanifest")


async def _icon(_request: Request) -> Response:
    return static_file("icons/icon-48.png")


# -- the interface for programs -----------------------------------------------------------------------------


class _Interface:
    """REST and the stream, version 1."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._sockets = 0

    async def openapi(self, _request: Request) -> Response:
        from starlette.responses import JSONResponse

        from bandsense.web.documents import openapi_document

        return JSONResponse(openapi_document())

    async def state(self, request: Request) -> Response:
        from starlette.responses import Response

        text, _ = self._hosted.board.since(-1, language_of(request))
        return Response(text, media_type="application/json")

    async def choices(self, _request: Request) -> Response:
        from starlette.responses import JSONResponse

        return JSONResponse(await self._hosted.choices())

    async def links(self, request: Request) -> Response:
        from starlette.responses import JSONResponse

        access = self._hosted.access
        if access.open or access.role(request) is not Role.TRAIN:
            return JSONResponse({"train": "", "watch": ""})
        port = self._hosted.port()
        roles = {"train": Role.TRAIN, "watch": Role.WATCH}
        return JSONResponse({name: access.address(port, role) for name, role in roles.items()})

    async def qr(self, request: Request) -> Response:
        """Return the QR code of an address for another device."""
        from starlette.responses import PlainTextResponse, Response

        access = self._hosted.access
        if access.open or access.role(request) is not Role.TRAIN:
            return PlainTextResponse("this server is for this computer alone\n", 404)
        role = Role.WATCH if request.query_params.get("for") == "watch" else Role.TRAIN
        return Response(qr_svg(access.address(self._hosted.port(), role)), media_type="image/svg+xml")

    async def revoke(self, _request: Request) -> Response:
        from starlette.responses import JSONResponse

        access = self._hosted.access
        access.revoke()
        if access.open:
            return JSONResponse({})
        # Whoever asked stays in: the new address is theirs to show.
        address = access.address(self._hosted.port(), Role.TRAIN)
        token = access.query(Role.TRAIN).partition("=")[2]
        return _remembered(JSONResponse({"train": address}), token, access)

    async def begin(self, request: Request) -> Response:
        from bandsense.web.models import ChoiceRequest

        return await self._asked(request, ChoiceRequest, self._hosted.begin)

    async def end(self, _request: Request) -> Response:
        from starlette.responses import JSONResponse

        await self._hosted.end()
        return JSONResponse({})

    async def look(self, request: Request) -> Response:
        from bandsense.web.models import Look

        return await self._asked(request, Look, self._hosted.look)

    async def blink(self, request: Request) -> Response:
        from bandsense.web.models import Blink

        return await self._asked(request, Blink, self._hosted.blink)

    async def pair(self, request: Request) -> Response:
        from bandsense.web.models import PairRequest

        return await self._asked(request, PairRequest, self._hosted.pair)

    async def act(self, request: Request) -> Response:
        from bandsense.web.models import ActionRequest

        async def act(asked: ActionRequest) -> None:
            self._hosted.act(asked.action, asked.view)

        return await self._asked(request, ActionRequest, act)

    async def _asked(
        self, request: Request, model: type[BaseModel], do: Callable[[Any], Awaitable[None]]
    ) -> Response:
        """Read what is asked, do it, and answer with what went wrong where something did."""
        from pydantic import ValidationError
        from starlette.responses import JSONResponse

        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BODY:
                return _error(request, Message("the request is too large"), 413)
        try:
            await do(model.model_validate_json(body or b"{}"))
        except ValidationError as error:
            return _error(request, faults_in(error), 422)
        except BandsenseError as error:
            return _error(request, message_of(error), 409)
        return JSONResponse({})

    # -- the stream --------------------------------------------------------------------------------------

    async def live(self, page: WebSocket) -> None:
        """Send what is new for as long as the page is open, and do what it asks."""
        access = self._hosted.access
        await page.accept()
        role = access.role(page)
        if role is Role.NOTHING or not access.same_origin(page):
            await page.close(REFUSED)
            return
        loop = asyncio.get_running_loop()
        revoked = asyncio.Event()
        forget = access.on_revoke(partial(_set, loop, revoked))
        self._count(+1)
        sending = asyncio.create_task(self._send(page))
        closing = asyncio.create_task(_close_when(revoked, page))
        try:
            while True:
                message = await page.receive()
                if message["type"] == "websocket.disconnect":
                    return
                self._heard(message.get("text") or "", role)  # bytes say nothing here
        finally:
            forget()
            sending.cancel()
            closing.cancel()
            self._count(-1)

    def _count(self, by: int) -> None:
        self._sockets += by
        self._hosted.board.post("station", {"screens": self._sockets})

    def _heard(self, text: str, role: Role) -> None:
        from pydantic import ValidationError

        from bandsense.web.models import ClientMessage

        if role is not Role.TRAIN:
            return
        try:
            asked = ClientMessage.model_validate_json(text)
        except ValidationError:
            return
        self._hosted.act(asked.action, asked.view)

    async def _send(self, page: WebSocket) -> None:
        """Send what is new since the last message, at most as often as a screen draws.

        A page that does not read holds up only its own task; when it reads again, the next message has all
        that it missed.
        """
        loop = asyncio.get_running_loop()
        wake = asyncio.Event()
        end = self._hosted.board.listen(partial(_set, loop, wake))
        position, code = -1, language_of(page)
        try:
            while True:
                text, position = self._hosted.board.since(position, code)
                if text:
                    await page.send_text(text)
                    await asyncio.sleep(1.0 / MOST_FRAMES_PER_S)
                else:
                    await wake.wait()
                    wake.clear()
        finally:
            end()


def _set(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    """Set an event of another thread's loop; one that has ended has nobody left to wake."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(event.set)


async def _close_when(revoked: asyncio.Event, page: WebSocket) -> None:
    await revoked.wait()
    await page.close(REVOKED)


def qr_svg(address: str) -> bytes:
    """Return the QR code of an address, dark on light as readers want it."""
    import io

    import segno

    drawn = io.BytesIO()
    segno.make(address, error="m").save(
        drawn, kind="svg", scale=8, border=4, dark="#0c1115", light="#ffffff", xmldecl=False
    )
    return drawn.getvalue()
