"""What the detector takes for a repetition. One set of values serves all people, bands and exercises."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DetectorConfig"]


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """Thresholds of the detector. Ranges are of estimated displacement, as parts of the set's full range.

    Attributes:
        exponent: p in tension ∝ elongation^p. A prior: published force–elongation tables give 0.48 to 0.73.
        smallest_rise_n: a smaller rise is not followed at all.
        least_first_n: a set does not begin with a smaller rise: posture shifts move a taut band by this much.
        sure_first_n: a first rise this high is counted at its top; a lower one waits for a second like it.
        strong_rise_n: a rise this high is not a step, however quick. Walking with a band moves it by 3 to
            15 N, single steps by twice that.
        smallest_range: a smaller range is not a repetition.
        clear_range: a range this large is counted at its top, a smaller one when the movement is over.
        separation: a fall by this part of the repetition's own range ends it; after a smaller one it goes on.
        top_drop: a fall of tension by this part of the repetition's own rise marks its top.
        hold_s: tension that has not risen for so long is a hold, and marks the top as well.
        longest_hold_s: a longer hold is not a repetition.
        quick_rise_s: a step rises faster (10 % to 90 %).
        quick_width_s: a step is shorter (10 % to 10 %), unless the set's own repetitions are that quick.
        shortest_width_s: a blow is shorter.
        new_set_s: after so long a rest the full range is learnt anew.
        partial_below: a repetition whose estimated range is below this part of the full one is partial. Below
            60 % it is one and from 75 % on it is none; the line is in the middle because the estimate is off
            by up to 8 % of the range for exponents from 0.5 to 0.75.
        set_up_below: first movements below this part of the next one's range were set-up.
    """

    exponent: float = 0.65
    smallest_rise_n: float = 3.0
    least_first_n: float = 8.0
    sure_first_n: float = 12.0
    strong_rise_n: float = 28.0
    smallest_range: float = 0.10
    clear_range: float = 0.25
    separation: float = 0.58
    top_drop: float = 0.10
    hold_s: float = 0.25
    longest_hold_s: float = 15.0
    quick_rise_s: float = 0.34
    quick_width_s: float = 0.55
    shortest_width_s: float = 0.2
    new_set_s: float = 30.0
    partial_below: float = 0.67
    set_up_below: float = 0.47
