"""`bandsense history`: how training went over the weeks, in ten lines."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import count
from bandsense.cli.command import add_command
from bandsense.cli.store_option import add_store_option, left_aside, open_store
from bandsense.language import Message, tr, trn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bandsense.cli.command import Commands
    from bandsense.history.overview import Overview
    from bandsense.history.wear import BandHistory

_LABEL = 20


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "history",
        run,
        details="Only sessions that can be compared are set side by side: one band, length, side and "
        "calibration. Every difference comes with its standard uncertainty.",
        example="bandsense history\nbandsense history --exercise seated-row --weeks 12 --json",
    )
    command.add_argument("--exercise", metavar="ID", help="which exercise (default: the one done last)")
    command.add_argument("--person", metavar="NAME", help="whose (default: whoever trained last)")
    command.add_argument("--side", choices=("left", "right"), help="of an exercise with one arm")
    command.add_argument(
        "--weeks", type=count, default=8, metavar="N", help="how far back (default: %(default)s)"
    )
    command.add_argument("--per-week", type=count, metavar="N", help="prescribed sessions per week")
    command.add_argument("--json", action="store_true", help="one JSON object, for programs")
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Read the finished sets and tell their history."""
    from bandsense.app.history import bands_of, read_history
    from bandsense.app.trainee import person_named
    from bandsense.history.overview import overview
    from bandsense.live.units import show_in

    store = open_store(arguments)
    history = read_history(store)
    if history.unreadable:
        numbers = ", ".join(map(str, history.unreadable))
        print(
            tr("left out, because they cannot be read: sessions {numbers}", numbers=numbers), file=sys.stderr
        )
    person = arguments.person if arguments.person is not None else history.last_person
    if not arguments.json:
        show_in(person_named(store, person).unit)
    records = history.of(person)
    exercise = arguments.exercise or (records[-1].conditions.exercise if records else None)
    told = overview(
        (record for record in records if record.conditions.exercise == exercise),
        weeks=arguments.weeks,
        per_week=arguments.per_week,
        side=arguments.side,
    )
    bands = bands_of(store)
    if arguments.json:
        from bandsense.app.history import overview_json

        print(json.dumps(None if told is None else overview_json(told, bands)))
    elif told is None:
        from bandsense.app.sessions import meant_instead

        meant = meant_instead(store, person=arguments.person, exercise=arguments.exercise)
        weeks = trn("{n} week", "{n} weeks", arguments.weeks)
        if meant is None and left_aside(arguments):
            meant = Message("train with `bandsense live` (simulated ones: --simulated)")
        meant = meant or Message("train with `bandsense live`")
        if exercise:
            print(
                tr(
                    "no set of {exercise} yet in {weeks}; {meant}",
                    exercise=exercise,
                    weeks=weeks,
                    meant=meant,
                )
            )
        else:
            print(tr("no set yet in {weeks}; {meant}", weeks=weeks, meant=meant))
    else:
        for label, words in _lines(told, bands):
            print(f"{label:<{_LABEL}}{words}".rstrip())
    return 0


def _lines(told: Overview, bands: dict[str, tuple[str, BandHistory]]) -> Iterator[tuple[str, str]]:
    from bandsense.live import history_formatting as words
    from bandsense.live.formatting import side_word

    latest, first = told.series[-1], told.series[0]
    band = bands.get(latest.conditions.band or "")
    sessions = len({record.session for record in told.series})
    yield words.title_words(latest, band[0] if band else None), ""
    yield (
        tr("comparable"),
        f"{trn('{n} session', '{n} sessions', sessions)}, {words.span_words(first.day, latest.day)}",
    )
    for trend in told.trends:
        last = trend.points[-1]
        value = words.amount(trend.figure, last.value, trend.uncertainty(last))
        yield tr(words.FIGURE_NAMES[trend.figure.name]), f"{value:<16} {words.trend_words(trend)}"
    for trend in told.trends:
        if trend.detectable is not None and trend.figure.best:
            least = words.amount(trend.figure, trend.detectable)
            yield tr("sure from"), tr("{least} between two sessions", least=least)
    for found in told.last_time:
        side = found.now[0].conditions.side
        yield tr("last time") + (f", {side_word(side)}" if side else ""), words.last_time_words(found)
    for best in told.bests[:1]:
        yield tr("best"), words.best_words(best)
    yield tr("done"), words.dose_words(told.dose)
    if told.sides or told.against_sides:
        against = told.against_sides
        yield (
            tr("left and right"),
            words.obstacle_words(against)
            if against
            else words.sides_verdict(told.sides, told.hidden_of_sides),
        )
    if band is not None:
        yield tr("band"), words.band_words(latest.conditions.band or "", *band)
    if told.left_out:
        number, why = told.left_out[0]
        why_words = words.obstacle_words(why)
        yield (
            tr("left out"),
            tr("session {number} ({all} in all). {why}", number=number, all=len(told.left_out), why=why_words)
            if len(told.left_out) > 1
            else tr("session {number}. {why}", number=number, why=why_words),
        )
