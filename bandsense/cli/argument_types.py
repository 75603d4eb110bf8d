"""Values on the command line: what cannot be meant is refused before anything begins."""

from __future__ import annotations

import argparse
import math

from bandsense.language import tr
from bandsense.store.address import ServerAddress

__all__ = [
    "centimetres",
    "count",
    "day",
    "number",
    "port",
    "positive",
    "server_address",
    "speed",
    "whole_number",
]


MOST_CM = 1000
"""Lengths of bands and ways of hands are centimetres; who types more has meant millimetres."""


def positive(text: str) -> float:
    """Parse a number above zero."""
    value = number(text)
    if value <= 0.0:
        raise argparse.ArgumentTypeError(tr("{text} is not above zero", text=text))
    return value


def centimetres(text: str) -> float:
    """Parse a length above zero, of at most ten metres."""
    value = positive(text)
    if value > MOST_CM:
        words = tr("{text} cm is more than {most} cm, ten metres; give centimetres", text=text, most=MOST_CM)
        raise argparse.ArgumentTypeError(words)
    return value


def speed(text: str) -> float:
    """Parse how many times faster; 0 for at once."""
    value = number(text)
    if value < 0.0:
        raise argparse.ArgumentTypeError(tr("{text} is below zero; 0 runs without waiting", text=text))
    return value


def count(text: str) -> int:
    """Parse a whole number from 1."""
    return _whole(text, 1, None)


def port(text: str) -> int:
    """Parse a TCP port; 0 for any that is free."""
    return _whole(text, 0, 65535)


def day(text: str) -> float:
    """Read a day of the local calendar (YYYY-MM-DD); gives its beginning in seconds since 1970 UTC."""
    from datetime import datetime

    try:
        return datetime.strptime(text, "%Y-%m-%d").timestamp()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            tr("{text!r} is not a date; write it as 2026-07-31", text=text)
        ) from None


def server_address(text: str) -> ServerAddress:
    """Return the address of a PostgreSQL database."""
    address = ServerAddress.read(text)
    if address is None:
        raise argparse.ArgumentTypeError(tr("it looks like postgresql://LOGIN@HOST/DATABASE"))
    return address


def number(text: str) -> float:
    """Parse a number; infinity is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(tr("{text!r} is not a number", text=text))
    return value


def whole_number(text: str) -> int:
    """Parse a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(tr("{text!r} is not a whole number", text=text)) from None


def _whole(text: str, least: int, most: int | None) -> int:
    value = whole_number(text)
    if value < least or (most is not None and value > most):
        span = tr("{least} or more", least=least)
        if most is not None:
            span = tr("from {least} to {most}", least=least, most=most)
        raise argparse.ArgumentTypeError(tr("it must be {span}, not {value}", span=span, value=value))
    return value
