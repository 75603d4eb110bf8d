"""`bandsense both`: two sensors at once, left and right."""

from __future__ import annotations

import argparse
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import count, positive, speed
from bandsense.cli.command import add_command
from bandsense.cli.store_option import add_store_option, open_store

if TYPE_CHECKING:
    from bandsense.app.environment import Environment
    from bandsense.app.train_bilateral import BilateralOptions, BothSides, Tell
    from bandsense.cli.command import Commands
    from bandsense.exercises.model import Side
    from bandsense.link.sensor import LinkEvent
    from bandsense.store.store import Store
    from bandsense.workout.bilateral import Lag
    from bandsense.workout.events import Event
    from bandsense.workout.workout import Workout

_SIM_REPS = 10


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "both",
        run,
        summary="train with two sensors at once, left and right, and compare the sides",
        details="Without names it takes the sensors that were paired with --side left and --side right. "
        "Ctrl-C ends the session in good order. It is stored as one session with two streams.",
        example="bandsense both --exercise pull-apart\nbandsense both 4F2A 81C0 --seconds 60 --json\n"
        "bandsense both --sim --speed 0",
    )
    command.add_argument("left", nargs="?", default="left", help="name or address of the left one")
    command.add_argument("right", nargs="?", default="right", help="of the right one")
    command.add_argument("--exercise", metavar="ID", help="what is trained; `bandsense exercises` lists them")
    command.add_argument("--person", metavar="NAME", help="who trains")
    command.add_argument("--band", metavar="ID", help="which band; `bandsense band` lists them")
    command.add_argument(
        "--rate", type=count, metavar="HZ", help="samples a second (default: 80 where it can)"
    )
    command.add_argument("--seconds", type=positive, metavar="S", help="end the session after so long")
    command.add_argument(
        "--capture",
        type=Path,
        metavar="FILE",
        help="keep what comes over the air, in FILE-left and FILE-right",
    )
    command.add_argument("--json", action="store_true", help="one JSON event a line; the last is the summary")
    command.add_argument("--sim", action="store_true", help="two simulated sensors on a virtual radio")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="another person (default: 1)")
    command.add_argument("--speed", type=speed, metavar="N", help="with --sim: times faster; 0: at once")
    add_store_option(command)


def run(arguments: argparse.Namespace) -> int:
    """Train with both."""
    from bandsense.app.environment import run_at_speed
    from bandsense.errors import ConfigError

    if arguments.speed is not None and not arguments.sim:
        raise ConfigError("--speed needs --sim")
    run_at_speed(1.0 if arguments.speed is None else arguments.speed, _train(arguments))
    return 0


async def _train(arguments: argparse.Namespace) -> None:
    from bandsense.app.train_bilateral import train_both

    store = open_store(arguments)
    both = _wanted(arguments, store)
    async with _air(arguments) as air:
        result = await train_both(both, air, store, _tell(arguments))
    if arguments.json:
        print(json.dumps({"event": "summary", "session": result.session, **result.summary()}))
    else:
        _print(result)


def _wanted(arguments: argparse.Namespace, store: Store) -> BilateralOptions:
    """What the command line asks for.

    Raises:
        ConfigError: a sensor is not known, or both are the same.
    """
    from bandsense.app.environment import LEFT_SENSOR, RIGHT_SENSOR
    from bandsense.app.known_sensors import known_sensor, resolve_target
    from bandsense.app.train_bilateral import BilateralOptions
    from bandsense.errors import ConfigError

    names = [arguments.left, arguments.right]
    if arguments.sim:
        names = [LEFT_SENSOR, RIGHT_SENSOR]
    for side in ("left", "right"):
        if side in names and known_sensor(store, side) is None:
            raise ConfigError(
                f"no sensor is known as the {side} one; pair it with: bandsense pair --side {side}"
            )
    left, right = (resolve_target(store, name) or name for name in names)
    if left.casefold() == right.casefold():
        raise ConfigError(f"left and right are both {left}; name two sensors")
    return BilateralOptions(
        left=left,
        right=right,
        exercise=arguments.exercise,
        person=arguments.person,
        band=arguments.band,
        rate_hz=arguments.rate,
        seconds=arguments.seconds,
        capture=arguments.capture,
    )


def _air(arguments: argparse.Namespace) -> AbstractAsyncContextManager[Environment]:
    from bandsense.app.environment import person, real_environment, simulated_pair

    if not arguments.sim:
        return real_environment()
    left, right = (person(arguments.seed, 1, _SIM_REPS, frozenset()) for _ in range(2))
    return simulated_pair(left, right, "simulator")


def _tell(arguments: argparse.Namespace) -> Tell:
    from bandsense.app.train_bilateral import Tell
    from bandsense.live.formatting import format_log_line
    from bandsense.workout.events import TensionTick, to_json

    def link_json(side: Side, event: LinkEvent) -> None:
        print(json.dumps({"event": "link_changed", **event.to_dict(), "side": side}), flush=True)

    def event_json(side: Side, event: Event, workout: Workout) -> None:
        if not isinstance(event, TensionTick):
            print(json.dumps(to_json(event, workout.uncertainty_n) | {"side": side}), flush=True)

    def link_line(side: Side, event: LinkEvent) -> None:
        print(f"{side:<5}  {event.message}", flush=True)

    def event_line(side: Side, event: Event, workout: Workout) -> None:
        for text in (format_log_line(event, workout.uncertainty_n, workout.began_s) or "").splitlines():
            print(f"{side:<5}  {text}", flush=True)

    return Tell(link_json, event_json) if arguments.json else Tell(link_line, event_line)


def _print(result: BothSides) -> None:
    from bandsense.live.formatting import asymmetry_words, summary_words

    if result.session is None:
        print("no sample came; nothing was saved")
        return
    for side, workout in (("left", result.left), ("right", result.right)):
        print(f"{side:<5}  {summary_words(workout.summary())}")
    if result.asymmetry is not None:
        print(asymmetry_words(result.asymmetry))
    if result.lag is not None:
        print(lag_words(result.lag))
    print(f"saved as session {result.session}")


def lag_words(lag: Lag) -> str:
    """Which side begins to pull first, by how much, and how well that is known."""
    first, last = ("left", "right") if lag.median_s >= 0 else ("right", "left")
    bound = (
        "their clocks are related by arrivals only"
        if lag.clock_bound_s is None
        else f"their clocks are known within {1000 * lag.clock_bound_s:.0f} ms"
    )
    apart = f"{1000 * abs(lag.median_s):.0f} ± {1000 * lag.spread_s:.0f} ms"
    return f"the {last} side pulls {apart} after the {first} ({lag.reps} reps of both; {bound})"
