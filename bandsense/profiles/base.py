"""What all profiles have in common."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "Identified",
    "Key",
    "Metres",
    "Name",
    "Newtons",
    "ProfileModel",
    "harmless",
    "require_harmless",
    "require_unique",
]

Key = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Metres = Annotated[float, Field(gt=0.0, le=10.0)]
Newtons = Annotated[float, Field(gt=0.0, le=2000.0)]


class ProfileModel(BaseModel):
    """A frozen model that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Identified(ProfileModel):
    """A profile with an identity of its own."""

    id: Key


def require_unique(keys: Iterable[str], kind: str) -> None:
    """Check that no key occurs twice.

    Raises:
        ValueError: one does; `kind` says of what.
    """
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise ValueError(f"two entries for the {kind} {key}; keep one")
        seen.add(key)


def harmless(text: str) -> str:
    """Refuse what would steer the terminal that shows it; text from elsewhere may.

    Raises:
        ValueError: it holds control characters, or ones that turn the direction of writing.
    """
    lines = text.replace("\r\n", "\n")
    if any(unicodedata.category(each) == "Cc" and each not in "\n\t" for each in lines):
        raise ValueError("it holds control characters; write it as plain text")
    if any(unicodedata.bidirectional(each) in _TURNING for each in text):
        raise ValueError("it holds characters that turn the direction of writing; write it as plain text")
    return text


_TURNING = frozenset({"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"})


def require_harmless(data: object) -> None:
    """Check every text in nested mappings and sequences, names of fields included, as `harmless` does.

    Raises:
        ValueError: one would steer the terminal.
    """
    if isinstance(data, str):
        harmless(data)
    elif isinstance(data, Mapping):
        for key, value in data.items():
            require_harmless(key)
            require_harmless(value)
    elif isinstance(data, (list, tuple)):
        for value in data:
            require_harmless(value)
