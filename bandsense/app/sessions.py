"""Sessions as people name them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from bandsense.errors import StoreError
from bandsense.language import Message, did_you_mean

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
        meant = Message("give its number or `last`")
        if near := get_close_matches(name, ["last"]):
            meant = did_you_mean(near)
        raise StoreError(
            Message(
                "{name!r} is not a session; {meant} (`bandsense sessions` lists them)", name=name, meant=meant
            )
        )
    return store.session(int(name))


def require_ended(session: Session) -> None:
    """Check that nothing records a session any more.

    Raises:
        StoreError: something does.
    """
    from bandsense.store.model import SessionState

    if session.state is SessionState.OPEN:
        raise StoreError(Message("session {session} is being recorded; end it first", session=session.id))


def meant_instead(store: Store, **named: str | None) -> Message | None:
    """Ask which was meant where no session has a person, exercise or band of that name.

    Args:
        store: whose sessions are looked at.
        named: what was looked for, by `person`, `exercise` and `band`; None for any.
    """
    for what, name in named.items():
        known = {str(getattr(session, what)) for session in store.sessions()} - {"None"}
        if name is None or name in known or not known:
            continue
        if near := get_close_matches(name, known, n=2):
            return did_you_mean(near)
        told = ", ".join(sorted(known))
        return Message("nothing is stored of {name!r}, only of: {told}", name=name, told=told)
    return None
