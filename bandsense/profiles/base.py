"""What all profiles have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["Identified", "Key", "Metres", "Name", "Newtons", "ProfileModel", "require_unique"]

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
