"""`bandsense calibrate`: find a sensor's calibration with known masses."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command
from bandsense.cli.store_option import add_store_option
from bandsense.language import Message, mark, number, said, tr

if TYPE_CHECKING:
    from bandsense.calibration.fit import CalibrationReport
    from bandsense.calibration.procedure import CalibrationProcedure, Instruction
    from bandsense.cli.command import Commands
    from bandsense.link.ble.adapter import Transport
    from bandsense.link.sensor import LinkEvent, Sensor
    from bandsense.store.store import Store


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "calibrate",
        run,
        details="Warm-up, exercise, masses up and down in several runs, and a creep test; then the "
        "result with its uncertainty, which the sensor stores if you want. Water bottles on "
        "a kitchen scale will do: say --masses-are weighed. If the readings do not fit the "
        "masses, you are asked what is wrong. A sensor that is clipped onto a band reads "
        "each band in its own way, and differently while tension grows and while it falls: "
        "with --clip-on --band both curves are saved with the band.",
        example="bandsense calibrate --masses 2.04,5.11,10.2 --masses-are weighed\n"
        "bandsense calibrate 4F2A --masses 5,10 --masses-are plates --quick\n"
        "bandsense calibrate --clip-on --band red --masses 2,4,6,8",
    )
    command.add_argument("sensor", nargs="?", help="name, end of the name, or address (default: the nearest)")
    command.add_argument(
        "--masses",
        required=True,
        metavar="KG,KG",
        help="what will be hung, in kilograms, with all places that a scale showed",
    )
    command.add_argument(
        "--masses-are",
        choices=("weighed", "plates", "bottles", "typed"),
        default="typed",
        help="where their numbers come from: a scale, the stamp on plates, litres of water in bottles, or "
        "not said; decides how sure the result is (default: typed)",
    )
    command.add_argument("--runs", type=int, default=3, metavar="N", help="times up and down (default: 3)")
    command.add_argument("--quick", action="store_true", help="one run, no warm-up, no creep: less sure")
    command.add_argument("--clip-on", action="store_true", help="the sensor is clipped onto the band")
    command.add_argument(
        "--band", metavar="NAME", help="the band that it is clipped onto; it keeps the curves"
    )
    add_store_option(command)
    command.add_argument("--gravity", type=float, metavar="M/S2", help="local gravity, where it is known")


def run(arguments: argparse.Namespace) -> int:
    """Lead through a calibration."""
    import asyncio

    from bandsense.app.clip_on import check_clip_on
    from bandsense.cli.store_option import open_store
    from bandsense.errors import CalibrationError

    if not sys.stdin.isatty():
        raise CalibrationError(Message("a calibration asks and waits for answers; run it in a terminal"))
    store = None if arguments.band is None else open_store(arguments)
    if store is not None:
        print(check_clip_on(store, arguments.band, clip_on=arguments.clip_on))
    asyncio.run(calibrate(arguments, store))
    return 0


def procedure_of(arguments: argparse.Namespace) -> CalibrationProcedure:
    """Choose the procedure that the command line asks for.

    Raises:
        CalibrationError: the masses are no masses, or too few for two curves.
    """
    from bandsense.calibration.fit import Conditions
    from bandsense.calibration.procedure import CalibrationPlan, CalibrationProcedure
    from bandsense.calibration.reference_masses import MassKind, division_of
    from bandsense.errors import CalibrationError

    written = arguments.masses.split(",")
    try:
        masses = tuple(float(mass) for mass in written)
    except ValueError:
        raise CalibrationError(
            Message("{masses!r} are not masses; write them like 2,5,10", masses=arguments.masses)
        ) from None
    if arguments.quick:
        plan = CalibrationPlan(masses, runs=1, warm_up_s=0.0, exercises=1, creep_s=0.0)
    else:
        plan = CalibrationPlan(masses, runs=arguments.runs)
    if arguments.band is not None and len(plan.masses_kg) < 2:
        # The largest mass is only ever reached from below.
        raise CalibrationError(
            Message("the curves of a clip on a band need two masses; three or more are better")
        )
    kind = MassKind(arguments.masses_are)
    known = Conditions(
        masses=kind,
        division_kg=division_of(written) if kind is MassKind.WEIGHED else 0.0,
        gravity_m_s2=arguments.gravity,
        inline=not arguments.clip_on,
    )
    return CalibrationProcedure(plan, known)


def _teller() -> Callable[[LinkEvent], None]:
    """Return what prints how the link changes, each message once until an attempt succeeds."""
    from bandsense.link.sensor import LinkState

    told: set[str] = set()

    def tell(event: LinkEvent) -> None:
        if event.state is LinkState.CONNECTED:
            told.clear()
        if event.message not in told:
            told.add(event.message)
            print(said(event.message), flush=True)

    return tell


async def calibrate(
    arguments: argparse.Namespace, store: Store | None = None, transport: Transport | None = None
) -> None:
    """Lead through a calibration of a sensor; one on a named band is kept in the store.

    Raises:
        CalibrationError: the sensor sends newtons or kilograms already; nobody is sent to hang masses for it.
    """
    from bandsense.app.clip_on import curves, keep_curves
    from bandsense.app.guided_calibration import guide
    from bandsense.errors import CalibrationError
    from bandsense.link.sensor import open_sensor
    from bandsense.samples import Unit

    procedure = procedure_of(arguments)
    async with open_sensor(arguments.sensor, transport=transport, on_event=_teller()) as sensor:
        if sensor.information.unit is not Unit.COUNT:
            raise CalibrationError(
                Message(
                    "{sensor} was calibrated by its maker and takes no other calibration; if it shows "
                    "tension with nothing on it, set its zero",
                    sensor=sensor.information.name,
                )
            )

        async def ask(step: Instruction) -> bool:
            share = f"[{number(procedure.progress, '.0%')}]"
            how = tr("Press Enter when it is done, s to skip it: ")
            return await _answer(f"\n{share} {said(step.text)}\n{how}") != "s"

        await guide(procedure, sensor.stream(), ask, lambda words: print(said(words)))
        await _ask_about_masses(procedure)
        made_at_s = int(time.time())
        if store is None:
            report = procedure.result(made_at_s=made_at_s)
            print("\n".join(report_lines(report)))
            await _offer(sensor, report)
            return
        loading, unloading = curves(procedure, made_at_s)
        for name, curve in ((tr("while tension grows"), loading), (tr("while it falls"), unloading)):
            print("\n".join((f"\n{name}", *report_lines(curve))))
        from bandsense.cli.prompts import is_yes

        asked = "\n" + tr("Save both curves with the band {band}? [y/N] ", band=arguments.band)
        if not is_yes(await _answer(asked)):
            print(tr("not saved"))
            return
        found = (loading, unloading)
        kept = await keep_curves(sensor, store, arguments.band, found, lambda words: print(said(words)))
        print(said(kept))


async def _ask_about_masses(procedure: CalibrationProcedure) -> None:
    """Ask about a mistake that explains the residuals, until none does or the person leaves it."""
    from bandsense.errors import CalibrationError

    while (suspicion := procedure.result().suspicion) is not None:
        print(f"\n{said(suspicion.question)}")
        answer = await _answer(tr(_HOW_TO_ANSWER))
        try:
            corrected = _correction(answer)
            if corrected is None:
                print(tr("left as it is; that makes the result less certain"))
                return
            procedure.correct(*corrected)
        except CalibrationError as error:
            print(said(error))


_HOW_TO_ANSWER = mark(
    "What is right? strap 0.3 for what hung with every mass, 5=4.2 for what a mass weighs, 5=- to leave it\n"
    "out, Enter if all is as you said: "
)


def _correction(answer: str) -> tuple[dict[float, float | None], float] | None:
    """Parse what is said of the masses, and of a strap; None if all is right.

    Raises:
        CalibrationError: it cannot be understood; its text says what to write.
    """
    from bandsense.errors import CalibrationError

    words = answer.replace("=", " ").replace("kg", " ").split()
    if not words:
        return None
    try:
        if words[0] == "strap":
            return {}, float(words[1])
        return {float(words[0]): None if words[1] == "-" else float(words[1])}, 0.0
    except (IndexError, ValueError):
        raise CalibrationError(
            Message("{answer!r} is not understood; write strap 0.3, or 5=4.2, or 5=-", answer=answer)
        ) from None


async def _answer(question: str) -> str:
    from bandsense.cli.prompts import ask

    return (await ask(question)).lower()


async def _offer(sensor: Sensor, report: CalibrationReport) -> None:
    """Let the sensor keep it, if the person wants."""
    from bandsense.app.sensor_calibration import to_record
    from bandsense.app.temperature import keeping_temperature, known_temperature
    from bandsense.cli.prompts import is_yes

    if not is_yes(await _answer("\n" + tr("Store this calibration in the sensor? [y/N] "))):
        print(tr("not saved"))
        return
    await sensor.stop()
    temperature_c = await known_temperature(sensor, lambda words: print(said(words)))
    found = keeping_temperature(report.calibration, temperature_c, sensor.information.calibration)
    await sensor.device.write_calibration(to_record(found, report.largest_n))
    print(tr("stored in the sensor"))


def report_lines(report: CalibrationReport) -> list[str]:
    """Describe the calibration, for people."""
    from bandsense.cli.tables import table

    calibration = report.calibration
    per_count = tr(
        "{span} N per {unit}", span=number(calibration.newton_per_unit, ".6g"), unit=calibration.unit.value
    )
    expanded = tr(
        "{uncertainty_n:.2f} N at {largest_n:.0f} N",
        uncertainty_n=report.expanded_uncertainty_n,
        largest_n=report.largest_n,
    )
    figures = [
        (tr("span"), per_count),
        (tr("zero"), number(calibration.zero, ".0f")),
        (tr("order"), str(report.order)),
        (tr("residual"), f"{number(report.residual_n, '.3f')} N"),
        (tr("non-linearity"), number(report.nonlinearity, ".2%")),
        (tr("hysteresis"), number(report.hysteresis, ".2%")),
        (tr("repeatability"), number(report.repeatability, ".2%")),
        (tr("zero return"), number(report.zero_return, ".2%")),
        (tr("creep"), tr("not measured") if report.creep is None else number(report.creep, "+.2%")),
        (tr("uncertainty (k = 2)"), expanded),
    ]
    budget = [
        (
            tr(part.name),
            number(part.standard_uncertainty_n, ".3f"),
            tr("measured") if part.measured else tr("known beforehand"),
        )
        for part in report.budget
    ]
    return [
        table((tr("figure"), tr("value")), figures),
        "",
        table((tr("uncertainty from"), "N (k = 1)", ""), budget),
        *(tr("note: {note}", note=note) for note in report.notes),
    ]
