"""What a person may ask for while training, from the keyboard or a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bandsense.language import said

__all__ = ["Action", "Actions", "hint", "listed", "together"]


@dataclass(frozen=True, slots=True)
class Action:
    """Something to ask for.

    Attributes:
        label: what it is called, a `Message`; the first word is enough where there is little room.
        run: what then happens; returns at once.
        question: what is asked before it is done, a `Message`, for what cannot be taken back; empty: it is
            done at once.
        write: what takes a line of text that the person writes, in place of `run`; None for most.
    """

    label: str
    run: Callable[[], None]
    question: str = ""
    write: Callable[[str], None] | None = None


Actions = Mapping[str, Action]
"""By the key that asks for it."""


def hint(actions: Actions, width: int | None = None) -> str:
    """Put all of them in one line of at most `width` characters, if need be with one word for each."""
    full = [f"{key} {said(action.label)}" for key, action in actions.items()]
    short = [f"{key} {said(action.label).split()[0]}" for key, action in actions.items()]
    lines = (" · ".join(full), " · ".join(short), " ".join(short), " ".join(actions))
    return next((line for line in lines if width is None or len(line) <= width), "")


def listed(actions: Actions) -> list[tuple[str, str]]:
    """List the keys with what they are for; keys for the same, such as scores, stand together."""
    keys_of: dict[str, list[str]] = {}
    for key, action in actions.items():
        keys_of.setdefault(said(action.label), []).append("Enter" if key in "\r\n" else key)
    rows = []
    for label, keys in keys_of.items():
        keys = list(dict.fromkeys(keys))
        rows.append((keys[0] if len(keys) == 1 else f"{keys[0]}-{keys[-1]}", label))
    return rows


def together(asked: Sequence[Actions]) -> Actions:
    """Merge the keys of several streams: a key asks all of them, and its question is asked once."""
    if len(asked) == 1:
        return asked[0]

    def all_of(key: str) -> Callable[[], None]:
        def run() -> None:
            for actions in asked:
                actions[key].run()

        return run

    def write_to_all(key: str) -> Callable[[str], None] | None:
        writers = [actions[key].write for actions in asked]

        def write(text: str) -> None:
            for each in writers:
                if each is not None:
                    each(text)

        return write if any(writers) else None

    return {
        key: replace(action, run=all_of(key), write=write_to_all(key)) for key, action in asked[0].items()
    }
