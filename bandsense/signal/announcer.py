"""From explanations to what is told: counts as they become certain, and counts taken back.

At every look (`bandsense.signal.turning_points.Look`) the explanations are asked what they make of the
present movement; what a look cannot know yet (width, valley) is left out for all alike. A repetition is told
as soon as

    P(at least one more) ≥ 0.8     (0.9 while the set has fewer than two and a half full repetitions),

it is taken back when P(at least so many) < 0.1 at two known valleys in a row (one odd movement does not undo
a set), and when the person has rested for a few seconds the median decides: what is more likely than not is
told, with its probability. Before the valley of a set's first movement is known it shares its weight with
"this is only the take-up", so that a first repetition is told after its return and not at its top: picking
the band up looks the same until then.

A repetition that was told keeps its index as long as any movement of the winning explanation covers its top,
also where two movements turn out to be one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bandsense.signal.events import RetractReason
from bandsense.signal.explanations import CountedRep, Explanation, Explanations, Kind
from bandsense.signal.laws import Numbers
from bandsense.signal.turning_points import Look, Ticks, TurningPoint, TurningPoints

__all__ = ["Announcement", "Announcer", "Shown"]

FALLEN_SHARE = 0.55
"""A first movement that has fallen by this share of its rise is no longer likely to be only the take-up."""

SURE = 0.97
"""A count this sure needs no further look at the same movement."""

SETTLE_EVERY = 8
"""Valleys between two looks for what is settled."""

SOMETHING = 0.3
"""After a rest nothing is told only where P(at least one) is below this."""

REASONS = {
    Kind.HANDLING: RetractReason.SET_UP,
    Kind.STEPS: RetractReason.TOO_QUICK,
    Kind.SET: RetractReason.ONE_MOVEMENT,
    Kind.SWAY: RetractReason.ISOMETRIC,
}


@dataclass(slots=True, eq=False)
class Shown:
    """A repetition that was told.

    Attributes:
        index: its number.
        rep: its turning points, as known when it was told or settled.
        probability: that it is one, at the latest look.
        done: whether its end was told.
    """

    index: int
    rep: CountedRep
    probability: float
    done: bool = False


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a look made certain: repetitions that are new, taken back, or over."""

    counted: tuple[Shown, ...] = ()
    retracted: tuple[tuple[Shown, RetractReason], ...] = ()
    done: tuple[Shown, ...] = ()


class Announcer:
    """Turns looks into announcements.

    Args:
        numbers: of the model.
        ticks, turning: the trace and its turning points.

    Attributes:
        standing: repetitions that are told and stand.
        chances: P(count = n), by n, at the latest look.
    """

    def __init__(self, numbers: Numbers, ticks: Ticks, turning: TurningPoints) -> None:
        self._k = numbers
        self._turning = turning
        self._explanations = Explanations(numbers, ticks)
        self._shown: list[Shown] = []
        self._settled = 0
        self._next_index = 1
        self._valleys = 0
        self._looked_top = -1
        self._doubted = False
        self.chances: dict[int, float] = {0: 1.0}

    @property
    def standing(self) -> int:
        """Repetitions that are told and stand."""
        return self._settled + len(self._shown)

    @property
    def swing_n(self) -> float:
        """Swing of the latest set, by the best explanation; 0 before there is one."""
        best = self._explanations.best
        return best.set_swing_n if best is not None else 0.0

    def take(self, look: Look, start: TurningPoint | None, top: TurningPoint | None) -> Announcement | None:
        """Ask the explanations, if this look can change anything.

        Args:
            look: what is known now.
            start, top: valley and top of the movement that is complete, where `look` is VALLEY.
        """
        turning = self._turning
        lowest_n = turning.surroundings.lowest_n
        if look is Look.VALLEY:
            return self._valley(start, top, lowest_n)
        if turning.valley is None or look is Look.PULLING:
            return None
        covered = self._present()
        if look is Look.RETURNED:
            return self._ended(covered, look) if covered is not None else None
        if turning.top is None:
            if turning.torn:
                return None
            self._looked_top = turning.extreme.tick
            return self._judge(
                self._explanations.look(turning.extreme, turning.extreme, lowest_n, width=False, end=False),
                known=False,
            )
        if look is Look.TURNED and self._looked_top == turning.top.tick:
            return None
        if covered is not None and look is not Look.RESTED and covered.probability >= SURE:
            return self._ended(covered, look)
        width = look is not Look.TURNED
        end = look in (Look.RESTING, Look.RESTED)
        found = self._explanations.look(turning.top, turning.extreme, lowest_n, width=width, end=end)
        return self._judge(found, known=end, median=look is Look.RESTED)

    def finish(self) -> Announcement:
        """The trace ended: the median decides. What had not come back by half is not a repetition."""
        turning = self._turning
        found: Sequence[Explanation] = self._explanations.survivors
        broken_off = self._present()
        if broken_off is not None and broken_off.done:
            broken_off = None
        if turning.valley is not None and turning.top is not None and turning.halfway_back:
            found = self._explanations.look(
                turning.top, turning.extreme, turning.surroundings.lowest_n, width=True, end=True
            )
            broken_off = None
        announced = self._judge(found, known=True, median=True, last=True)
        if broken_off is None:
            return announced
        told = tuple(
            (shown, RetractReason.BROKEN_OFF if shown is broken_off else reason)
            for shown, reason in announced.retracted
        )
        return Announcement(announced.counted, told, announced.done)

    def _valley(
        self, start: TurningPoint | None, top: TurningPoint | None, lowest_n: float
    ) -> Announcement | None:
        valley = self._turning.valley
        if valley is None:
            return None
        if top is None or start is None:
            self._explanations.begin(valley)
            return None
        kept = self._explanations.advance(top, valley, lowest_n)
        announced = self._judge(kept, known=True)
        self._valleys += 1
        return announced if self._valleys % SETTLE_EVERY else self._settle(announced)

    def _settle(self, announced: Announcement) -> Announcement:
        """Cut off what all explanations share; tell and take back what that makes certain."""
        counted: list[Shown] = []
        settled = self._explanations.settle()
        for rep in settled:
            shown = self._match(rep, self._shown)
            if shown is None:
                shown = Shown(self._next_index, rep, 1.0, done=True)
                self._next_index += 1
                counted.append(shown)
            else:
                self._shown.remove(shown)
            self._settled += 1
        stale = [s for s in self._shown if settled and s.rep.top.tick < settled[-1].end.tick]
        for shown in stale:
            self._shown.remove(shown)
        return Announcement(
            announced.counted + tuple(counted),
            announced.retracted + tuple((shown, RetractReason.ONE_MOVEMENT) for shown in stale),
            announced.done + tuple(counted),
        )

    # Judging.

    def _judge(
        self, found: Sequence[Explanation], *, known: bool, median: bool = False, last: bool = False
    ) -> Announcement:
        if not found:
            return Announcement()
        self.chances = self._chances(found, known)
        best = found[0]
        enough = 0.5 if median else (self._k.show if self._begun(best) else self._k.show_first)
        least = 0.5 if median else self._k.take_back
        count = self.standing
        while self._at_least(count + 1) >= enough:
            count += 1
        if median and not count and self._at_least(1) >= SOMETHING:
            # Nothing at all is the worst answer where something is not unlikely: tell it, with its doubt.
            count = 1
            while self._at_least(count + 1) >= 0.5 * self._at_least(1):
                count += 1
            least = 0.0
        if known:
            doubted = self._at_least(self.standing) < least
            while (self._doubted or median) and count > 0 and self._at_least(count) < least:
                count -= 1
            self._doubted = doubted and not (self._doubted or median)
        counted: list[Shown] = []
        retracted: list[tuple[Shown, RetractReason]] = []
        if count != self.standing or last:
            chosen = self._with_count(found, count)
            if count >= self.standing:
                counted = self._add(chosen, count, last=last, retracted=retracted)
            else:
                retracted = self._drop(chosen, count)
        for shown in self._shown:
            if shown.probability < SURE or not shown.done:
                shown.probability = min(1.0, sum(self._weight(x, shown) for x in found))
        done = self._ends(self._with_count(found, count), known)
        return Announcement(tuple(counted), tuple(retracted), tuple(done))

    def _begun(self, best: Explanation) -> bool:
        """Whether a repetition of the present set was told already."""
        if best.kind is not Kind.SET or not self._shown:
            return False
        latest = self._shown[-1].rep.top.tick
        return next((rep.start.tick <= latest for rep in best.reps() if rep.begins_set), True)

    def _chances(self, found: Sequence[Explanation], known: bool) -> dict[int, float]:
        """P(count = n) over explanations of the same movements."""
        highest = found[0].score
        mass: dict[int, float] = {}
        turning = self._turning
        low_n = turning.extreme.tension_n
        for x in found:
            weight = math.exp(self._k.trust * (x.score - highest))
            if x.fresh and not known and x.path is not None:
                top_n = x.path.top.tension_n
                if turning.top is None or top_n - low_n < FALLEN_SHARE * (top_n - x.path.start.tension_n):
                    mass[x.count - 1] = mass.get(x.count - 1, 0.0) + self._k.p_take_up * weight
                    weight *= 1.0 - self._k.p_take_up
            mass[x.count] = mass.get(x.count, 0.0) + weight
        total = sum(mass.values())
        return {n: m / total for n, m in sorted(mass.items())}

    def _at_least(self, k: int) -> float:
        total = 0.0
        for n, p in self.chances.items():
            if n >= k:
                total += p
        return total

    def _weight(self, x: Explanation, shown: Shown) -> float:
        """Probability of an explanation, if it holds a repetition that was told."""
        top = shown.rep.top.tick
        for rep in x.reps():
            if _covers(rep, top):
                return self.chances.get(x.count, 0.0)
            if rep.end.tick < top:
                break
        return 0.0

    @staticmethod
    def _with_count(found: Sequence[Explanation], count: int) -> Explanation:
        """The best explanation with a count, or with the nearest."""
        if found[0].count == count:
            return found[0]
        return min(found, key=lambda x: (abs(x.count - count), -x.score))

    def _add(
        self,
        chosen: Explanation,
        count: int,
        *,
        last: bool,
        retracted: list[tuple[Shown, RetractReason]],
    ) -> list[Shown]:
        """Tell repetitions of an explanation that were not told yet, up to a count."""
        left = list(self._shown)
        missing: list[CountedRep] = []
        for rep in chosen.reps():
            shown = self._match(rep, left)
            if shown is None:
                missing.append(rep)
            else:
                left.remove(shown)
        if last or len(missing) > count - self.standing:
            for shown in left:
                self._shown.remove(shown)
                retracted.append((shown, RetractReason.ONE_MOVEMENT))
        told: list[Shown] = []
        for rep in reversed(missing):
            if self.standing >= count:
                break
            told.append(Shown(self._next_index, rep, 1.0))
            self._next_index += 1
            self._shown.append(told[-1])
        return told

    def _drop(self, chosen: Explanation, count: int) -> list[tuple[Shown, RetractReason]]:
        """Take back what an explanation does not hold, the latest first, down to a count."""
        left, kept = list(self._shown), []
        for rep in chosen.reps():
            shown = self._match(rep, left)
            if shown is not None:
                left.remove(shown)
                kept.append(shown)
        dropped: list[tuple[Shown, RetractReason]] = []
        for shown in [*reversed(left), *kept]:
            if self.standing <= count or shown not in self._shown:
                break
            covered = any(_covers(rep, shown.rep.top.tick) for rep in chosen.reps())
            reason = RetractReason.ONE_MOVEMENT if covered else REASONS[chosen.kind]
            self._shown.remove(shown)
            dropped.append((shown, reason))
        return dropped

    def _ends(self, chosen: Explanation, known: bool) -> list[Shown]:
        """Repetitions whose end is known now."""
        done: list[Shown] = []
        left = [shown for shown in self._shown if not shown.done]
        for rep in chosen.reps() if left else ():
            shown = self._match(rep, left)
            if shown is not None and not shown.done and (known or not rep.open):
                shown.rep, shown.done = rep, True
                done.append(shown)
        return done[::-1]

    def _present(self) -> Shown | None:
        """What was told of the present movement."""
        start = self._turning.valley
        for shown in reversed(self._shown):
            if start is not None and shown.rep.top.tick >= start.tick:
                return shown
        return None

    def _ended(self, shown: Shown, look: Look) -> Announcement | None:
        turning = self._turning
        if look not in (Look.RETURNED, Look.RESTING) or turning.top is None or shown.done:
            return None
        rep = shown.rep
        shown.rep = CountedRep(rep.before, rep.start, turning.top, turning.extreme, rep.begins_set, True)
        shown.done = True
        return Announcement(done=(shown,))

    @staticmethod
    def _match(rep: CountedRep, among: Iterable[Shown]) -> Shown | None:
        """What was told of a repetition."""
        return next((shown for shown in among if _covers(rep, shown.rep.top.tick)), None)


def _covers(rep: CountedRep, tick: int) -> bool:
    return rep.start.tick <= tick <= rep.end.tick or tick == rep.top.tick
