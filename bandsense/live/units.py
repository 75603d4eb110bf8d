"""Forces in the unit that the person at this screen reads: every view, report and sentence goes through here.

The unit belongs to whoever looks, not to what is shown, so it is a context variable, as the precision of
`decimal` is: `show_in` sets it for the program, or for one task of a server. Files, events and everything
between programs stay in newtons.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from math import isfinite

from bandsense.language import mark, number, tr
from bandsense.samples import ForceUnit

__all__ = [
    "decimals_for",
    "force_figure",
    "force_pair",
    "force_range",
    "force_words",
    "in_shown_unit",
    "show_in",
    "shown_unit",
    "unit_json",
    "unit_name",
    "with_uncertainty",
]

_SHOWN: ContextVar[ForceUnit] = ContextVar("shown unit of force", default=ForceUnit.NEWTON)

_NAMES = {
    ForceUnit.NEWTON: mark("newtons"),
    ForceUnit.KILOGRAM_FORCE: mark("kilograms-force"),
    ForceUnit.POUND_FORCE: mark("pounds-force"),
}

_NEWTONS_IN_TEXT = re.compile(r"([+-]?)(\d+)(?:[.,](\d+))? N(?![\w·/])")
"""A tension in a sentence: sign, whole part, decimals."""


def show_in(unit: ForceUnit) -> None:
    """Show forces in this unit from now on, in this context."""
    _SHOWN.set(unit)


def shown_unit() -> ForceUnit:
    """Get the unit that forces are shown in."""
    return _SHOWN.get()


def unit_name() -> str:
    """Name the unit that forces are shown in, for many of it."""
    return tr(_NAMES[_SHOWN.get()])


def decimals_for(newton_decimals: int) -> int:
    """Count the decimals that show the same detail: one more than of newtons, where the unit is larger."""
    return newton_decimals + (_SHOWN.get() is not ForceUnit.NEWTON)


def force_figure(newtons: float, decimals: int = 0, *, sign: bool = False) -> str:
    """Format a force without its unit.

    Args:
        newtons: the force, or anything proportional to it, such as an impulse in newton seconds.
        decimals: how many a figure in newtons would have.
        sign: whether a plus is written.
    """
    return number(newtons / _SHOWN.get().newtons, f"{'+' if sign else ''}z.{decimals_for(decimals)}f")


def force_words(newtons: float, decimals: int = 0, *, sign: bool = False) -> str:
    """Format a force with its unit: `105 N`, `10.7 kgf`; see `force_figure`."""
    return f"{force_figure(newtons, decimals, sign=sign)} {_SHOWN.get().value}"


def with_uncertainty(value: float, uncertainty: float) -> str:
    """Format a value with its standard uncertainty: `106 ± 5`, `1.5 ± 0.2`.

    Both stand to the place of the uncertainty's first digit, of hundredths at the finest; a value whose
    uncertainty is not known stands alone.
    """
    if not (isfinite(uncertainty) and uncertainty > 0.0):
        return number(value, f"z.{0 if abs(value) >= 9.95 else 1}f")
    decimals = 0 if uncertainty >= 0.95 else 1 if uncertainty >= 0.095 else 2
    shown = max(10.0**-decimals, uncertainty)
    return f"{number(value, f'z.{decimals}f')} ± {number(shown, f'.{decimals}f')}"


def force_pair(newtons: float, uncertainty_n: float) -> str:
    """Format a force with its standard uncertainty, without the unit; see `with_uncertainty`."""
    unit = _SHOWN.get().newtons
    return with_uncertainty(newtons / unit, uncertainty_n / unit)


def force_range(low_n: float, high_n: float) -> str:
    """Format two forces: `40 to 60 N`, `4.1 to 6.1 kgf`."""
    if _SHOWN.get() is ForceUnit.NEWTON:  # as the person gave them
        return tr("{low} to {high}", low=number(low_n, "g"), high=f"{number(high_n, 'g')} N")
    return tr("{low} to {high}", low=force_figure(low_n), high=force_words(high_n))


def in_shown_unit(sentence: str) -> str:
    """Turn a sentence of the signal chain, which speaks of newtons, into the unit that is shown."""
    if _SHOWN.get() is ForceUnit.NEWTON:
        return sentence

    def replaced(match: re.Match[str]) -> str:
        sign, whole, decimals = match.groups()
        newtons = float(f"{sign}{whole}.{decimals or 0}")
        return force_words(newtons, len(decimals or ""), sign=sign == "+")

    return _NEWTONS_IN_TEXT.sub(replaced, sentence)


def unit_json() -> dict[str, str | float]:
    """Describe the unit for a view in another process: symbol, name, size in newtons, decimals."""
    unit = _SHOWN.get()
    return {"symbol": unit.value, "name": unit_name(), "newtons": unit.newtons, "decimals": decimals_for(0)}
