"""Who may see the pages, and who may act.

On a loopback address only this computer reaches the server, and only requests for a loopback name count: a
page of the internet whose name was made to point here does not. Every account of this computer reaches it,
unless a token is asked for here too. Opened to the network (`--lan`), every
device needs a token: it comes in the address of the QR code, once, and stays as a cookie that no other site
can use. There are two tokens: one to train with, one to watch. They are kept in a file that only its owner
can read, so that a screen on the wall is let in again after a restart. Revoking makes new ones, and closes
what is open.

Every answer carries a policy by which a page loads nothing from elsewhere and is framed nowhere.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import logging
import secrets
import socket
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bandsense.files import private_folder, write_json_file

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import HTTPConnection

__all__ = ["COOKIE", "HEADERS", "Access", "Role", "is_loopback", "own_address"]

logger = logging.getLogger(__name__)

COOKIE = "bandsense"
TOKEN_BYTES = 16

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "same-origin",  # with less, a browser tells the server no origin of a form
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Role(IntEnum):
    """What someone may do."""

    NOTHING = 0
    WATCH = 1
    TRAIN = 2


@dataclass(slots=True)
class _Tokens:
    train: str
    watch: str

    @classmethod
    def fresh(cls) -> _Tokens:
        return cls(secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES))

    @classmethod
    def read(cls, path: Path) -> _Tokens | None:
        """Return what was kept; None where nothing was, or it is too short to be a token of ours."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            tokens = [str(kept[name]) for name in ("train", "watch")]
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return cls(*tokens) if min(map(len, tokens)) >= TOKEN_BYTES and len(set(tokens)) == 2 else None

    def write(self, path: Path) -> None:
        """Keep them, for their owner alone."""
        try:
            private_folder(path.parent)
            write_json_file(path, {"train": self.train, "watch": self.watch})
        except OSError:  # they hold until the server ends
            logger.warning("the tokens of the page cannot be kept", exc_info=True)


class Access:
    """Decides for each request.

    Args:
        host: address that is listened on; any but a loopback address asks for a token.
        names: further names of this server, as in an address that a person made for it.
        secure: it is reached by https.
        token: ask for a token on a loopback address too.
        kept: the file that tokens are kept in, for this server and others; None for tokens of this run.
    """

    def __init__(
        self,
        host: str,
        *,
        names: Iterable[str] = (),
        secure: bool = False,
        token: bool = False,
        kept: Path | None = None,
    ) -> None:
        self.open = is_loopback(host) and not token
        self.secure = secure
        self._host = host
        own = socket.gethostname().casefold()
        self._names = {own, f"{own}.local", *(name.casefold() for name in names)}
        self._kept = None if self.open else kept
        self._tokens = _Tokens.fresh()
        if self._kept is not None:
            if (tokens := _Tokens.read(self._kept)) is not None:
                self._tokens = tokens
            else:
                self._tokens.write(self._kept)
        self._revoked: list[Callable[[], None]] = []

    def role(self, connection: HTTPConnection) -> Role:
        """Return what whoever sent this may do."""
        if not self._host_is_ours(connection.headers.get("host", "")):
            return Role.NOTHING
        if self.open:
            return Role.TRAIN
        self._follow()
        return max(map(self._role_of, _shown_tokens(connection)), default=Role.NOTHING)

    def _follow(self) -> None:
        """Heed that another server, which shares the file, has revoked the tokens."""
        now = None if self._kept is None else _Tokens.read(self._kept)
        if now is not None and now != self._tokens:
            self._change(now)

    def knows(self, scope: MutableMapping[str, Any]) -> bool:
        """Return whether whoever sent a request, given as ASGI's scope, may see anything."""
        from starlette.requests import HTTPConnection

        return self.role(HTTPConnection(scope)) is not Role.NOTHING

    def _role_of(self, token: str) -> Role:
        for role, own in ((Role.TRAIN, self._tokens.train), (Role.WATCH, self._tokens.watch)):
            if hmac.compare_digest(token.encode(), own.encode()):
                return role
        return Role.NOTHING

    def same_origin(self, connection: HTTPConnection) -> bool:
        """Return whether the page that sent this is ours; programs send no origin."""
        origin = connection.headers.get("origin")
        return origin is None or origin.partition("://")[2] == connection.headers.get("host")

    def _host_is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").casefold()
        except ValueError:  # brackets around what is no address
            return False
        if self.open:
            return is_loopback(name)
        return name in self._names or name == "localhost" or _is_address(name)

    def query(self, role: Role) -> str:
        """Return what an address needs at its end to give this role."""
        if self.open:
            return ""
        return f"?token={self._tokens.train if role is Role.TRAIN else self._tokens.watch}"

    def revoke(self) -> None:
        """Make new tokens: whoever had the old ones is out, at once."""
        fresh = _Tokens.fresh()
        if self._kept is not None:
            fresh.write(self._kept)
        self._change(fresh)

    def _change(self, tokens: _Tokens) -> None:
        self._tokens = tokens
        for close in tuple(self._revoked):
            close()

    def on_revoke(self, close: Callable[[], None]) -> Callable[[], None]:
        """Have `close` called when tokens are revoked; returns what ends that."""
        self._revoked.append(close)
        return lambda: self._revoked.remove(close)

    def address(self, port: int, role: Role = Role.TRAIN) -> str:
        """Return the page's address as another device can open it, with its token where one is needed."""
        host = own_address(self._host)
        host = f"[{host}]" if ":" in host else host
        return f"http{'s' if self.secure else ''}://{host}:{port}/{self.query(role)}"


def _shown_tokens(connection: HTTPConnection) -> list[str]:
    """Return the tokens of a request: in its address, its cookie, or as programs send them."""
    kind, _, bearer = connection.headers.get("authorization", "").partition(" ")
    shown = [connection.query_params.get("token"), connection.cookies.get(COOKIE)]
    return [token for token in (*shown, bearer if kind.casefold() == "bearer" else None) if token]


def own_address(host: str) -> str:
    """Return the address itself; for one that means all of this computer's, the one that others reach."""
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


def is_loopback(host: str) -> bool:
    """Return whether a host means this computer alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
