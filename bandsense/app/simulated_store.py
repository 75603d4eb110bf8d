"""The store of simulated sessions: beside one's own, which they never change."""

from __future__ import annotations

from pathlib import Path

from bandsense.app.paths import STORE_NAME, home
from bandsense.app.trainee import profiles_of
from bandsense.profiles.person import Person
from bandsense.store.store import Store

__all__ = ["open_simulated"]


def open_simulated(path: Path) -> Store:
    """Open the store of simulated sessions, with the people and bands of one's own store in it.

    What is known only there comes along, and so do a person's name and unit; nothing ever goes back.

    Raises:
        StoreError: one of the two stores cannot be opened.
        ConfigError: something stored does not validate.
    """
    simulated = Store.open(path)
    own = home() / STORE_NAME
    if own.exists():
        _bring_along(Store.open(own), simulated)
    return simulated


def _bring_along(own: Store, simulated: Store) -> None:
    theirs, known = profiles_of(own), profiles_of(simulated)
    for band in theirs.bands:
        if simulated.bands.get(band.id) is None:
            simulated.bands.put(band.id, band.model_dump(mode="json", by_alias=True))
    here = {person.id: person for person in known.people}
    for person in theirs.people:
        merged = _merged(person, here.get(person.id))
        if merged != here.get(person.id):
            simulated.people.put(person.id, merged.model_dump(mode="json", by_alias=True))


def _merged(own: Person, simulated: Person | None) -> Person:
    """Join the set-ups that simulated sessions went on from with the person's own for all else."""
    if simulated is None:
        return own
    went_on = {setup.key for setup in simulated.setups}
    new = tuple(setup for setup in own.setups if setup.key not in went_on)
    prescription = own.prescription or simulated.prescription
    return own.model_copy(update={"setups": (*new, *simulated.setups), "prescription": prescription})
