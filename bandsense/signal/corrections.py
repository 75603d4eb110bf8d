"""What the person says of single movements, and what follows for others like them.

A person who takes a repetition back, or says that something was one, knows more than the sensor does. Two
things follow.

* **That movement** is settled: it counts as the person says under every explanation, and explanations that
  say otherwise lose `WORD` nats, as if the person were wrong once in a hundred times.
* **Movements like it** are judged by what the person called such a movement. Weights w fall with the
  difference in size and duration (a Gaussian kernel). Either no movement of this kind is a repetition for
  this person, who then takes all of them back; or all are, and one is taken back now and then for its form,
  which no sensor sees and which says nothing of the next. By Bayes' rule, with sums over like movements,
  and less what nobody doubted,

      odds of "none is" = KIND · (FORM^(−Σ w taken back) − 1) · STANDS^(Σ w that stand)

  and q = 1 / (1 + odds) of them count: every explanation that takes one for a repetition is split into one
  that counts it, with q, and one that does not. Repetitions that the person saw and let stand are among
  those that stand. After the only one was taken back q is 0.94, after two alike 0.66, after three 0.22; after
  one of nine, 1. And what the person called a repetition is likelier to be one when it comes again, by
  ln (PRIOR + Σ w over repetitions added) − ln (PRIOR + Σ w over what was none), if that is positive: 2.4 nats
  for one word, 4.8 for a set of twelve. A set like one that was taken for steps needs several movements for
  that to tell: once `SEVERAL` were added, less likely ones are kept (`bandsense.signal.explanations`).

It holds for the rest of the session, and is forgotten with it.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

__all__ = ["SEVERAL", "WORD", "Corrections", "Stroke"]

WORD: Final = 4.6
"""ln 99: a person's word is wrong once in a hundred times."""

PRIOR: Final = 0.1
"""What is known of movements of a kind before the person says anything, in movements."""

KIND: Final = 0.012
FORM: Final = 0.15
STANDS: Final = 0.1
"""Priors: how often no movement of a kind is a repetition for a person though it was told as one; how often
one is taken back where all are; how often one stands where none is."""

SIZE_SD: Final = 0.25
WIDTH_SD: Final = 0.4
"""How far the logarithms of rise and of duration may differ for two movements to be alike."""

SEVERAL: Final = 5
"""So many repetitions that were added are a set."""

KEPT: Final = 200
"""So many of the latest movements are remembered."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A movement as far as likeness goes: logarithms of its rise (N) and of the time above half of it (s)."""

    ln_rise: float
    ln_width: float

    @classmethod
    def of(cls, rise_n: float, width_s: float) -> Stroke:
        """From newtons and seconds."""
        return cls(math.log(max(rise_n, 1e-3)), math.log(max(width_s, 1e-3)))

    def likeness(self, other: Stroke, *, width: bool = True) -> float:
        """Weight of another movement, 1 for one that is the same; `width` is False where it is not known."""
        z = ((self.ln_rise - other.ln_rise) / SIZE_SD) ** 2
        if width:
            z += ((self.ln_width - other.ln_width) / WIDTH_SD) ** 2
        return math.exp(-0.5 * z)


class Corrections:
    """The person's corrections, and the repetitions that were let stand.

    Attributes:
        added: how many repetitions the person added, without those that they took back again.
    """

    def __init__(self) -> None:
        self.added = 0
        self._said: deque[tuple[Stroke, bool]] = deque(maxlen=KEPT)
        self._stood: deque[Stroke] = deque(maxlen=KEPT)

    def __bool__(self) -> bool:
        return bool(self._said)

    def stood(self, stroke: Stroke) -> None:
        """Note a repetition that was told, and that the person saw."""
        self._stood.append(stroke)

    def said(self, stroke: Stroke, *, is_rep: bool) -> None:
        """Note what the person says that a movement was."""
        if stroke in self._stood:
            self._stood.remove(stroke)
        if not is_rep and (stroke, True) in self._said:  # What was added by mistake was never said.
            self._said.remove((stroke, True))
            self.added -= 1
            return
        self._said.append((stroke, is_rep))
        self.added += is_rep

    def heard(self, rise_n: float, width_s: float | None) -> tuple[float, float]:
        """Say what follows for a movement of this size.

        Args:
            rise_n: its rise.
            width_s: time above half of it; None while it is not known.

        Returns:
            By how much the logarithm of its probability of being a repetition rises, and which share of such
            movements counts.
        """
        if not self._said:
            return 0.0, 1.0
        stroke, width = Stroke.of(rise_n, 1.0 if width_s is None else width_s), width_s is not None
        yes = no = 0.0
        for other, is_rep in self._said:
            weight = stroke.likeness(other, width=width)
            yes, no = (yes + weight, no) if is_rep else (yes, no + weight)
        stood = yes + sum(stroke.likeness(other, width=width) for other in self._stood)
        likelier = max(0.0, math.log((PRIOR + yes) / (PRIOR + no)))
        return likelier, 1.0 / (1.0 + KIND * (FORM**-no - 1.0) * STANDS**stood)
