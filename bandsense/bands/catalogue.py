"""Published tensions of elastic bands: what a colour is worth before anything has been measured.

Sources disagree on one brand and colour by up to a half, so a colour is only a prior: see `Estimate`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources

import numpy as np

from bandsense.bands.laws import PowerLaw
from bandsense.bands.slack import EXPONENT_PRIOR
from bandsense.errors import BandModelError
from bandsense.language import Message

__all__ = [
    "Estimate",
    "Form",
    "PublishedPoint",
    "Source",
    "Table",
    "Verified",
    "estimate",
    "is_published",
    "load_catalogue",
]

COLOUR_UNCERTAINTY = 0.25
"""Least relative standard uncertainty of a tension that rests on a colour: two tables of one brand differ by
a factor of 0.97 to 1.52 at 100 %, and bands of one colour differ by 8 to 19 % in tension."""


class Form(Enum):
    """How the band is made. The tension of a loop is that of both its strands."""

    FLAT = "flat"
    TUBE = "tube"
    LOOP = "loop"


class Verified(Enum):
    """How far a published value has been confirmed."""

    SOURCE = "source"
    """Read in the source itself."""
    PAGE = "page"
    """Read on a page that reproduces, sells or quotes it."""
    NONE = "none"
    """Not confirmed: a prior, never to be quoted."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where values come from."""

    id: str
    citation: str
    url: str
    note: str


@dataclass(frozen=True, slots=True)
class PublishedPoint:
    """One published value."""

    elongation: float
    tension_n: float
    verified: Verified


@dataclass(frozen=True, slots=True)
class Table:
    """One colour of one product in one source."""

    source: Source
    brand: str
    product: str
    colour: str
    forms: tuple[Form, ...]
    points: tuple[PublishedPoint, ...]

    def law(self) -> PowerLaw:
        """Power law through the points, least squares in the logarithms; with one point, of usual shape."""
        eps = np.log([point.elongation for point in self.points])
        tension = np.log([point.tension_n for point in self.points])
        p = float(np.polyfit(eps, tension, 1)[0]) if len(self.points) > 1 else EXPONENT_PRIOR
        return PowerLaw(float(np.exp(np.mean(tension - p * eps))), p)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the catalogue says of a colour as a whole.

    Attributes:
        law: geometric mean over the tables.
        relative_uncertainty: standard uncertainty of its tension as a part of it.
        tables: what it rests on.
    """

    law: PowerLaw
    relative_uncertainty: float
    tables: tuple[Table, ...]


@cache
def load_catalogue() -> tuple[Table, ...]:
    """Return all tables that come with bandsense."""
    text = (resources.files("bandsense.bands") / "data" / "catalogue.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    sources = {key: Source(key, **value) for key, value in data["source"].items()}
    return tuple(
        Table(
            source=sources[table["source"]],
            brand=table["brand"],
            product=table["product"],
            colour=table["colour"],
            forms=tuple(map(Form, table["forms"])),
            points=tuple(
                PublishedPoint(eps / 100.0, n, Verified(verified)) for eps, n, verified in table["points"]
            ),
        )
        for table in data["table"]
    )


def is_published(brand: str) -> bool:
    """Return whether any table exists for this brand."""
    return any(table.brand.lower() == brand.lower() for table in load_catalogue())


def estimate(colour: str, *, brand: str = "TheraBand", form: Form = Form.FLAT) -> Estimate:
    """Estimate what a band of this colour pulls, over all tables that have it.

    Raises:
        BandModelError: no table has this brand, form and colour.
    """
    of_form = [t for t in load_catalogue() if t.brand.lower() == brand.lower() and form in t.forms]
    tables = tuple(table for table in of_form if table.colour == colour.lower())
    if not tables:
        known = ", ".join(_colours(of_form)) or Message("none")
        raise BandModelError(
            Message(
                "no published table for a {colour} {form} band of {brand} (known colours: "
                "{known}); a calibration pull tells more than a colour anyway",
                colour=colour,
                form=form.value,
                brand=brand,
                known=known,
            )
        )
    laws = [table.law() for table in tables]
    strengths = np.log([law.f100_n for law in laws])
    spread = float(np.std(strengths, ddof=1)) if len(laws) > 1 else 0.0
    shapes = [law.p for law, table in zip(laws, tables, strict=True) if len(table.points) > 1]
    law = PowerLaw(float(np.exp(strengths.mean())), float(np.mean(shapes or [EXPONENT_PRIOR])))
    return Estimate(law, max(COLOUR_UNCERTAINTY, spread), tables)


def _colours(tables: Iterable[Table]) -> list[str]:
    return sorted({table.colour for table in tables})
