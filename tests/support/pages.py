"""The pages, served for tests from a board that a test writes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bandsense.store.store import Store
from bandsense.web.access import Access
from bandsense.web.application import Guard, Hosted, create_app, static_file
from bandsense.web.board import Board
from bandsense.web.history import history_routes
from bandsense.web.page_view import view_name
from bandsense.web.server import Certificate, PageServer
from tests.support.scenes import Scene

__all__ = ["Served", "served", "served_history"]

ACTIONS = {
    "e": "end set",
    "+": "more rest",
    "s": "start now",
    "t": "tare",
    "u": "undo",
    "a": "add",
    "y": "yes",
    "n": "no",
    "q": "quit",
}
CHOICES = {
    "people": [{"id": "me", "name": "Me"}],
    "exercises": [
        {"id": "seated-row", "name": "Seated row", "sides": "both"},
        {"id": "bent-over-row", "name": "Bent-over row", "sides": "paired"},
    ],
    "bands": [],
    "sensors": [],
    "last": {"person": "me", "exercise": "seated-row", "band": None},
    "simulator": True,
}


@dataclass
class Served:
    """A running server: its board, where it is, and what pages asked of it."""

    board: Board
    access: Access
    server: PageServer
    asked: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.access.address(self.server.port)

    def show(self, scenes: Iterable[Scene], phase: str = "training", **station: Any) -> None:
        """These scenes, as if a session had just begun."""
        shown = list(scenes)
        self.board.anew(view_name(each.state.sensor_side) for each in shown)
        for each in shown:
            each._told = 0
            each.post(self.board)
        # Last: a page that knows the station knows the views, although the server reads in another thread.
        self.board.post("station", {"phase": phase, "actions": ACTIONS, "error": None, **station})


@asynccontextmanager
async def served(
    host: str = "127.0.0.1", port: int = 0, certificate: Certificate | None = None, **options: Any
) -> AsyncIterator[Served]:
    """A server with nothing behind it but a board."""
    board, access = Board(), Access(host, **options)
    asked: list[tuple[str, Any]] = []

    def noting(what: str) -> Any:
        async def note(value: Any = None) -> None:
            asked.append((what, value))

        return note

    async def choices() -> dict[str, Any]:
        return CHOICES

    hosted = Hosted(
        board=board,
        access=access,
        choices=choices,
        begin=noting("begin"),
        end=noting("end"),
        look=noting("look"),
        blink=noting("blink"),
        pair=noting("pair"),
        act=lambda key, view: asked.append((key, view)),
        port=lambda: server.port,
    )
    server = PageServer(create_app(hosted), host, port, certificate, known=access.knows)
    server.start()
    board.post("station", {"phase": "idle", "error": None, "message": "", "sensors": []})
    try:
        yield Served(board, access, server, asked)
    finally:
        await server.stop()
        await asyncio.sleep(0)


@contextmanager
def served_history(store: Store) -> Iterator[str]:
    """The pages of a store, without a session; gives their address."""

    async def file(request: Request) -> Response:
        return static_file(request.path_params["path"])

    access = Access("127.0.0.1")
    routes = [Route("/static/{path:path}", file), *history_routes((store, lambda: store), access)]
    app = Starlette(routes=routes, middleware=[Middleware(Guard, access=access)])
    server = PageServer(app, "127.0.0.1", 0)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    # In a thread of its own: the browser's has a loop that runs.
    ending = threading.Thread(target=lambda: asyncio.run(server.stop()))
    ending.start()
    ending.join()
