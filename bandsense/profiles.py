"""People, bands, sensors and how they are set up: validated by pydantic, kept by the store as documents, and
exported to and imported from one JSON file.

Nothing here has to be filled in before the first set: a newcomer is `Person()`, who does every exercise
with its usual lengths and plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from bandsense.bands.band import Stretch
from bandsense.bands.catalogue import Estimate, Form, estimate, is_published
from bandsense.bands.displacement import FittedBand
from bandsense.bands.fit import BandFit
from bandsense.bands.laws import PowerLaw
from bandsense.bands.slack import EXPONENT_UNCERTAINTY
from bandsense.bands.strand import Strand
from bandsense.bands.wear import CHECK_AFTER_REPS, Stiffness, Wear, assess_wear
from bandsense.errors import BandModelError, BandsenseError, ConfigError
from bandsense.exercises.model import Exercise, Side, SlackMethodKind, faults_in
from bandsense.signal.clip_on import DirectionalCalibration
from bandsense.workout.advice import AdvisorState
from bandsense.workout.plan import Plan

__all__ = ["BandProfile", "ClipOn", "Person", "Profiles", "SensorProfile", "Setup", "Side"]

Key = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Metres = Annotated[float, Field(gt=0.0, le=10.0)]
Newtons = Annotated[float, Field(gt=0.0, le=2000.0)]


class _Profile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Identified(_Profile):
    id: Key


class ClipOn(_Profile):
    """How a sensor that is clipped onto a band reads that band.

    Attributes:
        sensor: its serial number or address, as the link tells it.
        calibration: its loading and its unloading curve.
    """

    sensor: Key
    calibration: DirectionalCalibration


class BandProfile(_Identified):
    """A band that someone owns.

    Attributes:
        id: short name.
        colour: as in the catalogue where that has the brand, else any.
        rest_length_m: unstretched length of one strand, as it was measured for the calibration pull.
        f100_n: fitted tension of one strand at 100 % elongation.
        exponent: fitted exponent of its power law.
        exponent_uncertainty: standard uncertainty of `exponent`.
        strands: strands side by side; 2 for a loop, if not given, and for a doubled band.
        cycles: repetitions done with it since new.
        stiffness: its strength over the sessions.
        clip_on: calibrations of sensors on it, one each.
    """

    name: Name = "Band"
    brand: Name = "TheraBand"
    colour: Name | None = None
    form: Form = Form.FLAT
    rest_length_m: Metres | None = None
    f100_n: Newtons | None = None
    exponent: Annotated[float, Field(ge=0.1, le=3.0)] | None = None
    exponent_uncertainty: Annotated[float, Field(gt=0.0)] = EXPONENT_UNCERTAINTY
    strands: Annotated[int, Field(ge=1, le=8)] = 1
    cycles: Annotated[int, Field(ge=0)] = 0
    stiffness: tuple[Stiffness, ...] = ()
    clip_on: tuple[ClipOn, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _loops_are_two_strands(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("form") in (Form.LOOP, Form.LOOP.value):
            return {"strands": 2} | data
        return data

    @model_validator(mode="after")
    def _colour_is_published(self) -> Self:
        try:
            self.published()
        except BandModelError as error:
            raise ValueError(str(error)) from error
        return self

    @model_validator(mode="after")
    def _fitted_as_a_whole(self) -> Self:
        if (self.f100_n is None) != (self.exponent is None):
            raise ValueError("f100_n and exponent come from one fit: give both or neither")
        return self

    @model_validator(mode="after")
    def _one_calibration_each(self) -> Self:
        _require_unique((each.sensor for each in self.clip_on), "clip-on sensor")
        return self

    def clip_on_calibration(self, sensor: str) -> DirectionalCalibration | None:
        """How this sensor reads the band; None where it was not calibrated on it."""
        return next((each.calibration for each in self.clip_on if each.sensor == sensor), None)

    def with_clip_on(self, sensor: str, calibration: DirectionalCalibration) -> BandProfile:
        """With this calibration of a sensor in place of the one before."""
        others = (each for each in self.clip_on if each.sensor != sensor)
        new = ClipOn(sensor=sensor, calibration=calibration)
        return self.model_copy(update={"clip_on": (*others, new)})

    def law(self) -> PowerLaw | None:
        """The fitted law of one strand, else the catalogue's for the colour, else None."""
        if self.f100_n is not None and self.exponent is not None:
            return PowerLaw(self.f100_n, self.exponent)
        published = self.published()
        if published is None:
            return None
        # A table of loops tells the tension of both strands.
        return published.law.scaled(0.5) if self.form is Form.LOOP else published.law

    def measured(self) -> FittedBand | None:
        """All strands as a calibration pull found them; None before there was one."""
        if self.f100_n is None or self.exponent is None or self.rest_length_m is None:
            return None
        return FittedBand(self.strands * self.f100_n, self.exponent, self.rest_length_m)

    def published(self) -> Estimate | None:
        """What the catalogue says of the colour; None without a colour, or where it lacks the brand."""
        if self.colour is None or not is_published(self.brand):
            return None
        return estimate(self.colour, brand=self.brand, form=self.form)

    def fitted(self, fit: BandFit) -> BandProfile:
        """With the result of a calibration pull, which also counts as a measure of its stiffness."""
        return self.model_copy(
            update={
                "rest_length_m": fit.band.rest_length_m,
                "f100_n": float(fit.band.law.tension_n(1.0)),
                "exponent": fit.exponent,
                "exponent_uncertainty": fit.exponent_uncertainty,
                "strands": fit.band.strands,
                "stiffness": (*self.stiffness, Stiffness.from_fit(fit, self.cycles)),
            }
        )

    def wear(self) -> Wear:
        """Whether it has softened more than its use explains."""
        return assess_wear(self.stiffness)

    def notice(self) -> str | None:
        """What its owner should read before pulling it: that it gave way, or was not measured for long."""
        wear = self.wear()
        if wear.state.alarming:
            return wear.message
        since = self.cycles - self.stiffness[-1].cycles if self.stiffness else 0
        if since < CHECK_AFTER_REPS:
            return None
        return (
            f"It was measured {since} repetitions ago; measure it again with `bandsense band pull {self.id}` "
            "to see whether it wears out."
        )


class SensorProfile(_Identified):
    """A sensor that someone owns.

    Attributes:
        id: serial number or address, as the link tells it.
        name: what people call it.
        driver: device family.
        address: where this computer found it last; another computer may know it under another.
        mount: between band and handle or anchor, or clipped onto the band.
        side: which side it is on, where there are two.
        band: the band it stays on, if it does.
    """

    name: Name = "Sensor"
    driver: Name = "bandsense"
    address: Key | None = None
    mount: Literal["inline", "clip-on"] = "inline"
    side: Side | None = None
    band: Key | None = None


class Setup(_Profile):
    """How one person does one exercise with one band on one side.

    Attributes:
        exercise: its id.
        rest_length_m: the person's own unstretched length between hand and anchor.
        start_length_m: that distance in the start pose; the resting length if not given.
        stroke_m: how far the hand moves from there.
        anchor: where the band is fixed, in the person's own words.
        method: how the person prefers to change the slack.
        plan: targets.
        advisor: what the slack advice remembers; of the left side where left and right take turns.
        advisor_right: the same of the right side, where left and right take turns.
    """

    exercise: Key
    band: Key | None = None
    side: Side | None = None
    rest_length_m: Metres | None = None
    start_length_m: Metres | None = None
    stroke_m: Metres | None = None
    anchor: Annotated[str, StringConstraints(max_length=200)] = ""
    method: SlackMethodKind | None = None
    plan: Plan = Plan()
    advisor: AdvisorState | None = None
    advisor_right: AdvisorState | None = None

    @model_validator(mode="after")
    def _stretches_within_the_limit(self) -> Self:
        if self.rest_length_m is not None and self.stroke_m is not None:
            _require_within_limit(_strand(self.rest_length_m, self.start_length_m, self.stroke_m))
        return self

    @property
    def key(self) -> tuple[str, str | None, str | None]:
        """What it is the set-up of."""
        return self.exercise, self.band, self.side

    def advisor_state(
        self, exercise: Exercise, band: BandProfile | None = None, side: Side | None = None
    ) -> AdvisorState:
        """Where the slack advice begins: as remembered, else from the person's lengths, else typical ones.

        The band's curve is that of its last calibration pull in any case.

        """
        state = self.advisor_right if side == "right" else self.advisor
        if state is None:
            state = self._fresh_state(exercise)
        return state if band is None else _with_band(state, band)

    def _fresh_state(self, exercise: Exercise) -> AdvisorState:
        if self.rest_length_m is None:
            return AdvisorState.typical(exercise)
        stroke_m = self.stroke_m or exercise.stroke_m
        return AdvisorState(_strand(self.rest_length_m, self.start_length_m, stroke_m))

    def check(self, exercise: Exercise) -> None:
        """Whether the lengths, the exercise's usual ones where there are none, and the method make sense.

        Raises:
            ConfigError: they do not.
        """
        if self.method is not None and all(method.kind is not self.method for method in exercise.slack):
            ways = ", ".join(method.kind.value for method in exercise.slack)
            raise ConfigError(
                f"the slack of {exercise.name} is not changed by {self.method.value}; it can be by: {ways}"
            )
        try:
            _require_within_limit(self._fresh_state(exercise).strand)
        except (BandModelError, ValueError) as error:
            raise ConfigError(f"this set-up cannot be: {error}") from error

    def forgetting(self) -> Setup:
        """Without what the slack advice learned: it rests on lengths and a band that are no more."""
        return self.model_copy(update={"advisor": None, "advisor_right": None})


def _strand(rest_length_m: float, start_length_m: float | None, stroke_m: float) -> Strand:
    start_m = start_length_m or rest_length_m
    return Strand(rest_length_m, start_m, start_m + stroke_m)


def _require_within_limit(strand: Strand) -> None:
    if strand.stretch is Stretch.BEYOND_LIMIT:
        raise ValueError(
            f"a stroke of {100 * strand.stroke_m:.0f} cm would stretch a band of "
            f"{100 * strand.rest_length_m:.0f} cm to {100 * strand.peak_length_m:.0f} cm, beyond three times "
            "its resting length; take a longer piece of band, or measure again"
        )


def _with_band(state: AdvisorState, band: BandProfile) -> AdvisorState:
    if band.f100_n is None or band.exponent is None:
        return state
    strand = replace(state.strand, exponent=band.exponent, exponent_uncertainty=band.exponent_uncertainty)
    return replace(state, strand=strand, f100_n=band.strands * band.f100_n)


class Person(_Identified):
    """Someone who trains."""

    id: Key = "me"
    name: Name = "Me"
    setups: tuple[Setup, ...] = ()

    @model_validator(mode="after")
    def _one_setup_each(self) -> Self:
        _require_unique((str(setup.key) for setup in self.setups), "set-up")
        return self

    def setup(
        self, exercise: str, *, band: str | None = None, side: Side | None = None, plan: Plan | None = None
    ) -> Setup:
        """The person's set-up; for a band that is new to the exercise the last one, with another band.

        Args:
            exercise: its id.
            band: id of the band, or None for any.
            side: the one side it is for.
            plan: of someone who has not done this exercise yet.
        """
        wanted = Setup(exercise=exercise, band=band, side=side, plan=plan or Plan())
        alike = [setup for setup in self.setups if setup.exercise == exercise]
        same = next((setup for setup in alike if setup.key == wanted.key), None)
        if same is not None or not alike:
            return same or wanted
        return alike[-1].forgetting().model_copy(update={"band": band, "side": side})

    def with_setup(self, setup: Setup) -> Person:
        """With this set-up in place of the one before."""
        others = (other for other in self.setups if other.key != setup.key)
        return self.model_copy(update={"setups": (*others, setup)})


_P = TypeVar("_P", bound=_Identified)


class Profiles(_Profile):
    """Everything that is kept about people, bands and sensors; immutable, changes give a new one."""

    version: Literal[1] = 1
    people: tuple[Person, ...] = ()
    bands: tuple[BandProfile, ...] = ()
    sensors: tuple[SensorProfile, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for kind, entries in (("person", self.people), ("band", self.bands), ("sensor", self.sensors)):
            _require_unique((entry.id for entry in entries), kind)
        return self

    @classmethod
    def of_documents(
        cls,
        people: Mapping[str, Mapping[str, Any]],
        bands: Mapping[str, Mapping[str, Any]],
        sensors: Mapping[str, Mapping[str, Any]],
    ) -> Profiles:
        """From the store's documents by id.

        Raises:
            ConfigError: one does not validate.
        """
        data = {
            "people": list(people.values()),
            "bands": list(bands.values()),
            "sensors": list(sensors.values()),
        }
        return _validated(lambda: cls.model_validate_json(json.dumps(data)), "the stored profiles")

    @classmethod
    def read(cls, path: Path) -> Profiles:
        """Import from a JSON file that `write` made, or a person.

        Raises:
            ConfigError: the file cannot be read, or does not validate; it names the file and each fault.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
        return _validated(lambda: cls.model_validate_json(text), str(path))

    def write(self, path: Path) -> None:
        """Export to a JSON file; an existing one is replaced as a whole or not at all.

        Raises:
            ConfigError: the file cannot be written.
        """
        part = path.with_name(path.name + ".part")
        try:
            part.write_text(self.model_dump_json(indent=2, exclude_none=True) + "\n", encoding="utf-8")
            part.replace(path)
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error}") from error

    def person(self, person_id: str | None = None) -> Person:
        """The person with this id; without one the first, or a newcomer.

        Raises:
            ConfigError: nobody has this id.
        """
        if person_id is None:
            return self.people[0] if self.people else Person()
        return _find(self.people, person_id, "person")

    def band(self, band_id: str) -> BandProfile:
        """The band with this id.

        Raises:
            ConfigError: there is none.
        """
        return _find(self.bands, band_id, "band")

    def sensor(self, sensor_id: str) -> SensorProfile:
        """The sensor with this id; one that is not known yet gets usual settings."""
        return next((s for s in self.sensors if s.id == sensor_id), SensorProfile(id=sensor_id))

    def clashes(self, other: Profiles) -> list[str]:
        """What `other` has under the same id but not the same, in words."""
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


def _find(entries: tuple[_P, ...], wanted: str, kind: str) -> _P:
    for entry in entries:
        if entry.id == wanted:
            return entry
    known = ", ".join(entry.id for entry in entries) or "none yet"
    raise ConfigError(f"no {kind} is called '{wanted}'; there are: {known}")


def _require_unique(keys: Iterable[str], kind: str) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise ValueError(f"two entries for the {kind} {key}; keep one")
        seen.add(key)


def _validated(make: Callable[[], Profiles], source: str) -> Profiles:
    try:
        return make()
    except ValidationError as error:
        raise ConfigError(f"{source} does not validate: {faults_in(error)}") from error
    except BandsenseError as error:
        raise ConfigError(f"{source} does not validate: {error}") from error
