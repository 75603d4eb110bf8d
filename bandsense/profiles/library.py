"""All profiles together, as one file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import ValidationError, model_validator

from bandsense.errors import BandsenseError, ConfigError
from bandsense.exercises.model import faults_in
from bandsense.files import atomic_write
from bandsense.language import Message, did_you_mean, mark
from bandsense.profiles.band import BandProfile
from bandsense.profiles.base import Identified, ProfileModel, require_harmless, require_unique
from bandsense.profiles.person import Person
from bandsense.profiles.sensor import SensorProfile

__all__ = ["Profiles"]


_P = TypeVar("_P", bound=Identified)


class Profiles(ProfileModel):
    """Everything that is kept about people, bands and sensors; immutable, changes give a new one."""

    version: Literal[1] = 1
    people: tuple[Person, ...] = ()
    bands: tuple[BandProfile, ...] = ()
    sensors: tuple[SensorProfile, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for kind, entries in (("person", self.people), ("band", self.bands), ("sensor", self.sensors)):
            require_unique((entry.id for entry in entries), kind)
        return self

    @classmethod
    def of_documents(
        cls, documents: Mapping[str, Mapping[str, Mapping[str, Any]]]
    ) -> tuple[Profiles, list[tuple[str, str]]]:
        """Read the store's documents (`people`, `bands`, `sensors`), each by id, as far as they make sense.

        Returns:
            the profiles, and kind and id of each document that does not validate.
        """
        faulty: list[tuple[str, str]] = []
        good: dict[str, list[Mapping[str, Any]]] = {}
        for kind, by_id in documents.items():
            good[kind] = []
            for key, data in by_id.items():
                try:
                    _validated(partial(cls.model_validate_json, json.dumps({kind: [*good[kind], data]})), key)
                except ConfigError:
                    faulty.append((kind, key))
                else:
                    good[kind].append(data)
        return cls.model_validate_json(json.dumps(good)), faulty

    @classmethod
    def read(cls, path: Path) -> Profiles:
        """Import from a JSON file that `write` made, or a person.

        Raises:
            ConfigError: the file cannot be read, or does not validate; it names the file and each fault.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError(Message("{path} is not a text file", path=path)) from error
        except OSError as error:
            raise ConfigError(Message("{path} cannot be read: {error}", path=path, error=error)) from error
        profiles = _validated(lambda: cls.model_validate_json(text), str(path))
        try:
            require_harmless(profiles.model_dump(mode="json"))
        except ValueError as error:
            raise ConfigError(Message("{source} is not valid: {error}", source=path, error=error)) from error
        return profiles

    def write(self, path: Path) -> None:
        """Export to a JSON file; an existing one is replaced as a whole or not at all.

        Raises:
            ConfigError: the file cannot be written.
        """
        try:
            with atomic_write(path) as part:
                part.write_text(self.model_dump_json(indent=2, exclude_none=True) + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                Message("{path} cannot be written: {error}; choose another place", path=path, error=error)
            ) from error

    def person(self, person_id: str | None = None) -> Person:
        """Return the person with this id; without one the first, or a newcomer.

        Raises:
            ConfigError: nobody has this id.
        """
        if person_id is None:
            return self.people[0] if self.people else Person()
        return _find(self.people, person_id, "person")

    def person_called(self, name: str) -> Person | None:
        """Find who is meant by a name as people type it: `ada` is Ada, unless somebody is called just that.

        None where nobody is, or where it could be several.
        """
        wanted = name.strip()
        exact = [each for each in self.people if wanted in (each.id, each.name)]
        near = [
            each for each in self.people if wanted.casefold() in (each.id.casefold(), each.name.casefold())
        ]
        found = exact or near
        return found[0] if len(found) == 1 else next((each for each in found if each.id == wanted), None)

    def band(self, band_id: str) -> BandProfile:
        """Return the band with this id.

        Raises:
            ConfigError: there is none.
        """
        return _find(self.bands, band_id, "band")

    def sensor(self, sensor_id: str) -> SensorProfile:
        """Return the sensor with this id; one that is not known yet gets usual settings."""
        return next((s for s in self.sensors if s.id == sensor_id), SensorProfile(id=sensor_id))

    def clashes(self, other: Profiles) -> list[str]:
        """List entries of `other` whose id exists here with different contents, in words."""
        kinds = (
            ("person", self.people, other.people),
            ("band", self.bands, other.bands),
            ("sensor", self.sensors, other.sensors),
        )
        return [
            f"{kind} {theirs.id}"
            for kind, ours, all_theirs in kinds
            for theirs in all_theirs
            if any(each.id == theirs.id and each != theirs for each in ours)
        ]


_NONE_CALLED = {
    "person": mark("no person is called '{wanted}'; {hint}"),
    "band": mark("no band is called '{wanted}'; {hint}"),
}


def _find(entries: tuple[_P, ...], wanted: str, kind: str) -> _P:
    for entry in entries:
        if entry.id == wanted:
            return entry
    known = [entry.id for entry in entries]
    near = get_close_matches(wanted, known, n=2)
    hint = Message("there are: {known}", known=", ".join(known)) if known else Message("there are none yet")
    if near:
        hint = did_you_mean(near)
    raise ConfigError(Message(_NONE_CALLED[kind], wanted=wanted, hint=hint))


def _validated(make: Callable[[], Profiles], source: str) -> Profiles:
    try:
        return make()
    except ValidationError as error:
        raise ConfigError(
            Message("{source} is not valid: {faults}", source=source, faults=faults_in(error))
        ) from error
    except BandsenseError as error:
        raise ConfigError(Message("{source} is not valid: {error}", source=source, error=error)) from error
