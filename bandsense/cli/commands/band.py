"""`bandsense band`: the bands that someone owns, and how strong they are."""

from __future__ import annotations

import argparse
import json
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandsense.cli.argument_types import centimetres
from bandsense.cli.command import add_action, add_command, add_json_option, tell, words_aside
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.cli.tables import table
from bandsense.language import Message, said, tr, trn

if TYPE_CHECKING:
    from bandsense.app.band_pull import Guide
    from bandsense.app.environment import Environment
    from bandsense.bands.catalogue import PublishedPoint, Source
    from bandsense.bands.fit import BandFit
    from bandsense.calibration.clip_on import AnyCalibration
    from bandsense.cli.command import Commands
    from bandsense.profiles.band import BandProfile
    from bandsense.store.store import Store

FORMS = ("flat", "tube", "loop")


def add(commands: Commands) -> None:
    """Add the command and what can be done with bands."""
    command = add_command(
        commands,
        "band",
        run,
        details="A band need not be known to train with it. A calibration pull makes the slack advice "
        "surer, and shows when the band wears out.",
        example="bandsense band list --catalogue\n"
        "bandsense band add red --colour red --rest-length-cm 60\n"
        "bandsense band pull red\n"
        "bandsense band pull red --file pull.csv --mark-cm 85 110 130\n"
        "bandsense band pull red --stroke-cm 50 --start-length-cm 75\n"
        "bandsense band show red",
    )
    command.set_defaults(action="list", catalogue=False)
    add_json_option(command, "one JSON object per band; forces in newtons, lengths in metres")
    add_store_option(command, sessions=True)
    actions = command.add_subparsers(metavar="ACTION")
    listing = add_action(actions, "list", "your bands (the default), or published ones", action="list")
    listing.add_argument("--catalogue", action="store_true", help="what a colour pulls, as published")
    adding = add_action(actions, "add", "add a band", action="add")
    adding.add_argument("name", help="what you call it")
    adding.add_argument(
        "--rest-length-cm", type=centimetres, metavar="CM", help="unstretched, between the ends used"
    )
    adding.add_argument("--colour", help="`bandsense band list --catalogue` names those that are published")
    adding.add_argument(
        "--brand",
        default="TheraBand",
        help="of a brand that is not published any colour will do (default: %(default)s)",
    )
    adding.add_argument("--form", choices=FORMS, default="flat", help="default: flat")
    adding.add_argument(
        "--strands",
        type=int,
        metavar="N",
        help="side by side; 2 where it is doubled (default: 1; 2 for a loop)",
    )
    showing = add_action(
        actions, "show", "what is known about a band, and whether it wears out", action="show"
    )
    showing.add_argument("name")
    removing = add_action(actions, "remove", "forget a band; sessions done with it stay", action="remove")
    removing.add_argument("name")
    _add_pull(add_action(actions, "pull", "measure a band: hold it at marked lengths", action="pull"))


def _add_pull(pulling: argparse.ArgumentParser) -> None:
    pulling.add_argument("name")
    pulling.add_argument(
        "--rest-length-cm", type=centimetres, metavar="CM", help="measured again for this pull"
    )
    pulling.add_argument(
        "--mark-cm",
        type=float,
        nargs="+",
        metavar="CM",
        help="lengths to hold (default: 1.4, 1.8 and 2.2 times the unstretched length)",
    )
    pulling.add_argument(
        "--stroke-cm",
        type=centimetres,
        metavar="CM",
        help="in place of marks: ten repetitions over a stroke that you measured",
    )
    pulling.add_argument(
        "--start-length-cm",
        type=centimetres,
        metavar="CM",
        help="where that stroke starts (default: where the band is just straight)",
    )
    pulling.add_argument(
        "--sensor", metavar="NAME", help="name, end of the name, or address (default: the nearest)"
    )
    pulling.add_argument("--file", type=Path, metavar="FILE", help="take a recorded pull instead of a sensor")
    pulling.add_argument("--sim", action="store_true", help="a simulated sensor, over a virtual radio")
    pulling.add_argument("--trace", type=Path, metavar="FILE", help="what the simulated sensor feels")
    pulling.add_argument(
        "--speed", type=float, metavar="N", help="with --sim: how many times faster; 0: without waiting"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    from bandsense.app.trainee import last_person
    from bandsense.live.units import show_in

    store = open_store(arguments)
    if not arguments.json:
        show_in(last_person(store).unit)
    if arguments.action == "list" and arguments.catalogue:
        _list_catalogue(as_json=arguments.json)
        return 0
    if arguments.action == "list":
        _list(store, as_json=arguments.json)
    elif arguments.action == "add":
        _add(store, arguments)
    elif arguments.action == "show":
        band = _known(store, arguments.name)
        if arguments.json:
            print(json.dumps(_band_json(band)))
        else:
            _show(band)
    elif arguments.action == "remove":
        name = _known(store, arguments.name).id
        store.bands.remove(name)
        tell(arguments, tr("{band}: forgotten", band=arguments.name), band=name, removed=True)
    else:
        with words_aside(arguments):
            measured = _pull(store, arguments)
        if arguments.json:
            print(json.dumps(_band_json(measured)))
    return 0


# -- list, add, show ---------------------------------------------------------------------------------------


def _band_json(band: BandProfile) -> dict[str, Any]:
    """Return what is known of a band: its profile, its tension with the uncertainty, and its wear."""
    from bandsense.app.archive import band_figures

    wear = band.wear()
    return band.model_dump(mode="json", by_alias=True) | {
        **band_figures(band),
        "wear": {"state": wear.state.value, "message": wear.message},
    }


def _list_catalogue(*, as_json: bool) -> None:
    from bandsense.bands.catalogue import Verified, estimate, load_catalogue
    from bandsense.live.units import force_pair, shown_unit

    kinds = {(each.brand, form.value, each.colour): form for each in load_catalogue() for form in each.forms}
    rows = []
    for (brand, form_name, colour), form in sorted(kinds.items()):
        what = estimate(colour, brand=brand, form=form)
        tension_n = what.law.f100_n
        sources = sorted({each.source.id for each in what.tables})
        if as_json:
            named = {"brand": brand, "form": form_name, "colour": colour}
            uncertainty_n = what.relative_uncertainty * tension_n
            figures = {"f100_n": tension_n, "f100_uncertainty_n": uncertainty_n, "sources": sources}
            print(json.dumps(named | figures))
        rows.append(
            (
                brand,
                form_name,
                colour,
                force_pair(tension_n, what.relative_uncertainty * tension_n),
                ", ".join(sources),
            )
        )
    if as_json:
        return
    estimated = tr("estimated {unit} at twice its length", unit=shown_unit().value)
    print(table((tr("brand"), tr("form"), tr("colour"), estimated, tr("sources")), rows))
    print("\n" + tr("sources"))
    for source, points in _points_by_source():
        confirmed = sum(point.verified is not Verified.NONE for point in points)
        print(
            "  "
            + tr(
                "{source}: {citation} ({confirmed} of {points} values confirmed)",
                source=source.id,
                citation=source.citation,
                confirmed=confirmed,
                points=len(points),
            )
        )


def _points_by_source() -> list[tuple[Source, list[PublishedPoint]]]:
    from bandsense.bands.catalogue import load_catalogue

    points: dict[str, tuple[Source, list[PublishedPoint]]] = {}
    for each in load_catalogue():
        points.setdefault(each.source.id, (each.source, []))[1].extend(each.points)
    return list(points.values())


def _list(store: Store, *, as_json: bool) -> None:
    from bandsense.app.trainee import profiles_of

    bands = profiles_of(store).bands
    if as_json:
        for band in bands:
            print(json.dumps(_band_json(band)))
        return
    if not bands:
        print(tr("no band yet; add one with `bandsense band add NAME --rest-length-cm CM`"))
        return
    rows = [
        (
            band.id,
            band.colour or "",
            band.form.value,
            "–" if band.rest_length_m is None else f"{100 * band.rest_length_m:.0f}",
            _source(band),
        )
        for band in bands
    ]
    print(table((tr("band"), tr("colour"), tr("form"), tr("unstretched cm"), tr("tension known from")), rows))


def _source(band: BandProfile) -> str:
    if band.f100_n is not None:
        return tr("a calibration pull")
    return tr("its colour") if band.published() is not None else tr("nothing yet")


def _known(store: Store, name: str) -> BandProfile:
    from bandsense.app.trainee import profiles_of

    return profiles_of(store).band(name)


def _keep(store: Store, band: BandProfile) -> None:
    store.bands.put(band.id, band.model_dump(mode="json", by_alias=True))


def _add(store: Store, arguments: argparse.Namespace) -> None:
    from pydantic import ValidationError

    from bandsense.bands.catalogue import Form
    from bandsense.errors import ConfigError
    from bandsense.exercises.model import faults_in
    from bandsense.profiles.band import BandProfile

    if store.bands.get(arguments.name.strip()) is not None:
        raise ConfigError(
            Message(
                "there is a band called '{arguments}' already; choose another name, or measure that "
                "one again with `bandsense band pull {arguments}`",
                arguments=arguments.name,
            )
        )
    try:
        band = BandProfile(
            id=arguments.name,
            name=arguments.name,
            brand=arguments.brand,
            colour=arguments.colour,
            form=Form(arguments.form),
            rest_length_m=_metres(arguments.rest_length_cm),
            **({} if arguments.strands is None else {"strands": arguments.strands}),
        )
    except ValidationError as error:
        raise ConfigError(Message("this band is not possible: {faults}", faults=faults_in(error))) from error
    _keep(store, band)
    if arguments.json:
        print(json.dumps(_band_json(band)))
    else:
        print(tr("{band}: saved. Train with it: `bandsense live --band {band}`", band=band.id))


def _metres(length_cm: float | None) -> float | None:
    return None if length_cm is None else length_cm / 100.0


def _show(band: BandProfile) -> None:
    from bandsense.bands.band import MAX_ELONGATION

    kind = " ".join(part for part in (band.brand, band.colour, band.form.value) if part)
    print(f"{band.id}: {kind}, {trn('{n} strand', '{n} strands', band.strands)}")
    if band.rest_length_m is not None:
        most_cm = 100.0 * (1.0 + MAX_ELONGATION) * band.rest_length_m
        print(
            tr(
                "unstretched {rest_length_cm:.1f} cm; never pull it beyond {most_cm:.0f} cm",
                rest_length_cm=100 * band.rest_length_m,
                most_cm=most_cm,
            )
        )
    print(_strength(band))
    for clip in band.clip_on:
        print(
            tr(
                "calibrated with the sensor {sensor} clipped onto it, on {day}",
                sensor=clip.sensor,
                day=_day(clip.calibration.made_at_s),
            )
        )
    if band.stiffness:
        print(
            trn(
                "{n} pull so far. {notice}",
                "{n} pulls so far. {notice}",
                len(band.stiffness),
                notice=band.notice() or band.wear().message,
            )
        )


def _day(unix_s: int) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(unix_s))


def _strength(band: BandProfile) -> str:
    from bandsense.live.units import force_pair, shown_unit

    if band.f100_n is not None and band.exponent is not None:
        uncertainty_n = band.stiffness[-1].uncertainty_n if band.stiffness else 0.0
        tension = force_pair(band.strands * band.f100_n, uncertainty_n)
        return tr(
            "{tension} at twice its length, exponent {exponent:.2f} ± {uncertainty:.2f}, "
            "from its calibration pull",
            tension=f"{tension} {shown_unit().value}",
            exponent=band.exponent,
            uncertainty=band.exponent_uncertainty,
        )
    law, published = band.law(), band.published()
    if law is not None and published is not None:
        tension_n = band.strands * law.f100_n
        uncertainty_n = tension_n * published.relative_uncertainty
        return tr(
            "{tension} at twice its length, from its colour; measure it with `bandsense band pull {band}`",
            tension=f"{force_pair(tension_n, uncertainty_n)} {shown_unit().value}",
            band=band.id,
        )
    return tr("its tension is not known; measure it with `bandsense band pull {band}`", band=band.id)


# -- pull --------------------------------------------------------------------------------------------------


def _pull(store: Store, arguments: argparse.Namespace) -> BandProfile:
    from bandsense.errors import BandModelError, ConfigError

    if arguments.sim and arguments.trace is None:
        raise ConfigError(Message("--sim needs --trace FILE: the pull that the simulated sensor feels"))
    if not arguments.sim and (arguments.trace is not None or arguments.speed is not None):
        raise ConfigError(Message("--trace and --speed need --sim; a recorded pull is taken with --file"))
    band = _known(store, arguments.name)
    rest_length_m = _metres(arguments.rest_length_cm) or band.rest_length_m
    if rest_length_m is None:
        raise ConfigError(
            Message("measure the unstretched band first and give its length with --rest-length-cm")
        )
    guide = _guide(rest_length_m, band.strands, arguments)
    calibration = _read(guide, band, arguments)
    if not guide.done:
        raise BandModelError(
            Message(
                "the pull was not finished, so nothing was saved. The next step was: {instruction}",
                instruction=guide.instruction,
            )
        )
    fit = guide.fit()
    measured = band.fitted(fit)
    _keep(store, measured)
    _print_fit(fit, guide.marks_m, calibration)
    if len(measured.stiffness) > 1:
        print(said(measured.wear().message))
    return measured


def _guide(rest_length_m: float, strands: int, arguments: argparse.Namespace) -> Guide:
    from bandsense.app.stroke_pull import StrokePull
    from bandsense.bands.guided_pull import GuidedPull
    from bandsense.errors import ConfigError

    stroke_m, start_length_m = _metres(arguments.stroke_cm), _metres(arguments.start_length_cm)
    if stroke_m is None and start_length_m is not None:
        raise ConfigError(Message("--start-length-cm belongs to --stroke-cm"))
    if stroke_m is not None:
        if arguments.mark_cm is not None:
            raise ConfigError(Message("give --mark-cm or --stroke-cm, not both"))
        return StrokePull(rest_length_m, stroke_m, start_length_m, strands=strands)
    marks_m = None if arguments.mark_cm is None else [length / 100.0 for length in arguments.mark_cm]
    return GuidedPull(rest_length_m, marks_m, strands=strands)


def _read(guide: Guide, band: BandProfile, arguments: argparse.Namespace) -> AnyCalibration:
    from bandsense.app.band_pull import pull_from_trace
    from bandsense.app.environment import run_at_speed
    from bandsense.cli.traces import read_trace

    if arguments.file is not None:
        return pull_from_trace(guide, read_trace(arguments.file).block, _say)
    speed = 1.0 if arguments.speed is None else arguments.speed
    return run_at_speed(speed, _read_sensor(guide, band, arguments))


async def _read_sensor(guide: Guide, band: BandProfile, arguments: argparse.Namespace) -> AnyCalibration:
    from bandsense.app.band_pull import pull_from_sensor

    async with _air(arguments) as air:
        return await pull_from_sensor(guide, band, arguments.sensor, air, _say)


def _air(arguments: argparse.Namespace) -> AbstractAsyncContextManager[Environment]:
    from bandsense.app.environment import real_environment, recording, simulated_environment
    from bandsense.cli.traces import read_trace

    return (
        simulated_environment(recording(read_trace(arguments.trace).block), "simulator")
        if arguments.sim
        else real_environment()
    )


def _say(message: str) -> None:
    from bandsense.live.units import in_shown_unit

    print(in_shown_unit(said(message)), flush=True)


def _print_fit(fit: BandFit, marks_m: tuple[float, ...], calibration: AnyCalibration) -> None:
    from bandsense.live.formatting import tension_words
    from bandsense.live.units import shown_unit

    unit = shown_unit().value
    print(
        tr(
            "exponent {exponent:.2f} ± {exponent_uncertainty:.2f}",
            exponent=fit.exponent,
            exponent_uncertainty=fit.exponent_uncertainty,
        )
    )
    lengths_m = sorted({*marks_m, 2.0 * fit.band.rest_length_m})
    rows = [
        (
            f"{100 * length_m:.0f}",
            tension_words(
                float(fit.band.tension_n(length_m)), fit.tension_uncertainty_n(length_m)
            ).removesuffix(f" {unit}"),
        )
        for length_m in lengths_m
    ]
    print(table(("cm", unit), rows))
    print(
        tr(
            "The sensor's own span is uncertain by another {span_uncertainty:.0%}.",
            span_uncertainty=calibration.span_uncertainty,
        )
    )
