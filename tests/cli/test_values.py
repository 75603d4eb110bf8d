from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from bandsense.cli.argument_types import count, port, positive, speed


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [(positive, "0.5", 0.5), (speed, "0", 0.0), (count, "3", 3), (port, "0", 0), (port, "65535", 65535)],
)
def test_what_can_be_meant_is_taken(kind: Callable[[str], float], text: str, value: float) -> None:
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (positive, "0", "0 is not above zero"),
        (positive, "soon", "'soon' is not a number"),
        (positive, "nan", "'nan' is not a number"),
        (speed, "-1", "-1 is below zero; 0 runs without waiting"),
        (speed, "inf", "'inf' is not a number"),
        (count, "0", "it must be 1 or more, not 0"),
        (count, "2.5", "'2.5' is not a whole number"),
        (port, "65536", "it must be from 0 to 65535, not 65536"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    kind: Callable[[str], float], text: str, reason: str
) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        kind(text)
    assert str(refused.value) == reason
