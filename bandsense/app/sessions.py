"""Sessions as people name them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from bandsense.errors import StoreError

if TYPE_CHECKING:
    from bandsense.store.model import Session
    from bandsense.store.store import Store

__all__ = ["meant_instead", "require_ended", "session_named"]


def session_named(store: Store, name: str) -> Session:
    """Return the session that a person named: a number, or `last`.

    Raises:
        StoreError: there is none, or it is no name of a session.
    """
    if name == "last":
        return store.session("last")
    if not name.isdecimal():
        meant = "did you mean last?" if get_close_matches(name, ["last"]) else "give its number or `last`"
        raise StoreError(f"{name!r} is no session; {meant} (`bandsense sessions` lists them)")
    return store.session(int(name))


def require_ended(session: Session) -> None:
    """Check that nothing records a session any more.

    Raises:
        StoreError: something does.
    """
    from bandsense.store.model import SessionState

    if session.state is SessionState.OPEN:
        raise StoreError(f"session {session.id} is being recorded; end it first")


def meant_instead(store: Store, **named: str | None) -> str:
    """Return what was probably meant where no session has a person, exercise or band of that name.

    Args:
        store: whose sessions are looked at.
        named: what was looked for, by `person`, `exercise` and `band`; None for any.
    """
    for what, name in named.items():
        known = {str(getattr(session, what)) for session in store.sessions()} - {"None"}
        if name is not None and name not in known and (near := get_close_matches(name, known, n=2)):
            return f"; did you mean {' or '.join(near)}?"
    return ""
