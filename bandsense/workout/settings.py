"""What the events of a workout depend on besides samples and inputs, and as a document for the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from bandsense.bands.displacement import FittedBand
from bandsense.bands.slack import EXPONENT_PRIOR
from bandsense.calibration.clip_on import AnyCalibration, calibration_from_dict
from bandsense.errors import ConfigError
from bandsense.exercises.model import Exercise, Side, SlackMethodKind
from bandsense.language import Message
from bandsense.workout.advice import AdvisorState
from bandsense.workout.plan import Plan

__all__ = ["WorkoutSettings"]

_VERSION = 1


@dataclass(frozen=True, slots=True)
class WorkoutSettings:
    """How samples are read and what the person means to do.

    Attributes:
        calibration: from readings to tension; by direction for a clip that was calibrated on the band.
        exercise: what is trained; without it there are neither cues nor advice.
        plan: targets.
        advisor: what the slack advice remembers; None for a newcomer. Of the left side where left and right
            take turns.
        advisor_right: the same of the right side, where left and right take turns.
        method: how the person prefers to change the slack; None for the exercise's usual way.
        pre_stretched: the band is stretched at the start, so that standing tension is no drift of the zero.
        first_side: the side of the first half-set where left and right take turns; None where both work.
        band: the band by its calibration pull, for range, velocity and work; None without one.
    """

    calibration: AnyCalibration
    exercise: Exercise | None = None
    plan: Plan = field(default_factory=Plan)
    advisor: AdvisorState | None = None
    method: SlackMethodKind | None = None
    pre_stretched: bool = False
    first_side: Side | None = None
    advisor_right: AdvisorState | None = None
    band: FittedBand | None = None

    @property
    def sides(self) -> tuple[Side | None, ...]:
        """The sides in the order in which they take turns; None where both work at once."""
        return (None,) if self.first_side is None else (self.first_side, self.side(2))

    @property
    def exponent(self) -> float:
        """Exponent of the band's power law; the prior where the band is not known."""
        return EXPONENT_PRIOR if self.band is None else self.band.exponent

    @property
    def half_sets(self) -> int:
        """How many stretches of work the plan has: two a set where the sides take turns."""
        return self.plan.sets * len(self.sides)

    def other_side(self, number: int) -> Side | None:
        """Return the side that follows a half-set in its pair; None after the second, and where both work."""
        return self.side(number + 1) if number % 2 else None

    def advisor_of(self, side: Side | None) -> AdvisorState | None:
        """Return what the slack advice remembers of a side."""
        return self.advisor_right if side == "right" else self.advisor

    def side(self, number: int) -> Side | None:
        """Return the side of a half-set by its number, from 1; None where both work."""
        if self.first_side is None or number % 2:
            return self.first_side
        return "right" if self.first_side == "left" else "left"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, whole: a replay must not depend on what an exercise is defined to be later."""
        exercise = self.exercise
        return {
            "version": _VERSION,
            "calibration": self.calibration.to_dict(),
            "exercise": None if exercise is None else exercise.model_dump(mode="json", by_alias=True),
            "plan": _PLAN.dump_python(self.plan, mode="json", by_alias=True),
            "advisor": _ADVISOR.dump_python(self.advisor, mode="json"),
            "advisor_right": _ADVISOR.dump_python(self.advisor_right, mode="json"),
            "method": None if self.method is None else self.method.value,
            "pre_stretched": self.pre_stretched,
            "first_side": self.first_side,
            "band": _BAND.dump_python(self.band, mode="json"),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore the settings from what `to_dict` wrote.

        Raises:
            CalibrationError: the calibration is damaged, or a newer bandsense wrote it.
            ConfigError: another part is.
        """
        if data.get("version") != _VERSION:
            raise ConfigError(
                Message(
                    "settings of version {version!r} are unknown; update bandsense",
                    version=data.get("version"),
                )
            )
        if not isinstance(data.get("calibration"), Mapping):
            raise ConfigError(
                Message("the stored settings of the session are damaged: they lack the calibration")
            )
        calibration = calibration_from_dict(data["calibration"])
        try:
            exercise = data["exercise"]
            method = data["method"]
            return cls(
                calibration,
                None if exercise is None else Exercise.model_validate_json(_ANY.dump_json(exercise)),
                _PLAN.validate_json(_ANY.dump_json(data["plan"])),
                _ADVISOR.validate_json(_ANY.dump_json(data["advisor"])),
                None if method is None else SlackMethodKind(method),
                bool(data["pre_stretched"]),
                _SIDE.validate_python(data.get("first_side")),
                _ADVISOR.validate_json(_ANY.dump_json(data.get("advisor_right"))),
                _BAND.validate_json(_ANY.dump_json(data.get("band"))),
            )
        except (KeyError, TypeError, ValueError, ValidationError, RecursionError) as error:
            raise ConfigError(
                Message("the stored settings of the session are damaged: {error}", error=error)
            ) from error


_ANY: TypeAdapter[Any] = TypeAdapter(Any)
_PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)
_SIDE: TypeAdapter[Side | None] = TypeAdapter(Side | None)
_ADVISOR: TypeAdapter[AdvisorState | None] = TypeAdapter(AdvisorState | None)
_BAND: TypeAdapter[FittedBand | None] = TypeAdapter(FittedBand | None)
