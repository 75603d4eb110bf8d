"""`bandsense live`: train with a sensor."""

from __future__ import annotations

import argparse
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import count, positive, speed
from bandsense.cli.command import add_command, add_output_options, say_at_once
from bandsense.cli.page_options import add_page_options
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.language import Message, mark, tr

if TYPE_CHECKING:
    from bandsense.app.environment import Environment
    from bandsense.app.train import TrainingOptions
    from bandsense.app.view import View
    from bandsense.cli.command import Commands
    from bandsense.sim.physics.source import SampleSource
    from bandsense.store.store import Store

_ON_THE_AIR = {"burst_loss": "burst-loss", "link_drop": "absence"}
"""Disturbances of traces that happen to the link, as the faults that they are on the air."""


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "live",
        run,
        details="Without a name it takes the sensor that was paired, and the nearest where there are "
        "several or none. With two, left and right, the sides are compared on one clock. "
        "Ctrl-C ends the session and saves it.",
        example="bandsense live\nbandsense live 4F2A --exercise seated-row\n"
        "bandsense live left right --exercise pull-apart\n"
        "bandsense live --sim --trace set.csv --speed 10",
    )
    add_options(command)


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what can be said about a training session."""
    command.add_argument(
        "sensors",
        nargs="*",
        metavar="SENSOR",
        help="its name, the side it is on, or its address; two are the left and the right one",
    )
    command.add_argument("--exercise", metavar="ID", help="what is trained; `bandsense exercises` lists them")
    command.add_argument("--person", metavar="NAME", help="who trains")
    command.add_argument("--band", metavar="ID", help="which band; `bandsense profile` lists them")
    command.add_argument(
        "--side",
        choices=("left", "right"),
        help="which side begins where the sides take turns (default: left)",
    )
    command.add_argument(
        "--pre-stretched", action="store_true", help="the band is stretched at the start already"
    )
    command.add_argument(
        "--rate", type=count, metavar="HZ", help="samples a second (default: 80 where the sensor can)"
    )
    command.add_argument("--seconds", type=positive, metavar="S", help="end the session after this long")
    command.add_argument(
        "--capture", type=Path, metavar="FILE", help="record everything that comes over the air, to replay it"
    )
    add_output_options(command)
    command.add_argument("--say", action="store_true", help="have the system's voice say what to do")
    command.add_argument("--bell", action="store_true", help="ring the terminal's bell for each repetition")
    command.add_argument(
        "--web", action="store_true", help="show it on a page as well, for a phone or a tablet"
    )
    command.add_argument(
        "--mqtt",
        metavar="URL",
        help="send events to the broker mqtt://[user@]host[:port][/topic]; password: BANDSENSE_MQTT_PASSWORD",
    )
    command.add_argument(
        "--lsl", metavar="SESSION", help="stream tension over LSL, to inlets with this session identity"
    )
    add_page_options(command)
    add_store_option(command)
    simulation = command.add_argument_group("simulated sensor, over a virtual radio")
    simulation.add_argument("--sim", action="store_true", help="use one instead of a real sensor")
    simulation.add_argument("--trace", type=Path, metavar="FILE", help="it plays this recording, then ends")
    simulation.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="another number is another simulated person (default: 1)",
    )
    simulation.add_argument("--sets", type=count, default=3, metavar="N", help="sets to do (default: 3)")
    simulation.add_argument("--reps", type=count, default=10, metavar="N", help="reps a set (default: 10)")
    simulation.add_argument(
        "--disturb",
        action="append",
        default=[],
        metavar="NAME",
        help="make it harder to read; may be repeated; `bandsense sim --list` names them",
    )
    simulation.add_argument(
        "--fault", metavar="NAME", help="what goes wrong with the sensor or the link; named there as well"
    )
    simulation.add_argument(
        "--speed", type=speed, metavar="N", help="how many times faster; 0: without waiting"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train with real or simulated sensors."""
    from bandsense.errors import ConfigError

    for name in ("trace", "speed", "disturb", "fault"):
        if not arguments.sim and getattr(arguments, name) not in (None, []):
            raise ConfigError(
                Message("--{name} needs --sim; `bandsense replay FILE` needs no sensor", name=name)
            )
    if len(arguments.sensors) > 2:
        raise ConfigError(Message("name one sensor, or two: the left and the right one"))
    if len(arguments.sensors) == 2:
        for name in ("trace", "side"):
            if getattr(arguments, name) is not None:
                raise ConfigError(Message("--{name} is for one sensor; leave it out with two", name=name))
    say_at_once(arguments, mark("starting a simulated sensor ...") if arguments.sim else mark("starting ..."))
    from bandsense.app.environment import run_at_speed

    run_at_speed(1.0 if arguments.speed is None else arguments.speed, _live(arguments))
    return 0


async def _live(arguments: argparse.Namespace) -> None:
    from bandsense.app.known_sensors import resolve_targets
    from bandsense.app.publish import Publishing
    from bandsense.app.train import TrainingOptions, train
    from bandsense.app.trainee import load_trainee
    from bandsense.live.units import show_in

    if arguments.web or arguments.lan:
        from bandsense.web.server import require_server

        require_server()
    store = open_store(arguments)
    who = load_trainee(store, arguments.person, arguments.exercise, arguments.band)
    sensors = _simulated(arguments) if arguments.sim else resolve_targets(store, arguments.sensors)
    options = TrainingOptions(
        sensors=sensors,
        exercise=who.exercise.id,
        person=arguments.person,
        band=arguments.band,
        side=arguments.side,
        pre_stretched=arguments.pre_stretched,
        rate_hz=arguments.rate,
        seconds=arguments.seconds,
        capture=arguments.capture,
        publishing=Publishing(arguments.mqtt, arguments.lsl),
    )
    output = _output(arguments)
    if not arguments.json:
        show_in(who.person.unit)
    async with _environment(arguments, who.exercise.id) as environment:
        if arguments.web or arguments.lan:
            await _with_page(arguments, options, environment, store, output)
        else:
            await train(options, environment, store, output)


def _output(arguments: argparse.Namespace) -> View:
    """Choose the view, and put beside it what is heard where that is asked for."""
    from bandsense.cli.output import make_output

    if not (arguments.say or arguments.bell):
        return make_output(arguments)
    from bandsense.app.several_views import SeveralViews
    from bandsense.cli.spoken import SpokenOutput, SystemVoice, ring
    from bandsense.live.actions import Action

    hear = ([SystemVoice()] if arguments.say else []) + ([ring] if arguments.bell else [])
    spoken = [SpokenOutput(each) for each in hear]

    def mute() -> None:
        for each in spoken:
            each.muted = not each.muted

    return SeveralViews([make_output(arguments, {"m": Action(Message("mute"), mute)}), *spoken])


async def _with_page(
    arguments: argparse.Namespace,
    options: TrainingOptions,
    environment: Environment,
    store: Store,
    output: View,
) -> None:
    """Train with a page beside the terminal; on a terminal the page stays until Ctrl-C."""
    import asyncio
    import sys

    from bandsense.app.loop import stop_on_signals
    from bandsense.app.train import TrainingOptions
    from bandsense.cli.commands.serve import SessionAir, can_simulate, simulated_store
    from bandsense.cli.page_options import page_options, show_address
    from bandsense.web.host import PageHost

    host = PageHost(
        (store, lambda: simulated_store(arguments)),
        SessionAir(simulated=arguments.sim),
        simulator=can_simulate(),
        views=[output],
        options=TrainingOptions(publishing=options.publishing),
        **page_options(arguments),
    )
    async with host:
        show_address(host)
        stop = asyncio.Event()
        with stop_on_signals(stop):
            await host.station.train(options, environment, store, stop)
        if sys.stdin.isatty() and sys.stdout.isatty():
            print(tr("the page stays; Ctrl-C ends it"), flush=True)
            stop = asyncio.Event()
            with stop_on_signals(stop):
                await stop.wait()


def _simulated(arguments: argparse.Namespace) -> tuple[str | None, ...]:
    """Name the targets on the virtual radio: the one sensor there is, or both."""
    from bandsense.app.environment import LEFT_SENSOR, RIGHT_SENSOR

    if len(arguments.sensors) == 2:
        return LEFT_SENSOR, RIGHT_SENSOR
    return tuple(arguments.sensors) or (None,)


def _environment(arguments: argparse.Namespace, exercise: str) -> AbstractAsyncContextManager[Environment]:
    from bandsense.app.environment import (
        person,
        real_environment,
        recording,
        simulated_environment,
        simulated_pair,
    )
    from bandsense.cli.traces import read_trace

    if not arguments.sim:
        return real_environment()
    on_the_air = (_ON_THE_AIR[name] for name in arguments.disturb if name in _ON_THE_AIR)
    fault = arguments.fault or next(on_the_air, None)
    if arguments.trace is not None:
        source = recording(read_trace(arguments.trace).block)
        return simulated_environment(source, f"simulator playing {arguments.trace.name}", fault)

    def arm(number: int) -> SampleSource:
        """Give each simulated arm another person: no two are alike."""
        disturbances = frozenset(arguments.disturb)
        return person(arguments.seed + number, arguments.sets, arguments.reps, disturbances, exercise)

    if len(arguments.sensors) == 2:
        return simulated_pair(arm(0), arm(1), "simulator", fault)
    return simulated_environment(arm(0), "simulator", fault)
