"""The server's own thread, so that no page and no stranger slows a session down.

Connections are capped at `MOST_CONNECTIONS`. One that has not sent its request after `HEADER_S` is closed,
and when all places are taken, the longest open of those who have not shown that they may see anything gives
way: a thousand connections of strangers, silent, half-read or half-closed, keep nobody out. uvicorn has a
limit of its own, but counts only requests by it, and lets a silent connection wait for ever.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandsense.errors import ConfigError, MissingExtra
from bandsense.language import Message

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["Certificate", "PageServer", "require_server"]

Scope = MutableMapping[str, Any]
"""What is known of a request, as ASGI has it."""

MOST_CONNECTIONS = 64
HEADER_S = 5.0
BACKLOG = 32
CLOSE_S = 2.0
"""How long pages have to hear that the server ends."""


def require_server() -> None:
    """Do nothing where the page can be served.

    Raises:
        MissingExtra: Starlette, uvicorn or what else is needed is not installed.
    """
    try:
        import segno  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
        import websockets  # noqa: F401
    except ImportError as error:
        raise MissingExtra(Message("the page"), "web") from error


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of a certificate and its key, for https."""

    certificate: Path
    key: Path


class PageServer:
    """Serves an application in a thread of its own.

    Args:
        app: the application.
        host, port: where to listen; port 0 is any free one.
        certificate: for https.
        known: tells of a request whether who sent it may see anything; such a connection keeps its place.

    Raises:
        ConfigError: the port is taken, the address is not one of this computer, or the certificate cannot be
            read.
    """

    def __init__(
        self,
        app: Starlette,
        host: str,
        port: int,
        certificate: Certificate | None = None,
        *,
        known: Callable[[Scope], bool] = lambda _scope: False,
    ) -> None:
        import uvicorn

        require_server()
        self._listener = _listening(host, port)
        secure: dict[str, Any] = {}
        if certificate is not None:
            secure = {"ssl_certfile": str(certificate.certificate), "ssl_keyfile": str(certificate.key)}
        config = uvicorn.Config(
            app,
            http=_capped_protocol(known),
            ws="websockets-sansio",
            loop="asyncio",
            log_level="critical",
            lifespan="off",
            backlog=BACKLOG,
            server_header=False,
            timeout_keep_alive=10,
            timeout_graceful_shutdown=1,
            ws_max_size=4096,
            ws_ping_interval=10.0,
            ws_ping_timeout=10.0,
            **secure,
        )
        try:
            config.load()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            self._listener.close()
            raise ConfigError(Message("the certificate cannot be used: {error}", error=error)) from error
        self._server = _server_class()(config)
        self._thread = threading.Thread(target=self._serve, name="bandsense page", daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))

    async def stop(self) -> None:
        """End, at the latest after `CLOSE_S`."""
        self._server.should_exit = True
        await asyncio.to_thread(self._thread.join, CLOSE_S)
        self._server.force_exit = True


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                Message("port {port} is in use; choose another one with --port", port=port)
            ) from error
        why = error.strerror if error.errno is None else os.strerror(error.errno)
        raise ConfigError(
            Message(
                "bandsense cannot listen on {host}:{port} ({why}); choose another address",
                host=host,
                port=port,
                why=why,
            )
        ) from error


def _server_class() -> type[Any]:
    import uvicorn

    class Server(uvicorn.Server):
        """A server that leaves signals to the program it is part of."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Server


def _capped_protocol(known: Callable[[Scope], bool]) -> type[Any]:
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class CappedProtocol(H11Protocol):
        """HTTP, with as many connections as there are places."""

        stranger_since_s: float | None = None
        """When it came, as long as it has not shown that it may see anything; kept through an upgrade."""
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            if len(self.connections) >= MOST_CONNECTIONS and not self._make_room():
                transport.abort()
                return
            super().connection_made(transport)
            self.stranger_since_s = self.loop.time()
            self._deadline = self.loop.call_later(HEADER_S, self._too_late)

        def _make_room(self) -> bool:
            open_now: list[Any] = list(self.connections)
            strangers = [each for each in open_now if getattr(each, "stranger_since_s", None) is not None]
            longest = min(strangers, key=lambda each: each.stranger_since_s, default=None)
            if longest is None:
                return False
            longest.transport.abort()
            self.connections.discard(longest)
            return True

        def _too_late(self) -> None:
            if self.cycle is None and self.transport is not None and not self.transport.is_closing():
                self.transport.abort()

        def handle_websocket_upgrade(self, event: Any) -> None:
            self._met()
            super().handle_websocket_upgrade(event)
            stream: Any = self.transport.get_protocol()
            stream.stranger_since_s = self.stranger_since_s

        def handle_events(self) -> None:
            super().handle_events()
            if self.cycle is not None:
                self._met()

        def _met(self) -> None:
            scope: Any = self.scope
            if known(scope):
                self.stranger_since_s = None
            self._leave_in_peace()

        def _leave_in_peace(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()

        def connection_lost(self, exc: Exception | None) -> None:
            self._leave_in_peace()
            if self.transport is not None:
                super().connection_lost(exc)

    return CappedProtocol
