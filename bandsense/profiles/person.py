"""People and their set-ups: who does which exercise, with which band, at which place."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Self

from pydantic import StringConstraints, ValidationError, model_validator

from bandsense.errors import BandModelError, ConfigError
from bandsense.exercises.model import Exercise, Side, SlackMethodKind, faults_in
from bandsense.language import Message
from bandsense.profiles.band import BandProfile, require_within_limit, strand_of
from bandsense.profiles.base import Identified, Key, Metres, Name, ProfileModel, harmless, require_unique
from bandsense.profiles.prescription import Prescription
from bandsense.samples import ForceUnit
from bandsense.workout.advice import AdvisorState
from bandsense.workout.plan import Plan

__all__ = ["Person", "Setup"]


class Setup(ProfileModel):
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
            require_within_limit(strand_of(self.rest_length_m, self.start_length_m, self.stroke_m))
        return self

    @property
    def key(self) -> tuple[str, str | None, str | None]:
        """What it is the set-up of."""
        return self.exercise, self.band, self.side

    def advisor_state(
        self, exercise: Exercise, band: BandProfile | None = None, side: Side | None = None
    ) -> AdvisorState:
        """Return where slack advice begins: as remembered, else from the person's lengths, else typical ones.

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
        return AdvisorState(strand_of(self.rest_length_m, self.start_length_m, stroke_m))

    def check(self, exercise: Exercise) -> None:
        """Check that the lengths, the exercise's usual ones where there are none, and the method make sense.

        Raises:
            ConfigError: they do not.
        """
        if self.method is not None and all(method.kind is not self.method for method in exercise.slack):
            ways = ", ".join(method.kind.value for method in exercise.slack)
            raise ConfigError(
                Message(
                    "the slack of {exercise} cannot be changed by {method}, but by: {ways}",
                    exercise=exercise.name,
                    method=self.method.value,
                    ways=ways,
                )
            )
        try:
            require_within_limit(self._fresh_state(exercise).strand)
        except (BandModelError, ValueError) as error:
            raise ConfigError(Message("this set-up is not possible: {error}", error=error)) from error

    def forgetting(self) -> Setup:
        """Return it without what the slack advice learned: that rests on lengths that are no more."""
        return self.model_copy(update={"advisor": None, "advisor_right": None})


def _with_band(state: AdvisorState, band: BandProfile) -> AdvisorState:
    if band.stiffness:
        state = replace(state, stiffness=band.stiffness[-1])
    if band.f100_n is None or band.exponent is None:
        return state
    strand = replace(state.strand, exponent=band.exponent, exponent_uncertainty=band.exponent_uncertainty)
    return replace(state, strand=strand, f100_n=band.strands * band.f100_n)


class Person(Identified):
    """Someone who trains.

    Attributes:
        unit: in which forces are shown to this person; everything that is kept is in newtons.
        setups: how they do their exercises; the last one is what was done or set last.
        prescription: the one that was imported last; while it holds, its plans go before the person's own.
    """

    id: Key = "me"
    name: Name = "Me"
    unit: ForceUnit = ForceUnit.NEWTON
    setups: tuple[Setup, ...] = ()
    prescription: Prescription | None = None

    @classmethod
    def called(cls, name: str) -> Person:
        """Return a newcomer of this name.

        Raises:
            ConfigError: it cannot be one.
        """
        try:
            return cls(id=harmless(name), name=name)
        except ValueError as error:
            faults = faults_in(error) if isinstance(error, ValidationError) else str(error)
            raise ConfigError(
                Message("{name!r} cannot be a person's name: {faults}", name=name, faults=faults)
            ) from error

    @model_validator(mode="after")
    def _one_setup_each(self) -> Self:
        require_unique((str(setup.key) for setup in self.setups), "set-up")
        return self

    def setup(
        self, exercise: str, *, band: str | None = None, side: Side | None = None, plan: Plan | None = None
    ) -> Setup:
        """Return the person's set-up; for a band new to the exercise the last one, with another band.

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
        """Return it with this set-up in place of the one before."""
        others = (other for other in self.setups if other.key != setup.key)
        return self.model_copy(update={"setups": (*others, setup)})
