"""The station behind a server: sessions in the program's own thread, pages in the server's.

program's thread: station ── page view ──post──▶ board ──▶ server's thread: application ── pages
                    ▲                                            │
                    └──────────── what a page asks ──────────────┘
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bandsense.app.several_views import SeveralViews
from bandsense.app.station import Choice, OpenEnvironment, Station
from bandsense.app.train import TrainingOptions
from bandsense.app.view import View
from bandsense.store.store import Store
from bandsense.web.access import Access, Role
from bandsense.web.application import Hosted, create_app
from bandsense.web.board import Board
from bandsense.web.history import history_routes
from bandsense.web.models import Blink, ChoiceRequest, Look, PairRequest
from bandsense.web.page_view import PageView
from bandsense.web.server import Certificate, PageServer

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

__all__ = ["PageHost", "terminal_qr"]

T = TypeVar("T")


class PageHost:
    """Serves the pages while its context lasts, inside a running event loop.

    Args:
        stores: the store of real sessions, and what opens the one of simulated ones.
        air: where the sensors of a choice are reached.
        simulator: whether a simulated sensor can be chosen.
        host, port: where to listen; port 0 is any free one.
        names: further names of this server.
        certificate: for https.
        token: ask for a token on this computer too.
        links: the file that the tokens of the page's addresses are kept in.
        views: besides the page, such as a terminal.
        options: what every session is to have besides what is chosen.
        routes: further pages.

    Raises:
        ConfigError: the address cannot be listened on.
        MissingExtra: what serves pages is not installed.
    """

    def __init__(
        self,
        stores: tuple[Store, Callable[[], Store]],
        air: OpenEnvironment,
        *,
        simulator: bool = False,
        host: str = "127.0.0.1",
        port: int = 8321,
        names: Sequence[str] = (),
        certificate: Certificate | None = None,
        token: bool = False,
        links: Path | None = None,
        views: Sequence[View] = (),
        options: TrainingOptions | None = None,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        self.board = Board()
        self.access = Access(host, names=names, secure=certificate is not None, token=token, kept=links)
        self.page = PageView(self.board)
        view: View = SeveralViews([*views, self.page]) if views else self.page
        self.station = Station(stores, air, view, lambda what: self.board.post("station", what), options)
        self._simulator = simulator
        self._loop = asyncio.get_running_loop()
        pages = history_routes(stores, self.access)
        app = create_app(self._hosted(), [*pages, *routes])
        self._server = PageServer(app, host, port, certificate, known=self.access.knows)

    @property
    def address(self) -> str:
        """The page's address as another device can open it, with its token where one is needed."""
        return self.access.address(self._server.port)

    @property
    def watch_address(self) -> str:
        """The same for those who may only watch."""
        return self.access.address(self._server.port, Role.WATCH)

    async def __aenter__(self) -> PageHost:
        """Begin to serve."""
        self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the session in good order, then the server."""
        await self.station.close()
        await self._server.stop()

    # -- what pages ask, from the server's thread ------------------------------------------------------------

    def _hosted(self) -> Hosted:
        station = self.station

        async def choices() -> dict[str, Any]:
            return station.choices() | {"simulator": self._simulator}

        async def begin(asked: ChoiceRequest) -> None:
            await station.begin(Choice(**{**asked.model_dump(), "sensors": tuple(asked.sensors)}))

        async def look(asked: Look) -> None:
            await station.look(on=asked.on)

        async def blink(asked: Blink) -> None:
            await station.blink(asked.address)

        async def pair(asked: PairRequest) -> None:
            await station.pair(asked.address, asked.name or None, asked.side)

        return Hosted(
            board=self.board,
            access=self.access,
            choices=lambda: self._here(choices()),
            begin=lambda asked: self._here(begin(asked)),
            end=lambda: self._here(station.end()),
            look=lambda asked: self._here(look(asked)),
            blink=lambda asked: self._here(blink(asked)),
            pair=lambda asked: self._here(pair(asked)),
            act=lambda key, view: self._soon(self._act, key, view),
            port=lambda: self._server.port,
        )

    def _here(self, doing: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Run something in the program's thread, awaited from the server's."""
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(doing, self._loop))

    def _soon(self, do: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the program ends
            self._loop.call_soon_threadsafe(do, *arguments)

    def _act(self, key: str, view: str | None) -> None:
        for name, actions in tuple(self.page.actions.items()):
            if key in actions and view in (None, name):
                actions[key].run()
                if key == "q":  # one is enough to end the session
                    return


def terminal_qr(address: str) -> str:
    """Return the QR code of an address in half blocks, for a terminal of any colour."""
    import io

    import segno

    drawn = io.StringIO()
    segno.make(address, error="l").terminal(out=drawn, compact=True, border=2)
    return drawn.getvalue()
