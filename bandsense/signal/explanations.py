"""Competing explanations of a trace, carried along its turning points.

An *explanation* says of every movement so far what it was: a repetition of a set, handling of the band, a
step, sway. It holds what it has learnt about the set it is in, and the logarithm of the probability of all
that was seen. At every valley each explanation is continued in all ways that it can be:

            valley i                                valley j
    HANDLING ──────────── one movement ────────────▶ HANDLING   (any kind can end in handling)
    STEPS    ──────────── one movement ────────────▶ STEPS
    SET      ── one repetition, with inner dips ───▶ SET        (or a new set: another band, another pace)
    SWAY     ── one wave, with inner dips ─────────▶ SWAY

HANDLING and STEPS take one movement at a time. SET and SWAY may take several together (a sag at the top, a
one-and-a-half repetition, a pause): they come to valley j from any of the `SPAN` valleys before it. Only the
best explanations survive at each valley: the best of handling and of steps, those of the same kind that count
less, so that what was counted too soon can still be taken back, and `SERIES_KEPT` series, within `BEAM` nats
of the best (a segmental Viterbi search with fixed lag; Ostendorf, Digalakis and Kimball 1996,
"From HMM's to segment models"). What cannot come within that is not worked out: several movements are taken
together only where the dips between them leave room for it, were all else as likely as can be.

The count that is shown is not that of the best explanation but of all together: P(at least k repetitions) is
the share of those that count k or more. So nothing hangs on an edge: a doubtful movement is a low
probability, and three doubtful movements that look alike become three sure ones.

Where samples are missing, a valley that fell into the hole is *unseen*: its level is evidence for nothing.

Memory is flat: repetitions that all survivors share are settled and cut off.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bandsense.signal.corrections import SEVERAL, WORD, Corrections
from bandsense.signal.explanation import (
    HANDLING,
    SET,
    STEPS,
    SWAY,
    CountedRep,
    Explanation,
    Habit,
    Kind,
)
from bandsense.signal.laws.dips import NO_DIPS, inner_dips
from bandsense.signal.laws.handling import handling, near_set
from bandsense.signal.laws.movement import Dip, Movement
from bandsense.signal.laws.numbers import Numbers
from bandsense.signal.laws.repetitions import begin_series, next_in_series
from bandsense.signal.laws.ripples import ripple
from bandsense.signal.laws.series import Before, Handled, Series
from bandsense.signal.laws.steps import Steps, bump, first_step, next_step
from bandsense.signal.measures import Measures, dip
from bandsense.signal.ticks import Passage, Ticks, TurningPoint

__all__ = ["Explanations"]

SPAN: Final = 7
"""A repetition has at most this many movements: six inner dips."""

SERIES_KEPT: Final = 5
BEAM: Final = 12.0
"""So many series survive at a valley, and only within so many nats of the best explanation."""

ALIKE: Final = 0.03
"""Series of one count whose levels differ by less than this share of the swing are one."""

SURE_REPS: Final = 2.5
LEAD: Final = 6.0
TYPICAL: Final = 3.0
VALLEY_NATS: Final = 1.4
WIDTH_NATS: Final = 1.2
"""A set of so many full repetitions, so many nats ahead of all else, leaves no room for other explanations of
a movement whose likelihood, in units of the swing, is at least `TYPICAL` nats; less where valley or width are
not known yet."""

LIKELIEST_NEXT: Final = 9.0
LIKELIEST_FIRST: Final = -2.0
"""Apart from its inner dips no movement is a more likely next one of a series, or first one of another, in
nats and units of the swing: not even where hundreds of newtons end exactly where the band is slack."""

NEAR_SET_S: Final = 10.0
"""Handling this close to a set is judged by the size of its repetitions."""

HANDLING_GAIN: Final = 0.15
"""The size of handling follows the latest movement by at least this share."""

COUNTS_SURELY: Final = 0.99
"""Movements of which the person let so many stand count without a question."""

WALK: Final = 4
"""So many steps are a walk."""

NOTHING_HANDLED: Final = Habit()


class _Span:
    """One movement, or several taken together: its measures and turning points."""

    def __init__(
        self,
        m: Movement,
        start: TurningPoint,
        top: TurningPoint,
        last: TurningPoint,
        one: bool,
        open_: bool,
    ) -> None:
        self.m = m
        self.start = start
        self.top = top
        self.last = last
        self.one = one
        self.open = open_


class Explanations:
    """The explanations that survive, valley by valley.

    Args:
        numbers: of the model.
        ticks: the smoothed trace, for the widths of movements.
        corrections: what the person said of single movements.
    """

    def __init__(self, numbers: Numbers, ticks: Ticks, corrections: Corrections | None = None) -> None:
        self._k = k = numbers
        self._measures = Measures(ticks, math.exp(k.limits.longest_ln_s))
        self._corrections = Corrections() if corrections is None else corrections
        self._valleys: deque[TurningPoint] = deque(maxlen=SPAN)
        self._tops: deque[TurningPoint] = deque(maxlen=SPAN - 1)
        self._dips: deque[Dip] = deque(maxlen=SPAN - 1)
        self._survivors: deque[list[Explanation]] = deque(maxlen=SPAN)
        c = k.chances
        self._ln_handling = math.log(1.0 - c.p_set - c.p_steps - c.p_sway)
        self._busy_s = c.busy_s
        self._ln_on, self._ln_rep = math.log(1.0 - c.p_end), math.log(c.p_rep)

    @property
    def survivors(self) -> Sequence[Explanation]:
        """The explanations up to the latest confirmed valley, best first."""
        return self._survivors[-1] if self._survivors else ()

    @property
    def best(self) -> Explanation | None:
        """The best explanation up to the latest confirmed valley."""
        return self._survivors[-1][0] if self._survivors else None

    @property
    def movements(self) -> list[Passage]:
        """Valley, top and valley of the latest complete movements, oldest first."""
        valleys = list(self._valleys)
        return list(zip(valleys, self._tops, valleys[1:], strict=False))

    def condition(self, start: TurningPoint, top: TurningPoint, *, is_rep: bool) -> None:
        """Heed what the person says that a movement was: explanations that say otherwise lose `WORD`."""
        for valley, kept in zip(self._valleys, self._survivors, strict=True):
            if valley.tick <= start.tick:
                continue
            for x in kept:
                counted = any(rep.start.tick <= top.tick <= rep.end.tick for rep in x.reps())
                if counted is not is_rep:
                    x.score -= WORD
            kept.sort(key=lambda x: -x.score)

    def begin(self, valley: TurningPoint) -> None:
        """Take the first valley: nothing has happened yet."""
        self._valleys.append(valley)
        self._survivors.append([Explanation(HANDLING, 0.0, 0, None, -math.inf, NOTHING_HANDLED)])

    def look(
        self, top: TurningPoint, low: TurningPoint, lowest_n: float, *, width: bool, end: bool
    ) -> list[Explanation]:
        """Explanations of everything up to now, as if the present movement ended here; nothing is kept.

        Args:
            top: its top so far.
            low: its lowest point since then, or the present tick.
            lowest_n: lowest tension of the last minute.
            width: whether its width is known.
            end: whether `low` is as good as its end.
        """
        return self._kept(self._successors(top, low, lowest_n, width=width, end=end, open_=True))

    def advance(self, top: TurningPoint, valley: TurningPoint, lowest_n: float) -> list[Explanation]:
        """Take a complete movement, and give the explanations that survive."""
        found = self._successors(top, valley, lowest_n, width=True, end=not valley.unseen, open_=False)
        kept = self._kept(found)
        self._measures.forget()
        for x in kept:
            x.fresh = False
        if self._tops:
            self._dips.append(dip(self._tops[-1], self._valleys[-1], top))
        self._tops.append(top)
        self._valleys.append(valley)
        self._survivors.append(kept)
        return kept

    def settle(self) -> list[CountedRep]:
        """Cut off the repetitions that all survivors share, and give them, oldest first."""
        survivors = [x for kept in self._survivors for x in kept]
        paths = [[*x.reps()][::-1] for x in survivors]
        settled: list[CountedRep] = []
        for rep, *others in zip(*paths, strict=False):
            if any(other is not rep for other in others):
                break
            settled.append(rep)
        if settled:
            for x, path in zip(survivors, paths, strict=True):
                if len(path) == len(settled):
                    x.path = None
                for rep in path[: len(settled) + 1]:
                    rep.before = None
        return settled

    # Continuing.

    def _successors(
        self,
        latest: TurningPoint,
        last: TurningPoint,
        lowest_n: float,
        *,
        width: bool,
        end: bool,
        open_: bool,
    ) -> list[Explanation]:
        start, before = self._valleys[-1], self._survivors[-1]
        top, best = latest, -math.inf
        found: list[Explanation] = []
        if latest.tension_n > (max(start.tension_n, last.tension_n) if end else start.tension_n):
            one = self._measures.movement(start, (top,), top, last, (), lowest_n, width=width, end=end)
            span = _Span(one, start, top, last, one=True, open_=open_)
            found = [] if self._corrections else self._typical(before, span)
            if found:
                return found
            found, best = self._followed(before, span, best)
        tops = [*self._tops, latest]
        dips = [*self._dips, dip(tops[-2], start, latest)] if self._tops else []
        for back in range(2, len(tops) + 1):
            start, before = self._valleys[-back], self._survivors[-back]
            if tops[-back].tension_n >= top.tension_n:
                top = tops[-back]
            fall_n, rise_n = top.tension_n - last.tension_n, top.tension_n - start.tension_n
            if rise_n <= 0.0 or (end and fall_n <= 0.0):
                continue
            inner, swing_n = dips[1 - back :], fall_n if end else max(fall_n, rise_n)
            before = self._hopeful(before, inner, swing_n, best, end=end)
            if before:
                m = self._measures.movement(
                    start, tops[-back:], top, last, inner, lowest_n, width=width, end=end
                )
                span = _Span(m, start, top, last, one=False, open_=open_)
                following, best = self._followed(before, span, best)
                found += following
        return found

    def _followed(
        self, before: Sequence[Explanation], span: _Span, best: float
    ) -> tuple[list[Explanation], float]:
        """Continue explanations by a movement, as the person would have it; give the best score with them."""
        following: Iterable[Explanation] = self._continued(before, span)
        if self._corrections:
            following = self._as_told(following, span)
        found = [*following]
        for y in found:
            if y.score > best:
                best = y.score
        return found, best

    def _typical(self, before: Sequence[Explanation], span: _Span) -> list[Explanation]:
        """Continue a sure set by a movement like all others in it: there is no room for anything else."""
        best = before[0]
        if not isinstance(best.habit, Series) or best.kind is not SET or best.habit.n < SURE_REPS:
            return []
        if len(before) > 1 and before[1].score > best.score - LEAD:
            return []
        m, on = span.m, self._ln_on + self._ln_rep
        following = next_in_series(self._k, best.habit, m, m.top_s - best.top_s)
        if following is None:
            return []
        ln_swing = math.log(best.habit.peak_n - best.habit.base_n)
        likeness = following[0] + ln_swing + (0.0 if m.width_s is not None else WIDTH_NATS)
        if likeness + (ln_swing if m.end_n is not None else VALLEY_NATS) < TYPICAL:
            return []
        found = [self._series(best, best.score + on + following[0], following[1], span, begins=False)]
        for x in before[1:]:
            if isinstance(x.habit, Series):
                other = next_in_series(self._k, x.habit, m, m.top_s - x.top_s)
                if other is not None:
                    found.append(self._series(x, x.score + on + other[0], other[1], span, begins=False))
        return found

    def _hopeful(
        self, before: Sequence[Explanation], dips: Sequence[Dip], swing_n: float, best: float, *, end: bool
    ) -> list[Explanation]:
        """Leave out the explanations for which dips are too deep to lie within one movement.

        Args:
            before: explanations up to the valley before the movement.
            dips: those in it.
            swing_n: swing of a series that would begin with it.
            best: score of the best explanation of the movements one by one.
            end: whether its end is known.
        """
        k, levels = self._k, 2.0 if end else 1.0
        least = best - BEAM - (3.0 * WORD if self._corrections else 0.0)
        least_first = least - LIKELIEST_FIRST + levels * math.log(swing_n)
        first = inner_dips(k, NO_DIPS, 0.0, swing_n, dips, least_first - before[0].score)[0]
        hopeful: list[Explanation] = []
        for x in before:
            hope = x.score + first >= least_first
            if not hope and isinstance(x.habit, Series):
                s, a = x.habit, x.habit.peak_n - x.habit.base_n
                least_next = least - x.score - LIKELIEST_NEXT + levels * math.log(a)
                hope = inner_dips(k, s.dips, s.n, a, dips, least_next)[0] >= least_next
            if hope:
                hopeful.append(x)
        return hopeful

    def _continued(self, before: Sequence[Explanation], span: _Span) -> Iterator[Explanation]:
        """Continue the explanations of one valley by one movement, or by several taken together.

        Where the continuation does not depend on what came before, only the best of them needs to be
        continued.
        """
        k, m = self._k, span.m
        on = self._ln_on + self._ln_rep
        for x in before:
            series = x.habit
            if isinstance(series, Steps) and span.one:
                between = bump(k, m, series)
                if between is not None:
                    yield x.going_on(STEPS, x.score + between[0], between[1], x.top_s, x.busy)
            if not isinstance(series, Series):
                continue
            following = next_in_series(k, series, m, m.top_s - x.top_s)
            if following is not None:
                yield self._series(x, x.score + on + following[0], following[1], span, begins=False)
            small = ripple(k, series, m) if span.one else None
            if small is not None:
                yield x.going_on(x.kind, x.score + self._ln_on + small, series, x.top_s, x.busy)
        ways = [(x, self._transitions(x, m)) for x in before]
        if span.one:
            yield from self._simple(ways, m)
        x, to = max(ways, key=lambda way: way[0].score + way[1][1])
        begun = begin_series(k, m, False)
        if begun is not None:
            yield self._series(x, x.score + to[1] + begun[0], begun[1], span, begins=True)
        best: dict[tuple[int, float], tuple[Explanation, float]] = {}
        for x, to in ways:
            key = (x.count, x.set_end_s)
            if key not in best or x.score + to[0] > best[key][1]:
                best[key] = (x, x.score + to[0])
        if span.start.unseen or span.last.unseen:
            best = {key: (x, score - k.sets.unseen_nats) for key, (x, score) in best.items()}
        for x, score in best.values():
            begun = begin_series(k, m, True, self._before(x, span.start))
            if begun is not None:
                yield self._series(x, score + begun[0], begun[1], span, begins=True)

    def _as_told(self, following: Iterable[Explanation], span: _Span) -> Iterator[Explanation]:
        """Split continuations by what the person said: of movements like this, some count, some do not."""
        likelier, share = self._corrections.heard(span.m.rise_n, span.m.width_s)
        for y in following:
            if y.kind is not SET or y.path is None or y.path.end is not span.last:
                yield y
                continue
            if share < COUNTS_SURELY:
                score = y.score + math.log(1.0 - share)
                yield y.without_latest(score)
            y.score += likelier + math.log(share)
            yield y

    def _simple(
        self, ways: Sequence[tuple[Explanation, tuple[float, float, float, float]]], m: Movement
    ) -> Iterator[Explanation]:
        """Continue by handling and steps, from them and from the best series: of each count the likeliest."""
        series = False
        handled: dict[int, tuple[float, Explanation]] = {}
        stepped: dict[int, tuple[float, Explanation, Steps]] = {}
        for x, to in ways:
            if isinstance(x.habit, Series):
                if series:
                    continue
                series = True
            score = self._as_handling(x, m, x.score + to[3])
            if x.count not in handled or score > handled[x.count][0]:
                handled[x.count] = score, x
            score, after = self._as_step(x, m, x.score + to[2])
            if x.count not in stepped or score > stepped[x.count][0]:
                stepped[x.count] = score, x, after
        for score, x in handled.values():
            yield self._handled(x, m, score)
        for score, x, after in stepped.values():
            yield self._stepped(x, m, score, after)

    def _transitions(self, x: Explanation, m: Movement) -> tuple[float, float, float, float]:
        """Return the log-probabilities of going on with a set, sway, steps or handling."""
        c = self._k.chances
        # Whoever has long been doing something else goes on with it: the chance that a movement begins a set
        # falls as in a Pareto law of durations.
        patience = c.patience / (c.patience + x.busy)
        p_set = c.p_set * patience
        p_steps = c.p_steps if x.walk is None else c.p_resumed
        if x.kind is HANDLING:
            return math.log(p_set), math.log(c.p_sway), math.log(p_steps), self._ln_handling
        if x.kind is STEPS:
            paused = m.start_s - x.top_s > c.pause_s or m.top_s - x.top_s > 2.0 * c.pause_s
            to_set = math.log(c.p_steps_end * p_set if paused else c.p_straight_on * patience)
            stay = math.log(1.0 - c.p_steps_end - c.p_straight_on)
            return to_set, math.log(c.p_steps_end * c.p_sway), stay, math.log(c.p_steps_end)
        end = math.log(c.p_end)
        return end + math.log(p_set), end + math.log(c.p_sway), end + math.log(p_steps), end

    def _before(self, x: Explanation, start: TurningPoint) -> Before:
        """Explain what precedes a set that begins now: handling close by, and an earlier set."""
        handled: Sequence[Handled] = ()
        if isinstance(x.habit, Habit):
            since_s = max(start.time_s - NEAR_SET_S, x.set_end_s)
            handled = [movement for movement in x.habit.movements if movement.top_s > since_s]
        if x.set_swing_n <= 0.0:
            return Before(handled)
        return Before(handled, x.set_swing_n, max(0.0, start.time_s - x.set_end_s))

    def _series(
        self, x: Explanation, score: float, after: Series, span: _Span, *, begins: bool
    ) -> Explanation:
        top_s = span.m.last_top_s
        if not after.counts:
            return x.going_on(SWAY, score, after, top_s, x.busy_after(top_s, 1.0, self._busy_s))
        path = CountedRep(x.path, span.start, span.top, span.last, begins, span.open)
        swing_n = after.peak_n - after.base_n
        return Explanation(
            SET,
            score,
            x.count + 1,
            path,
            top_s,
            after,
            swing_n,
            after.peak_n,
            span.last.time_s,
            begins,
            x.busy_after(top_s, 0.0, self._busy_s),
            x.walk,
        )

    def _as_handling(self, x: Explanation, m: Movement, score: float) -> float:
        """Add the log-likelihood of a movement as handling to the score of what came before."""
        before = x.habit if isinstance(x.habit, Habit) else NOTHING_HANDLED
        law = handling(self._k, m, before.n, before.rise, before.interval, before.width, m.top_s - x.top_s)
        return score + self._near_set(x, m) + law

    def _handled(self, x: Explanation, m: Movement, score: float) -> Explanation:
        before = x.habit if isinstance(x.habit, Habit) else NOTHING_HANDLED
        tau, n = m.top_s - x.top_s, before.n + 1
        recent = [row for row in before.movements if m.top_s - row.top_s < 2.0 * NEAR_SET_S][-7:]
        habit = Habit(
            n,
            before.rise + max(HANDLING_GAIN, 1.0 / n) * (math.log(m.rise_n) - before.rise),
            math.log(tau) if math.isfinite(tau) else None,
            math.log(m.width_s) if m.width_s is not None else None,
            [*recent, Handled(_size(m), m.top_n, m.top_s, m.width_s)],
        )
        return x.going_on(HANDLING, score, habit, m.top_s, x.busy_after(m.top_s, 1.0, self._busy_s))

    def _near_set(self, x: Explanation, m: Movement) -> float:
        """Return what it costs that a movement close behind a set is none of its repetitions."""
        if x.set_swing_n <= 0.0 or m.start_s - x.set_end_s >= NEAR_SET_S:
            return 0.0
        return near_set(self._k, _size(m), m.top_n, x.set_swing_n, x.set_peak_n)

    def _as_step(self, x: Explanation, m: Movement, score: float) -> tuple[float, Steps]:
        """Do the same for a step, and give the rhythm with it."""
        before = x.habit if isinstance(x.habit, Steps) else None
        if before is None:
            law, after = first_step(self._k, m, x.walk)
        else:
            law, after = next_step(self._k, m, before, m.top_s - x.top_s)
        score += law
        if before is None or before.n < WALK:
            score += self._near_set(x, m)
        return score, after

    def _stepped(self, x: Explanation, m: Movement, score: float, after: Steps) -> Explanation:
        y = x.going_on(STEPS, score, after, m.top_s, x.busy_after(m.top_s, 1.0, self._busy_s))
        if after.n >= WALK:
            y.walk = after
        return y

    def _kept(self, found: list[Explanation]) -> list[Explanation]:
        """Prune explanations of the same movements, best first."""
        if len(found) < 2:
            return found
        ordered = sorted(found, key=lambda x: -x.score)
        kept: list[Explanation] = []
        simple: dict[Kind, int] = {}
        series = 0
        # What the person said comes to its weight only over several movements.
        least = ordered[0].score - (BEAM if self._corrections.added < SEVERAL else BEAM + 2.0 * WORD)
        for x in ordered:
            if isinstance(x.habit, Series):
                if series >= SERIES_KEPT or x.score < least or any(_same(x, y) for y in kept):
                    continue
                series += 1
            elif x.kind in simple and (x.count >= simple[x.kind] or x.score < least):
                continue
            else:
                simple[x.kind] = x.count
            kept.append(x)
        return kept


def _size(m: Movement) -> float:
    """Return the smaller of rise and fall, as far as they are known."""
    return min(m.rise_n, m.top_n - m.end_n) if m.end_n is not None else m.rise_n


def _same(x: Explanation, y: Explanation) -> bool:
    if x.kind is not y.kind or x.count != y.count or x.top_s != y.top_s:
        return False
    a, b = x.habit, y.habit
    if not (isinstance(a, Series) and isinstance(b, Series)):
        return False
    near_n = ALIKE * (a.peak_n - a.base_n)
    return abs(a.base_n - b.base_n) < near_n and abs(a.peak_n - b.peak_n) < near_n
