"""A person's bands: where they come from, what was measured, and how worn they are."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from bandsense.bands.band import Stretch
from bandsense.bands.catalogue import Estimate, Form, estimate, is_published
from bandsense.bands.displacement import FittedBand
from bandsense.bands.fit import BandFit
from bandsense.bands.laws import PowerLaw
from bandsense.bands.slack import EXPONENT_UNCERTAINTY
from bandsense.bands.strand import Strand
from bandsense.bands.wear import CHECK_AFTER_REPS, Stiffness, Wear, assess_wear
from bandsense.calibration.clip_on import DirectionalCalibration
from bandsense.errors import BandModelError
from bandsense.language import Message, message_of
from bandsense.profiles.base import Identified, Key, Metres, Name, Newtons, ProfileModel, require_unique

__all__ = ["BandProfile", "ClipOn"]


class ClipOn(ProfileModel):
    """How a sensor that is clipped onto a band reads that band.

    Attributes:
        sensor: its serial number or address, as the link tells it.
        calibration: its loading and its unloading curve.
    """

    sensor: Key
    calibration: DirectionalCalibration


class BandProfile(Identified):
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
            raise ValueError(message_of(error)) from error
        return self

    @model_validator(mode="after")
    def _fitted_as_a_whole(self) -> Self:
        if (self.f100_n is None) != (self.exponent is None):
            raise ValueError(Message("f100_n and exponent come from one fit: give both or neither"))
        return self

    @model_validator(mode="after")
    def _one_calibration_each(self) -> Self:
        require_unique((each.sensor for each in self.clip_on), "clip-on sensor")
        return self

    def clip_on_calibration(self, sensor: str) -> DirectionalCalibration | None:
        """Return how this sensor reads the band; None where it was not calibrated on it."""
        return next((each.calibration for each in self.clip_on if each.sensor == sensor), None)

    def with_clip_on(self, sensor: str, calibration: DirectionalCalibration) -> BandProfile:
        """Return it with this calibration of a sensor in place of the one before."""
        others = (each for each in self.clip_on if each.sensor != sensor)
        new = ClipOn(sensor=sensor, calibration=calibration)
        return self.model_copy(update={"clip_on": (*others, new)})

    def law(self) -> PowerLaw | None:
        """Return the fitted law of one strand, else the catalogue's for the colour, else None."""
        if self.f100_n is not None and self.exponent is not None:
            return PowerLaw(self.f100_n, self.exponent)
        published = self.published()
        if published is None:
            return None
        # A table of loops tells the tension of both strands.
        return published.law.scaled(0.5) if self.form is Form.LOOP else published.law

    def measured(self) -> FittedBand | None:
        """Return all strands as a calibration pull found them; None before there was one."""
        if self.f100_n is None or self.exponent is None or self.rest_length_m is None:
            return None
        return FittedBand(self.strands * self.f100_n, self.exponent, self.rest_length_m)

    def published(self) -> Estimate | None:
        """Return the catalogue's figures for the colour; None without one, or where it lacks the brand."""
        if self.colour is None or not is_published(self.brand):
            return None
        return estimate(self.colour, brand=self.brand, form=self.form)

    def fitted(self, fit: BandFit) -> BandProfile:
        """Return it with the result of a calibration pull, which also measures its stiffness."""
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
        """Judge whether it has softened more than its use explains."""
        return assess_wear(self.stiffness)

    def notice(self) -> str | None:
        """Warn the owner before a pull: that it gave way, or was not measured for long."""
        wear = self.wear()
        if wear.state.alarming:
            return wear.message
        since = self.cycles - self.stiffness[-1].cycles if self.stiffness else 0
        if since < CHECK_AFTER_REPS:
            return None
        return Message(
            "It was measured {since} repetitions ago; measure it again with `bandsense band pull {band}` "
            "to see whether it wears out.",
            since=since,
            band=self.id,
        )


def strand_of(rest_length_m: float, start_length_m: float | None, stroke_m: float) -> Strand:
    start_m = start_length_m or rest_length_m
    return Strand(rest_length_m, start_m, start_m + stroke_m)


def require_within_limit(strand: Strand) -> None:
    if strand.stretch is Stretch.BEYOND_LIMIT:
        raise ValueError(
            Message(
                "a stroke of {stroke_cm:.0f} cm would stretch a band of {rest_cm:.0f} cm to "
                "{peak_cm:.0f} cm, beyond three times its resting length; take a longer piece of band, "
                "or measure again",
                stroke_cm=100 * strand.stroke_m,
                rest_cm=100 * strand.rest_length_m,
                peak_cm=100 * strand.peak_length_m,
            )
        )
