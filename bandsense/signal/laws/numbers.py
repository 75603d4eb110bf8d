"""The numbers of the model, a class for each of its laws; docs/detector-numbers.md says what each means.

They are fitted: `python -m benchmarks.fit` writes `numbers.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from importlib.resources import files
from typing import Final

__all__ = [
    "FITTED",
    "CarriedNumbers",
    "ChancesNumbers",
    "DipsNumbers",
    "HabitsNumbers",
    "HandlingNumbers",
    "LimitsNumbers",
    "Numbers",
    "ReturnsNumbers",
    "RipplesNumbers",
    "SetsNumbers",
    "StepsNumbers",
    "SwayNumbers",
    "TellingNumbers",
    "TempoNumbers",
    "TopsNumbers",
    "ValleysNumbers",
]


@dataclass(frozen=True, slots=True)
class HandlingNumbers:
    """Handling of the band, and how much smaller it is than a set close by."""

    small_share: float
    small_ln_n: float
    small_sd: float
    large_ln_n: float
    large_sd: float
    own_share: float
    own_n: float
    own_sd: float
    tempo_sd: float
    near_set_nats: float
    near_set_ln: float
    near_set_soft: float


@dataclass(frozen=True, slots=True)
class StepsNumbers:
    """The steps of a walk, or what a vehicle does."""

    ln_n: float
    sd: float
    like_share: float
    like_sd: float
    unlike_sd: float
    swings_share: float
    top_sd: float
    valley_sd: float
    interval_sd: float
    width_sd: float
    first_sd: float
    foot_share: float
    resumed_size_sd: float
    resumed_tempo_sd: float
    p_bump: float


@dataclass(frozen=True, slots=True)
class SwayNumbers:
    """Standing on a taut band."""

    share: float
    sd: float
    largest_n: float
    power: float
    even_share: float
    breath_soft: float


@dataclass(frozen=True, slots=True)
class SetsNumbers:
    """How a set begins: its swing, its pace, how taut and how weak it may be, and how soon after another."""

    ln_n: float
    sd: float
    width_ln_s: float
    width_sd: float
    taut_least: float
    taut_soft: float
    taut_power: float
    weak_n: float
    weak_power: float
    weak_uneven_power: float
    weak_width_s: float
    again_nats: float
    again_s: float
    unseen_nats: float


@dataclass(frozen=True, slots=True)
class HabitsNumbers:
    """What a series keeps, and how fast it learns."""

    even_share: float
    steady_share: float
    p_changed: float
    gain: float
    at_once_share: float


@dataclass(frozen=True, slots=True)
class TopsNumbers:
    """How exactly a series comes back to its upper level, and what goes less far or further."""

    even_1: float
    even_2: float
    even_w1: float
    even_w2: float
    uneven_1: float
    uneven_2: float
    uneven_w1: float
    uneven_w2: float
    over_share: float
    over_width: float
    part_even: float
    part_uneven: float
    part_least: float
    part_soft: float
    part_width_sd: float


@dataclass(frozen=True, slots=True)
class ValleysNumbers:
    """How exactly it comes back to its lower level, and how it is let go."""

    even_1: float
    even_2: float
    uneven_1: float
    uneven_2: float
    slack_share: float
    slack_width_n: float
    slack_reach: float
    let_go_set: float
    let_go_sway: float
    let_go_on_nats: float
    let_go_on_sway_nats: float


@dataclass(frozen=True, slots=True)
class TempoNumbers:
    """How even intervals and widths are."""

    interval_steady_1: float
    interval_steady_2: float
    interval_steady_w: float
    interval_free_1: float
    interval_free_2: float
    interval_free_w: float
    width_steady_1: float
    width_steady_2: float
    width_steady_w: float
    width_free_1: float
    width_free_2: float
    width_free_w: float


@dataclass(frozen=True, slots=True)
class LimitsNumbers:
    """What is too quick or too long for a repetition."""

    quickest_ln_s: float
    quickest_soft: float
    longest_ln_s: float
    longest_soft: float


@dataclass(frozen=True, slots=True)
class ReturnsNumbers:
    """How far a repetition has to come back, and what comes half back."""

    least: float
    soft: float
    half: float
    half_sd: float
    half_odds: float
    half_prior: float


@dataclass(frozen=True, slots=True)
class DipsNumbers:
    """Small dips inside a repetition."""

    p_dip: float
    prior: float
    small: float
    worth: float
    like_sd: float
    top_sd: float
    time_sd: float
    nats: float


@dataclass(frozen=True, slots=True)
class RipplesNumbers:
    """Small movements between repetitions."""

    p_ripple: float
    size: float
    tug_share: float
    tug_most: float


@dataclass(frozen=True, slots=True)
class CarriedNumbers:
    """A band that is carried about: quick, weak movements, and those in the rest after a set."""

    step_nats: float
    step_uneven_nats: float
    rest_nats: float
    rest_share: float
    rest_ln_s: float
    rest_soft: float


@dataclass(frozen=True, slots=True)
class ChancesNumbers:
    """How likely it is that one kind of movement follows another."""

    p_set: float
    patience: float
    busy_s: float
    p_steps: float
    p_sway: float
    p_end: float
    p_rep: float
    p_steps_end: float
    p_straight_on: float
    p_resumed: float
    pause_s: float


@dataclass(frozen=True, slots=True)
class TellingNumbers:
    """From which probability on a repetition is told."""

    trust: float
    p_take_up: float
    many: float
    many_nats: float
    show_first: float
    show: float
    take_back: float


@dataclass(frozen=True, slots=True)
class Numbers:
    """All numbers, law by law; `name` is that of a law and a number of it, such as "tempo.width_free_2"."""

    handling: HandlingNumbers
    steps: StepsNumbers
    sway: SwayNumbers
    sets: SetsNumbers
    habits: HabitsNumbers
    tops: TopsNumbers
    valleys: ValleysNumbers
    tempo: TempoNumbers
    limits: LimitsNumbers
    returns: ReturnsNumbers
    dips: DipsNumbers
    ripples: RipplesNumbers
    carried: CarriedNumbers
    chances: ChancesNumbers
    telling: TellingNumbers

    @classmethod
    def of(cls, laws: Mapping[str, Mapping[str, float]]) -> Numbers:
        """Return them from a mapping of laws, as in `numbers.json`."""
        return cls(
            handling=HandlingNumbers(**laws["handling"]),
            steps=StepsNumbers(**laws["steps"]),
            sway=SwayNumbers(**laws["sway"]),
            sets=SetsNumbers(**laws["sets"]),
            habits=HabitsNumbers(**laws["habits"]),
            tops=TopsNumbers(**laws["tops"]),
            valleys=ValleysNumbers(**laws["valleys"]),
            tempo=TempoNumbers(**laws["tempo"]),
            limits=LimitsNumbers(**laws["limits"]),
            returns=ReturnsNumbers(**laws["returns"]),
            dips=DipsNumbers(**laws["dips"]),
            ripples=RipplesNumbers(**laws["ripples"]),
            carried=CarriedNumbers(**laws["carried"]),
            chances=ChancesNumbers(**laws["chances"]),
            telling=TellingNumbers(**laws["telling"]),
        )

    @classmethod
    def fitted(cls) -> Numbers:
        """Return the numbers that ship."""
        return cls.of(json.loads(files("bandsense.signal.laws").joinpath("numbers.json").read_text("utf-8")))

    def named(self) -> Iterator[tuple[str, float]]:
        """Return the names and values of all."""
        for law in fields(self):
            for name, x in asdict(getattr(self, law.name)).items():
                yield f"{law.name}.{name}", x

    def with_number(self, name: str, x: float) -> Numbers:
        """Return them with another value for one."""
        law, _, number = name.partition(".")
        return replace(self, **{law: replace(getattr(self, law), **{number: x})})

    def __reduce__(self) -> tuple[object, tuple[Mapping[str, Mapping[str, float]]]]:
        """Pickle them as the call that makes them, which a compiled class can be made by as well."""
        return Numbers.of, (asdict(self),)


FITTED: Final = Numbers.fitted()
