"""What a person may ask for while training, from the keyboard or a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Action", "Actions", "hint"]


@dataclass(frozen=True, slots=True)
class Action:
    """Something to ask for.

    Attributes:
        label: what it is called.
        run: what then happens; returns at once.
    """

    label: str
    run: Callable[[], None]


Actions = Mapping[str, Action]
"""By the key that asks for it."""


def hint(actions: Actions) -> str:
    """All of them in one line."""
    return " · ".join(f"{key} {action.label}" for key, action in actions.items())
