"""Sessions as people name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bandsense.errors import StoreError
from bandsense.store.model import SessionState

if TYPE_CHECKING:
    from bandsense.store.model import Session
    from bandsense.store.store import Store

__all__ = ["require_ended", "session_named"]


def session_named(store: Store, name: str) -> Session:
    """Return the session that a person named: a number, or `last`.

    Raises:
        StoreError: there is none, or it is no name of a session.
    """
    if name == "last":
        return store.session("last")
    if not name.isdecimal():
        raise StoreError(
            f"{name!r} is no session; give its number or `last` (`bandsense sessions` lists them)"
        )
    return store.session(int(name))


def require_ended(session: Session) -> None:
    """Check that nothing records a session any more.

    Raises:
        StoreError: something does.
    """
    if session.state is SessionState.OPEN:
        raise StoreError(f"session {session.id} is being recorded; end it first")
