"""The repetitions that were told and stand, and what the person said of them.

An explanation (`bandsense.signal.explanations`) counts its own repetitions; what the person said holds under
all of them. So the count of an explanation, as it is compared with what was told, is

    its repetitions − those on its path that the person took back + those the person added that it lacks.

Repetitions that all explanations share are settled: only their number is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bandsense.signal.explanation import CountedRep, Explanation

__all__ = ["Shown", "Told", "covers"]

CORRECTABLE: Final = 50
"""So many settled repetitions can still be taken back."""


@dataclass(slots=True, eq=False)
class Shown:
    """A repetition that was told.

    Attributes:
        index: its number.
        rep: its turning points, as known when it was told or settled.
        probability: that it is one, at the latest look.
        done: whether its end was told.
        added: whether the person said that it was one.
    """

    index: int
    rep: CountedRep
    probability: float
    done: bool = False
    added: bool = False


def covers(rep: CountedRep, tick: int) -> bool:
    """Tell whether a repetition holds a tick."""
    return rep.start.tick <= tick <= rep.end.tick


class Told:
    """What was told and stands.

    Attributes:
        shown: repetitions that may still change, in the order in which they were told.
    """

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self._settled = 0
        self._settled_last: deque[Shown] = deque(maxlen=CORRECTABLE)
        self._next_index = 1
        self._taken_back: list[int] = []
        self._offset = 0
        self._corrected = False

    @property
    def standing(self) -> int:
        """How many stand."""
        return self._settled + len(self.shown)

    @property
    def latest(self) -> Shown | None:
        """The one with the latest top."""
        if not self.shown:
            return self._settled_last[-1] if self._settled_last else None
        latest = self.shown[0]
        for shown in self.shown:
            if shown.rep.top.tick > latest.rep.top.tick:
                latest = shown
        return latest

    def reps(self, x: Explanation) -> Iterator[CountedRep]:
        """List the repetitions of an explanation that the person did not take back, the latest first."""
        if not self._taken_back:
            return x.reps()
        return (rep for rep in x.reps() if not any(covers(rep, tick) for tick in self._taken_back))

    def count(self, x: Explanation) -> int:
        """Return how many repetitions an explanation counts, with what the person said."""
        count = x.count + self._offset
        if not self._corrected:
            return count
        for tick in self._taken_back:
            count -= any(covers(rep, tick) for rep in x.reps())
        for shown in self.shown:
            if shown.added:
                count += not any(covers(rep, shown.rep.top.tick) for rep in x.reps())
        return count

    def apart(self, x: Explanation, rest_s: float) -> int:
        """Return how many repetitions of an explanation a longer rest parts from the latest that was told."""
        latest = self.latest
        if latest is None:
            return 0
        later = [rep for rep in self.reps(x) if rep.start.tick >= latest.rep.end.tick][::-1]
        end_s = latest.rep.end.time_s
        for n, rep in enumerate(later):
            if rep.start.time_s - end_s > rest_s:
                return len(later) - n
            end_s = rep.end.time_s
        return 0

    def nearest(self, found: Sequence[Explanation], count: int) -> Explanation:
        """Return the best explanation with a count, or with the nearest."""
        if self.count(found[0]) == count:
            return found[0]
        return min(found, key=lambda x: (abs(self.count(x) - count), -x.score))

    def tell(self, rep: CountedRep, *, done: bool = False, added: bool = False) -> Shown:
        """Tell a repetition; one that is `done` already is sure."""
        self._corrected |= added
        shown = Shown(self._next_index, rep, float(done), done, added)
        self._next_index += 1
        self.shown.append(shown)
        return shown

    def paired(self, x: Explanation, among: Iterable[Shown]) -> Iterator[tuple[CountedRep, Shown | None]]:
        """Pair the repetitions of an explanation, the oldest first, with what was told of each, if it was."""
        left = list(among)
        for rep in [*self.reps(x)][::-1]:
            held = self.held(rep, left)
            if held is not None:
                left.remove(held)
            yield rep, held

    def held(self, rep: CountedRep, among: Iterable[Shown]) -> Shown | None:
        """Find what was told of a repetition; the first where it holds several."""
        start, end = rep.start.tick, rep.end.tick
        for shown in among:
            if start <= shown.rep.top.tick <= end:
                return shown
        return None

    def settle(self, settled: list[CountedRep]) -> tuple[list[Shown], list[Shown]]:
        """Take what all explanations share; give what of it had not been told, and what was told beside."""
        counted: list[Shown] = []
        for rep in settled:
            if any(covers(rep, tick) for tick in self._taken_back):
                self._offset -= 1
                continue
            shown = self.held(rep, self.shown)
            if shown is None:
                shown = self.tell(rep, done=True)
                counted.append(shown)
            self._move(shown)
        if not settled:
            return counted, []
        until = settled[-1].end.tick
        self._taken_back = [tick for tick in self._taken_back if tick > until]
        stale = [shown for shown in self.shown if shown.rep.top.tick < until]
        for shown in stale:
            if shown.added:
                self._offset += 1
                self._move(shown)
            else:
                self.shown.remove(shown)
        return counted, [shown for shown in stale if not shown.added]

    def take_back(self, shown: Shown) -> None:
        """Heed that it was none."""
        self._corrected = True
        if shown in self.shown:
            self.shown.remove(shown)
            self._taken_back.append(shown.rep.top.tick)
        else:
            self._settled_last.remove(shown)
            self._settled -= 1
            self._offset -= 1

    def restore(self, tick: int) -> None:
        """Forget that the movement with this top was said to be none."""
        self._taken_back = [each for each in self._taken_back if each != tick]

    def _move(self, shown: Shown) -> None:
        self.shown.remove(shown)
        shown.rep.before = None  # A settled one holds no older ones.
        self._settled_last.append(shown)
        self._settled += 1
