"""What is said of a set when its session is over, and what was said of all sets, without following them."""

from __future__ import annotations

from bandsense.errors import ConfigError
from bandsense.store.model import Session, Stream
from bandsense.store.store import Store
from bandsense.workout.feedback import Feedback
from bandsense.workout.inputs import SetFeedback, input_data, input_from, input_name

__all__ = ["feedback_of", "rate"]


def feedback_of(store: Store, stream: Stream) -> dict[int, Feedback]:
    """Read what was said of each set of a stream, by its number, during the session or after it."""
    said: dict[int, Feedback] = {}
    for each in store.inputs(stream):
        if each.kind != "feedback":
            continue
        value = input_from(each.kind, each.data)
        if isinstance(value, SetFeedback) and value.number is not None:
            said[value.number] = said.get(value.number, Feedback()).revised(value.said)
    return said


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
        StoreError: it cannot be written.
    """
    if not said:
        raise ConfigError("say something: --effort, --pain or --note")
    sets = max((len(store.sets(stream)) for stream in session.streams), default=0)
    about = sets if number is None else number
    if not 1 <= about <= sets:
        raise ConfigError(f"session {session.id} has {sets} finished sets; there is no set {about}")
    value = SetFeedback(said, about)
    for stream in session.streams:
        store.add_input(stream, input_name(value), input_data(value))
    return about, feedback_of(store, session.streams[0])[about]
