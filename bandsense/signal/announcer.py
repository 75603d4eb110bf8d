"""From explanations to what is told: counts as they become certain, and counts taken back.

At every look (`bandsense.signal.turning_points.Look`) the explanations are asked what they make of the
present movement; what a look cannot know yet (width, valley) is left out for all alike. A repetition is told
as soon as

    P(at least one more) ≥ 0.8     (0.9 until one of its set was told),

or P(this is one) is so large, however many there were before it: where two short pulls are in doubt, a full
one after them is not. It is taken back when P(at least so many) < 0.05 at two known valleys in a row (one odd
movement does not undo a set), and when the person has rested for a few seconds the median decides: what is
more likely than not is told, with its probability. At the end what stands are the repetitions of one
explanation. Before the valley of a set's first movement is known it shares its weight with "this is only the
take-up", so that a first repetition is told after its return and not at its top: picking the band up looks
the same until then.

A repetition that was told keeps its index as long as any movement of the winning explanation covers its top,
also where two movements turn out to be one.

What the person says of a movement (`take_back`, `add`) holds under every explanation: what was taken back
counts nothing wherever it is on a path, what the person added counts once wherever it is missing. Where
nothing was counted and a rhythm was taken for steps (`uncounted`), the word is for all of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from bandsense.signal.corrections import Corrections, Stroke
from bandsense.signal.events import RetractReason
from bandsense.signal.explanation import HANDLING, SET, STEPS, SWAY, CountedRep, Explanation
from bandsense.signal.explanations import Explanations
from bandsense.signal.laws.numbers import Numbers, TellingNumbers
from bandsense.signal.ticks import Passage, Ticks, TurningPoint
from bandsense.signal.told import Shown, Told, covers
from bandsense.signal.turning_points import (
    PULLING,
    RESTED,
    RESTING,
    RETURNED,
    TURNED,
    VALLEY,
    Look,
    TurningPoints,
)
from bandsense.signal.uncounted import Run, Uncounted
from bandsense.signal.weighing import Weighing

__all__ = ["Announcement", "Announcer"]

FALLEN_SHARE: Final = 0.55
"""A first movement that has fallen by this share of its rise is no longer likely to be only the take-up."""

BACK_SHARE: Final = 0.4
"""A valley that is not so far below the top may be a sag of a repetition that is not over."""

SURE: Final = 0.97
"""A count this sure needs no further look at the same movement."""

SETTLE_EVERY: Final = 8
"""Valleys between two looks for what is settled."""

SOMETHING: Final = 0.3
"""Nothing is told where P(at least one) is below this, nor in a rest where fewer than one is expected."""

APART_S: Final = 6.0
"""After a longer rest a set's doubt is its own: what was unsure before is left to the set before."""

CORRECTABLE_S: Final = 60.0
"""A movement that is longer ago is no longer what the person means."""

REASONS = {
    HANDLING: RetractReason.SET_UP,
    STEPS: RetractReason.TOO_QUICK,
    SET: RetractReason.ONE_MOVEMENT,
    SWAY: RetractReason.ISOMETRIC,
}


class Announcement(NamedTuple):
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
        weighing: the explanations at the latest look, and P(count = n).
        passed_over: at a rest or the end, the latest steps, where nothing was counted so far.
    """

    def __init__(self, numbers: Numbers, ticks: Ticks, turning: TurningPoints) -> None:
        self._k, self._back_least = numbers.telling, numbers.returns.least
        self._turning = turning
        self._ticks = ticks
        self._corrections = Corrections()
        self._explanations = Explanations(numbers, ticks, self._corrections)
        self._told = Told()
        self.weighing = Weighing(self._told)
        self._valleys = 0
        self._looked_top = -1
        self._doubted = False
        self._set_start = 0
        self._uncounted = Uncounted()
        self.passed_over: Run | None = None

    @property
    def standing(self) -> int:
        """Repetitions that are told and stand."""
        return self._told.standing

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
        if look is VALLEY:
            return self._valley(start, top)
        if turning.valley is None or look is PULLING:
            return None
        if look is TURNED and turning.top is not None and self._looked_top == turning.top.tick:
            return None
        covered = self._present()
        if look is RETURNED:
            return self._ended(covered, look) if covered is not None else None
        if turning.top is None:
            if turning.torn or (covered is not None and covered.probability >= SURE):
                return None
            self._looked_top = turning.extreme.tick
            return self._judge(
                self._explanations.look(
                    turning.extreme, turning.extreme, turning.lowest_n, width=False, end=False
                ),
                known=False,
            )
        if covered is not None and look is not RESTED and covered.probability >= SURE:
            return self._ended(covered, look)
        width = look is not TURNED
        end = look in (RESTING, RESTED)
        found = self._explanations.look(turning.top, turning.extreme, turning.lowest_n, width=width, end=end)
        over = look is RESTED or turning.fallen
        announced = self._judge(found, known=end, median=look is RESTED, over=over)
        self.passed_over = self._run(found, turning.back) if look is RESTED else None
        return announced

    def finish(self) -> Announcement:
        """Decide by the median at the end; what had not come back by half is not a repetition."""
        found, over = self._up_to_now()
        broken_off = self._present()
        if over is not None or (broken_off is not None and broken_off.done):
            broken_off = None
        announced = self._judge(found, known=True, median=True, last=True)
        self.passed_over = self._run(found, over)
        if broken_off is None:
            return announced
        told = tuple(
            (shown, RetractReason.BROKEN_OFF if shown is broken_off else reason)
            for shown, reason in announced.retracted
        )
        return Announcement(announced.counted, told, announced.done)

    def _up_to_now(self) -> tuple[Sequence[Explanation], Passage | None]:
        """Return the explanations of everything so far, with the present movement once it is halfway back."""
        turning, back = self._turning, self._turning.back
        if back is None:
            return self._explanations.survivors, None
        _, top, low = back
        return self._explanations.look(top, low, turning.lowest_n, width=True, end=True), back

    def _run(self, found: Sequence[Explanation], back: Passage | None) -> Run | None:
        """Return the steps of the best explanation, where nothing was counted and the person said nothing."""
        if self.standing or self._corrections or not found:
            return None
        return self._uncounted.run(found[0].walk, back, self._turning.now_s - CORRECTABLE_S)

    def _valley(self, start: TurningPoint | None, top: TurningPoint | None) -> Announcement | None:
        valley = self._turning.valley
        if valley is None:
            return None
        if top is None or start is None:
            self._explanations.begin(valley)
            return None
        self._uncounted.add((start, top, valley))
        kept = self._explanations.advance(top, valley, self._turning.lowest_n)
        latest = self._told.latest  # A valley that is only a dip of it does not make it over.
        known = latest is None or _came_back(latest.rep, top, valley, self._back_least)
        announced = self._judge(kept, known=known)
        self._valleys += 1
        return announced if self._valleys % SETTLE_EVERY else self._settle(announced)

    def _settle(self, announced: Announcement) -> Announcement:
        """Cut off what all explanations share; tell and take back what that makes certain."""
        counted, stale = self._told.settle(self._explanations.settle())
        return Announcement(
            announced.counted + tuple(counted),
            announced.retracted + tuple((shown, RetractReason.ONE_MOVEMENT) for shown in stale),
            announced.done + tuple(counted),
        )

    # What the person says.

    def take_back(self) -> Announcement | None:
        """Heed that the latest repetition was none; None where there is none that stands."""
        shown = self._told.latest
        if shown is None or self._turning.now_s - shown.rep.top.time_s > CORRECTABLE_S:
            return None
        self._told.take_back(shown)
        self._heard(shown.rep.start, shown.rep.top, is_rep=False)
        return Announcement(retracted=((shown, RetractReason.OVERRULED),))

    def add(self) -> Announcement | None:
        """Heed that a movement which was not counted was a repetition.

        Which one: the largest since the latest repetition, else the largest of those that are remembered;
        None where there is none. Where nothing was counted and a run was taken for steps, all of it, unless
        something larger followed it.
        """
        turning, told = self._turning, self._told
        movements = self._explanations.movements + ([] if turning.back is None else [turning.back])
        open_ = [
            m
            for m in movements
            if turning.now_s - m[1].time_s <= CORRECTABLE_S
            and not any(covers(shown.rep, m[1].tick) for shown in told.shown)
        ]
        if not open_:
            return None
        latest = told.latest
        since = [m for m in open_ if latest is not None and m[1].tick > latest.rep.end.tick]
        meant: Sequence[Passage] = [max(since or open_, key=lambda m: m[1].tension_n - m[0].tension_n)]
        run = self._run(*self._up_to_now())
        if run is not None and meant[0][1].tick <= run.movements[-1][1].tick:
            meant = run.movements
        added: list[Shown] = []
        for start, top, end in meant:
            told.restore(top.tick)
            begins = _apart(latest, start)
            latest = told.tell(CountedRep(None, start, top, end, begins, open_=False), done=True, added=True)
            added.append(latest)
            self._heard(start, top, is_rep=True)
        return Announcement(tuple(added), done=tuple(added))

    def _heard(self, start: TurningPoint, top: TurningPoint, *, is_rep: bool) -> None:
        self._corrections.said(_stroke(self._ticks, start, top), is_rep=is_rep)
        self._explanations.condition(start, top, is_rep=is_rep)
        found, over = self._up_to_now()
        # A repetition under way that was told is in none of them; the next look has it.
        if found and (over is not None or self._present() is None):
            self._weigh(found, known=True)

    # Judging.

    def _judge(
        self,
        found: Sequence[Explanation],
        *,
        known: bool,
        median: bool = False,
        last: bool = False,
        over: bool = True,
    ) -> Announcement:
        if not found:
            return Announcement()
        self._weigh(found, known)
        count = self._count(found[0], known=known, median=median, last=last)
        counted: list[Shown] = []
        retracted: list[tuple[Shown, RetractReason]] = []
        if count != self.standing or last:
            chosen = self._told.nearest(found, count)
            if count < self.standing:
                retracted = self._drop(chosen, count, last=last)
            if count >= self.standing:
                counted = self._add(chosen, count, last=last, retracted=retracted)
        if not median and self.weighing.chances.get(self.standing) != 1.0:
            enough = _enough(self._k, found[0], self._told.shown)
            for rep in self.weighing.certain(found[0], enough):
                retracted += self._crowded_out()
                counted.append(self._tell(rep))
        all_done = True
        for shown in self._told.shown:
            if not shown.done or shown.probability < SURE:
                all_done = all_done and shown.done
                if not shown.added:
                    shown.probability = self.weighing.probability(shown)
        done = [] if all_done else self._ends(self._told.nearest(found, count), known and over, last=last)
        return Announcement(tuple(counted), tuple(retracted), tuple(done))

    def _count(self, best: Explanation, *, known: bool, median: bool, last: bool) -> int:
        """Return how many are to stand."""
        standing = self.standing
        if self.weighing.chances.get(standing) == 1.0:
            self._doubted = self._doubted and not known
            return standing
        enough = 0.5 if median else _enough(self._k, best, self._told.shown)
        least = 0.5 if median else self._k.take_back
        something = self.weighing.at_least(1)
        if median and SOMETHING <= something < 0.5 and (last or self.weighing.expected >= 1.0):
            # Nothing at all is the worst answer where a set is not unlikely: tell it, with its doubt.
            enough = least = 0.5 * something
        count = standing
        while self.weighing.at_least(count + 1) >= enough:
            count += 1
        if known:
            doubted = self.weighing.at_least(standing) < least
            while (self._doubted or median) and count > 0 and self.weighing.at_least(count) < least:
                count -= 1
            self._doubted = doubted and not (self._doubted or median)
        return count

    def _weigh(self, found: Sequence[Explanation], known: bool) -> None:
        """Weigh explanations of the same movements."""
        highest = found[0].score
        rows: list[tuple[Explanation, int, float]] = []
        turning = self._turning
        low_n = turning.extreme.tension_n
        for x in found:
            weight = math.exp(self._k.trust * (x.score - highest))
            count = self._told.count(x)
            if x.fresh and not known and x.path is not None:
                top_n = x.path.top.tension_n
                if turning.top is None or top_n - low_n < FALLEN_SHARE * (top_n - x.path.start.tension_n):
                    rows.append((x, count - 1, self._k.p_take_up * weight))
                    weight *= 1.0 - self._k.p_take_up
            rows.append((x, count, weight))
        self.weighing.weigh(rows)

    @property
    def doubt(self) -> dict[int, float]:
        """P(so many more than are told), by how many: of the present set, or of the last one while none is.

        It is 1 for 0 where all is sure, and negative keys are repetitions that may be none. What may be one
        but comes after a longer rest is none of that set.
        """
        if len(self.weighing.chances) == 1:
            return {n - self.standing: p for n, p in self.weighing.chances.items()}
        start, told = self._set_start, self._told
        before = sum(shown.rep.top.tick < start for shown in told.shown)
        total = sum(weight for _, _, weight in self.weighing.rows)
        doubt: dict[int, float] = {}
        for x, count, weight in self.weighing.rows:
            beside = sum(rep.top.tick < start for rep in told.reps(x))
            if (apart := told.apart(x, APART_S)) > 0:  # the first may be left out as a take-up already
                beside += apart - (told.count(x) - count)
            more = count - beside - (self.standing - before)
            doubt[more] = doubt.get(more, 0.0) + weight / total
        return dict(sorted(doubt.items()))

    @property
    def probabilities(self) -> dict[int, float]:
        """Probability of each repetition that stands and may still change, by its index, at the latest look.

        What was sure once is not looked at again while the count is.
        """
        sure = self.weighing.chances.get(self.standing, 0.0) >= SURE or not self.weighing.rows
        return {
            shown.index: shown.probability if sure or shown.added else self.weighing.probability(shown)
            for shown in self._told.shown
        }

    def _add(
        self, chosen: Explanation, count: int, *, last: bool, retracted: list[tuple[Shown, RetractReason]]
    ) -> list[Shown]:
        """Tell repetitions of an explanation that were not told yet, up to a count."""
        told_before = self._told.shown
        by_itself = [shown for shown in told_before if not shown.added]
        added = [shown for shown in told_before if shown.added]
        pairs = list(self._told.paired(chosen, by_itself))
        missing = [
            rep
            for rep, shown in pairs
            if shown is None and not any(covers(rep, each.rep.top.tick) for each in added)
        ]
        if last or len(missing) > count - self.standing:
            kept = {shown for _, shown in pairs}
            for shown in by_itself:
                if shown not in kept:
                    told_before.remove(shown)
                    retracted.append((shown, RetractReason.ONE_MOVEMENT))
        return [self._tell(rep) for rep in missing[: max(0, count - self.standing)]]

    def _tell(self, rep: CountedRep) -> Shown:
        """Tell a repetition; after a longer rest it begins a set."""
        if _apart(self._told.latest, rep.start):
            self._set_start = rep.start.tick
        return self._told.tell(rep)

    def _crowded_out(self) -> list[tuple[Shown, RetractReason]]:
        """Take back the least likely of all that is told, where no explanation would count one more."""
        if self.weighing.at_least(self.standing + 1) >= self._k.take_back:
            return []
        least = min(
            (shown for shown in self._told.shown if not shown.added),
            key=self.weighing.probability,
            default=None,
        )
        if least is None or self.weighing.probability(least) >= 0.5:
            return []
        self._told.shown.remove(least)
        return [(least, RetractReason.ONE_MOVEMENT)]

    def _drop(self, chosen: Explanation, count: int, *, last: bool) -> list[tuple[Shown, RetractReason]]:
        """Take back what an explanation does not hold, the latest first, down to a count; at the end, all."""
        by_itself = [shown for shown in self._told.shown if not shown.added]
        kept = [shown for _, shown in self._told.paired(chosen, by_itself) if shown is not None]
        unlike = [shown for shown in reversed(by_itself) if shown not in kept]
        dropped: list[tuple[Shown, RetractReason]] = []
        for shown in [*unlike, *reversed(kept)]:
            if self.standing <= count and not (last and shown in unlike):
                break
            covered = any(covers(rep, shown.rep.top.tick) for rep in chosen.reps())
            reason = RetractReason.ONE_MOVEMENT if covered else REASONS[chosen.kind]
            self._told.shown.remove(shown)
            dropped.append((shown, reason))
        return dropped

    def _ends(self, chosen: Explanation, known: bool, *, last: bool) -> list[Shown]:
        """Repetitions whose end is known now; what has hardly come back may go on until another begins."""
        done: list[Shown] = []
        open_ = [shown for shown in self._told.shown if not shown.done]
        for rep in self._told.reps(chosen):
            if not open_:
                break
            shown = self._told.held(rep, open_)
            if shown is None:
                continue
            open_.remove(shown)
            goes_on = rep is chosen.path and not last and not _came_back(rep, rep.top, rep.end, BACK_SHARE)
            if (known or not rep.open) and not goes_on:
                self._over(shown, rep)
                done.append(shown)
        return done[::-1]

    def _over(self, shown: Shown, rep: CountedRep) -> None:
        """Note the end of a repetition."""
        shown.rep, shown.done = rep, True
        self._corrections.stood(_stroke(self._ticks, rep.start, rep.top))

    def _present(self) -> Shown | None:
        """Return what was announced of the present movement."""
        start = self._turning.valley
        for shown in reversed(self._told.shown):
            if start is not None and shown.rep.top.tick >= start.tick:
                return shown
        return None

    def _ended(self, shown: Shown, look: Look) -> Announcement | None:
        turning = self._turning
        if look not in (RETURNED, RESTING) or turning.top is None or shown.done:
            return None
        if not turning.fallen:
            return None  # It rests high up: a pause within the return.
        rep = shown.rep
        ended = CountedRep(rep.before, rep.start, turning.top, turning.extreme, rep.begins_set, True)
        self._over(shown, ended)
        return Announcement(done=(shown,))


def _stroke(ticks: Ticks, start: TurningPoint, top: TurningPoint) -> Stroke:
    """Describe a movement as far as likeness goes."""
    half_n = 0.5 * (top.tension_n + start.tension_n)
    width_s = ticks.time_above(half_n, top.tick, top.tick, start.tick)
    return Stroke.of(top.tension_n - start.tension_n, width_s)


def _came_back(rep: CountedRep, top: TurningPoint, valley: TurningPoint, least: float) -> bool:
    """Return whether tension fell from a top to a valley by this share of a repetition's rise, or more."""
    swing_n = rep.top.tension_n - rep.start.tension_n
    return top.tension_n - valley.tension_n >= least * swing_n


def _apart(latest: Shown | None, start: TurningPoint) -> bool:
    """Return whether a repetition that starts there comes first, or after a longer rest."""
    return latest is None or start.time_s - latest.rep.end.time_s > APART_S


def _enough(k: TellingNumbers, best: Explanation, shown: Sequence[Shown]) -> float:
    """Return how likely a repetition must be to be told: more so while none of the present set is."""
    if best.kind is SET and shown:
        begins = (rep.start.tick for rep in best.reps() if rep.begins_set)
        if next(begins, -1) <= shown[-1].rep.top.tick:
            return k.show
    return k.show_first
