"""What is said of a set or a session when it is over, and what was said of all sets, without following them.

A note on a session is kept as what is said of its set 0, which no analysis looks at. Nothing that was said is
overwritten: the last word counts, and the one before it can be put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bandsense.app.sessions import require_ended
from bandsense.errors import ConfigError, StoreError
from bandsense.language import Message
from bandsense.store.model import Session, Stream
from bandsense.store.store import Store
from bandsense.workout.feedback import Feedback
from bandsense.workout.inputs import SetFeedback, input_data, input_from, input_name

__all__ = ["feedback_of", "note_session", "rate", "session_note", "undo_note"]

_WHOLE_SESSION = 0
"""Number of the set that a note on the session is about."""


def feedback_of(store: Store, stream: Stream) -> dict[int, Feedback]:
    """Read what was said of each set of a stream, by its number, during the session or after it."""
    said: dict[int, Feedback] = {}
    for number, words in _said(store, stream):
        if number != _WHOLE_SESSION:
            said[number] = said.get(number, Feedback()).revised(words)
    return said


def _said(store: Store, stream: Stream) -> Iterator[tuple[int, Feedback]]:
    for each in store.inputs(stream):
        value = input_from(each.kind, each.data) if each.kind == "feedback" else None
        if isinstance(value, SetFeedback) and value.number is not None:
            yield value.number, value.said


def _versions(store: Store, stream: Stream) -> list[str]:
    """Return what the note of a stream said, one version after the other, from none on."""
    return ["", *(said.note for number, said in _said(store, stream) if number == _WHOLE_SESSION)]


def session_note(store: Store, session: Session) -> tuple[str, bool]:
    """Return the note on a session, of merged ones all, and whether one before it can be put back."""
    versions = [_versions(store, stream) for stream in session.streams]
    last = dict.fromkeys(each[-1] for each in versions if each[-1])
    return "\n".join(last), any(len(each) > 1 for each in versions)


def note_session(store: Store, session: Session, text: str) -> None:
    """Write the note on a session in place of what it said.

    Raises:
        DataError: it is too long.
        StoreError: the session is being recorded, has no sensor's part, or cannot be written.
    """
    _keep_notes(store, session, [text.strip()])


def undo_note(store: Store, session: Session) -> None:
    """Put back the note that was there before the last change; twice puts the change back.

    Raises:
        StoreError: there is nothing to undo, or it cannot be written.
    """
    versions = [_versions(store, stream) for stream in session.streams]
    if not any(len(each) > 1 for each in versions):
        raise StoreError(Message("the note of session {session} was never changed", session=session.id))
    _keep_notes(store, session, [each[-2] if len(each) > 1 else "" for each in versions])


def _keep_notes(store: Store, session: Session, texts: Sequence[str]) -> None:
    """Keep a text for each stream, nothing for those that have none; what is so already is left."""
    require_ended(store.session(session.id))
    if not session.streams:
        raise StoreError(
            Message(
                "session {session} holds no recording that a note could be stored with", session=session.id
            )
        )
    for place, stream in enumerate(session.streams):
        value = SetFeedback(Feedback(note=texts[place] if place < len(texts) else ""), _WHOLE_SESSION)
        if value.said.note != _versions(store, stream)[-1]:
            store.add_input(stream, input_name(value), input_data(value))


def rate(store: Store, session: Session, number: int | None, said: Feedback) -> tuple[int, Feedback]:
    """Keep what is said of a set of a stored session; of two sensors both streams keep it.

    Args:
        store: where the session is.
        session: the one it is about.
        number: of the set, from 1; None for the last one.
        said: scores and note; what is not given stays.

    Returns:
        The number of the set, and all that was said of it.

    Raises:
        ConfigError: nothing is said, or there is no such set.
        StoreError: the session is being recorded, or cannot be written.
    """
    if not said:
        raise ConfigError(Message("say something: --effort, --pain or --note"))
    require_ended(store.session(session.id))
    sets = max((len(store.sets(stream)) for stream in session.streams), default=0)
    about = sets if number is None else number
    if not 1 <= about <= sets:
        raise ConfigError(
            Message(
                "session {session} has {sets} finished sets; there is no set {about}",
                session=session.id,
                sets=sets,
                about=about,
            )
        )
    value = SetFeedback(said, about)
    for stream in session.streams:
        store.add_input(stream, input_name(value), input_data(value))
    return about, feedback_of(store, session.streams[0])[about]
