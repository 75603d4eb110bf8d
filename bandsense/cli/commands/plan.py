"""`bandsense plan`: prescriptions, from the clinician who writes one to the dose that goes back."""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.command import add_action, add_command, add_json_option, tell
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.cli.tables import table
from bandsense.language import Message, tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bandsense.cli.command import Commands
    from bandsense.profiles.person import Person
    from bandsense.profiles.prescription import Dose, DoseWeek, PrescribedExercise, Prescription
    from bandsense.store.store import Store

_HEADING = """A prescription for bandsense. Times are seconds of the hand, tensions newtons, dates are
year-month-day. Lines that are left out have their usual values. Change what you like, look at it with
`bandsense plan show FILE`, sign it if you sign, and hand it over."""


def add(commands: Commands) -> None:
    """Add the command and what can be done with prescriptions."""
    command = add_command(
        commands,
        "plan",
        run,
        details="A prescription is a small file that a clinician writes and a person imports; the "
        "dose that was done goes back in the same form. Send both as you would any other "
        "file.",
        example="bandsense plan new ada.toml --for Ada --exercise seated-row --exercise pull-apart --days 3\n"
        "bandsense plan show ada.toml\n"
        "bandsense plan import ada.toml\n"
        "bandsense live\n"
        "bandsense plan dose ada-dose.toml",
    )
    command.set_defaults(action="show", file=None, person=None)
    add_json_option(command, "one JSON object, as in the file")
    add_store_option(command, sessions=True)
    actions = command.add_subparsers(metavar="ACTION")
    _add_new(add_action(actions, "new", "write a prescription", action="new"))
    showing = add_action(
        actions,
        "show",
        "show what was imported (the default), or a file: prescription or dose",
        action="show",
    )
    showing.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: what was imported")
    showing.add_argument("--person", metavar="NAME", help="whose (default: whoever trained last)")
    taking = add_action(actions, "import", "follow a prescription from now on", action="import")
    taking.add_argument("file", type=Path, metavar="FILE")
    taking.add_argument(
        "--person", metavar="NAME", help="who follows it (default: whom it names, else whoever trained last)"
    )
    taking.add_argument(
        "--new-key", action="store_true", help="even though the previous one was signed with another key"
    )
    dosing = add_action(
        actions, "dose", "write what was done of the prescription, to hand back", action="dose"
    )
    dosing.add_argument("file", type=Path, metavar="FILE", help="to write; JSON where it ends in .json")
    dosing.add_argument("--person", metavar="NAME", help="whose (default: whoever trained last)")
    forgetting = add_action(actions, "forget", "stop following a prescription", action="forget")
    forgetting.add_argument("--person", metavar="NAME", help="whose (default: whoever trained last)")
    making = add_action(actions, "key", "make a key to sign with; keep it to yourself", action="key")
    making.add_argument("file", type=Path, metavar="FILE", help="to write; only you can read it")
    signing = add_action(
        actions, "sign", "sign a prescription, or sign it again after a change", action="sign"
    )
    signing.add_argument("file", type=Path, metavar="FILE")
    signing.add_argument("--key", type=Path, required=True, metavar="FILE", help="from `bandsense plan key`")
    schema = add_action(
        actions, "schema", "print the JSON Schema of the format, for programs", action="schema"
    )
    schema.add_argument("kind", choices=("prescription", "dose"), nargs="?", default="prescription")


def _add_new(new: argparse.ArgumentParser) -> None:
    new.add_argument("file", type=Path, metavar="FILE", help="to write; JSON where it ends in .json")
    new.add_argument("--for", dest="person", default="me", metavar="NAME", help="who it is for (default: me)")
    new.add_argument("--by", default="", metavar="NAME", help="who writes it")
    new.add_argument(
        "--exercise",
        action="append",
        default=[],
        metavar="ID",
        help="what to do; may be repeated (default: seated-row). What follows holds for each, until you "
        "change the file",
    )
    new.add_argument("--sets", type=int, metavar="N", help="sets in a session (default: 3)")
    new.add_argument("--reps", type=int, metavar="N", help="full repetitions of a set at least (default: 8)")
    new.add_argument("--reps-top", type=int, metavar="N", help="and at most (default: 4 more)")
    new.add_argument("--days", type=int, metavar="N", help="days a week (default: 3)")
    new.add_argument("--rest-s", type=float, metavar="S", help="rest between sets (default: 90)")
    new.add_argument(
        "--tempo-s",
        type=float,
        nargs=4,
        metavar=("PULL", "HOLD", "RETURN", "REST"),
        help="seconds for each phase (default: those of the exercise)",
    )
    new.add_argument(
        "--zone-n", type=float, nargs=2, metavar=("LOW", "HIGH"), help="peak tension to aim at, newtons"
    )
    new.add_argument(
        "--stop-pain", type=int, metavar="N", help="pain of N of 10 after a set ends the exercise"
    )
    new.add_argument(
        "--until", metavar="DATE", help="the last day it applies, as 2027-01-31 (default: no end)"
    )
    new.add_argument("--note", default="", metavar="TEXT", help="a line for the person")
    new.add_argument("--key", type=Path, metavar="FILE", help="sign it with this key")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    without_store = {"new": _new, "key": _key, "sign": _sign, "schema": _schema}
    if arguments.action in without_store:
        without_store[arguments.action](arguments)
        return 0
    if arguments.action == "show" and arguments.file is not None:
        _show_file(arguments)
        return 0
    store = open_store(arguments)
    if arguments.action == "import":
        _import(store, arguments)
        return 0

    from bandsense.app.prescription import forget_prescription, prescription_of
    from bandsense.app.trainee import person_named

    person = person_named(store, arguments.person)
    if arguments.action == "show":
        _show_own(store, person, as_json=arguments.json, simulated=arguments.simulated)
    elif arguments.action == "dose":
        _dose(store, person, arguments)
    else:
        prescription_of(person)
        forget_prescription(store, person)
        words = tr(
            "{person} no longer follows a prescription; the targets stay as they were", person=person.name
        )
        tell(arguments, words, person=person.id, forgotten=True)
    return 0


# -- the clinician -----------------------------------------------------------------------------------------


def _new(arguments: argparse.Namespace) -> None:
    from bandsense.errors import ConfigError
    from bandsense.profiles.prescription import write_document
    from bandsense.profiles.signing import sign

    if arguments.file.exists():
        raise ConfigError(
            Message("{file} exists already; change it by hand, or choose another name", file=arguments.file)
        )
    prescription = _prescription(arguments)
    if arguments.key is not None:
        prescription = sign(prescription, arguments.key)
    write_document(prescription, arguments.file, _HEADING)
    if arguments.json:
        print(json.dumps(prescription.content(), ensure_ascii=False))
        return
    _print_prescription(prescription)
    print(
        "\n"
        + tr(
            "wrote {file}; hand it over, and it is imported with `bandsense plan import FILE`",
            file=arguments.file,
        )
    )


def _prescription(arguments: argparse.Namespace) -> Prescription:
    from pydantic import ValidationError

    from bandsense.errors import ConfigError
    from bandsense.exercises.model import faults_in
    from bandsense.profiles.prescription import Prescription

    today = date.today().isoformat()
    names = {
        "sets": "sets",
        "reps": "reps",
        "reps_top": "reps_top",
        "days_per_week": "days",
        "rest_s": "rest_s",
    }
    asked = {name: value for name, given in names.items() if (value := getattr(arguments, given)) is not None}
    if arguments.zone_n is not None:
        asked["zone_n"] = arguments.zone_n
    stop = {} if arguments.stop_pain is None else {"pain": arguments.stop_pain}
    data = {
        "id": f"{arguments.person} {today}",
        "person": arguments.person,
        "prescriber": arguments.by,
        "issued": today,
        "until": arguments.until,
        "note": arguments.note,
        "stop": stop,
        "exercise": [
            {"exercise": each, "tempo": _tempo(each, arguments.tempo_s), **asked}
            for each in arguments.exercise or ["seated-row"]
        ],
    }
    try:
        return Prescription.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise ConfigError(
            Message("this prescription is not possible: {faults}", faults=faults_in(error))
        ) from error


def _tempo(exercise: str, asked_s: list[float] | None) -> dict[str, float]:
    """Give the tempo that is asked for, else that of the exercise, so that it can be seen and changed."""
    from bandsense.app.prescription import exercise_named

    usual = exercise_named(exercise).tempo
    usual_s = [usual.concentric_s, usual.hold_s, usual.eccentric_s, usual.rest_s]
    return dict(zip(("pull_s", "hold_s", "return_s", "rest_s"), asked_s or usual_s, strict=True))


def _key(arguments: argparse.Namespace) -> None:
    from bandsense.profiles.signing import make_key

    name = make_key(arguments.file)
    words = tr(
        "wrote {file}; keep it to yourself, and a copy in a safe place\ntell the "
        "people you sign for its fingerprint, by voice or on paper: {name}",
        file=arguments.file,
        name=name,
    )
    tell(arguments, words, path=arguments.file, fingerprint=name)


def _sign(arguments: argparse.Namespace) -> None:
    from bandsense.profiles.prescription import write_document
    from bandsense.profiles.signing import check_signature, sign

    signed = sign(_read_prescription(arguments.file), arguments.key)
    write_document(signed, arguments.file, _HEADING)
    fingerprint = check_signature(signed)
    words = tr("signed {file} with the key {fingerprint}", file=arguments.file, fingerprint=fingerprint)
    tell(arguments, words, path=arguments.file, fingerprint=fingerprint)


def _schema(arguments: argparse.Namespace) -> None:
    from bandsense.profiles.prescription import Dose, Prescription

    model = Prescription if arguments.kind == "prescription" else Dose
    print(json.dumps(model.model_json_schema(), indent=1))


# -- the person --------------------------------------------------------------------------------------------


def _read_prescription(path: Path) -> Prescription:
    from bandsense.errors import ConfigError
    from bandsense.profiles.prescription import Prescription, read_document

    document = read_document(path)
    if not isinstance(document, Prescription):
        raise ConfigError(
            Message(
                "{path} is a dose, not a prescription; look at it with `bandsense plan show {path}`",
                path=path,
            )
        )
    return document


def _import(store: Store, arguments: argparse.Namespace) -> None:
    from bandsense.app.prescription import import_prescription

    prescription = _read_prescription(arguments.file)
    person = import_prescription(store, prescription, arguments.person, new_key=arguments.new_key)
    if arguments.json:
        print(json.dumps({"person": person.id, "prescription": prescription.content()}, ensure_ascii=False))
        return
    _print_prescription(prescription)
    print("\n" + tr("{person} follows it from now on; train with `bandsense live`", person=person.name))


def _show_file(arguments: argparse.Namespace) -> None:
    from bandsense.profiles.prescription import Prescription, read_document
    from bandsense.profiles.signing import check_signature

    document = read_document(arguments.file)
    if isinstance(document, Prescription):
        check_signature(document)
    if arguments.json:
        print(json.dumps(document.content(), ensure_ascii=False))
    elif isinstance(document, Prescription):
        _print_prescription(document)
    else:
        _print_dose(document)


def _show_own(store: Store, person: Person, *, as_json: bool, simulated: bool) -> None:
    from bandsense.app.prescription import dose_of, prescription_of
    from bandsense.live.units import show_in

    prescription = prescription_of(person)
    if as_json:
        print(json.dumps(prescription.content(), ensure_ascii=False))
        return
    show_in(person.unit)
    _print_prescription(prescription)
    print()
    _print_dose(dose_of(store, person, date.today(), simulated=simulated))


def _dose(store: Store, person: Person, arguments: argparse.Namespace) -> None:
    from bandsense.app.prescription import dose_of
    from bandsense.profiles.prescription import write_document

    dose = dose_of(store, person, date.today(), simulated=arguments.simulated)
    path: Path = arguments.file
    write_document(dose, path, "What was done of a prescription, by bandsense; see: bandsense plan show FILE")
    if arguments.json:
        print(json.dumps(dose.content(), ensure_ascii=False))
        return
    _print_dose(dose)
    print()
    if arguments.simulated:
        print(tr("wrote {path}", path=path))
    else:
        print(tr("wrote {path}; hand it back to whoever prescribed it", path=path))


# -- in words ----------------------------------------------------------------------------------------------


def _print_prescription(prescription: Prescription) -> None:
    told = [tr("for {person}", person=prescription.person)]
    if prescription.prescriber:
        told.append(tr("written by {prescriber}", prescriber=prescription.prescriber))
    told.append(tr("from {issued}", issued=prescription.issued))
    if prescription.until:
        told.append(tr("until {until}", until=prescription.until))
    print(", ".join(told))
    if prescription.note:
        print(prescription.note)
    print(
        table(
            (tr("exercise"), tr("sets"), tr("days a week"), tr("tempo s"), tr("rest s"), tr("zone")),
            map(_row, prescription.exercise),
        )
    )
    for each in prescription.exercise:
        if each.note:
            print(f"{each.exercise}: {each.note}")
    print(tr("stop: {stop_words}", stop_words=_stop_words(prescription)))
    print(_signed_words(prescription))


def _row(each: PrescribedExercise) -> tuple[str, ...]:
    from bandsense.live.units import force_range

    tempo = each.tempo
    return (
        each.exercise,
        f"{each.sets} x {each.reps}-{each.most_reps}",
        str(each.days_per_week),
        tr("usual")
        if tempo is None
        else f"{tempo.pull_s:g}-{tempo.hold_s:g}-{tempo.return_s:g}-{tempo.rest_s:g}",
        f"{each.rest_s:g}",
        tr("any") if each.zone_n is None else force_range(*each.zone_n),
    )


def _stop_words(prescription: Prescription) -> str:
    stop = prescription.stop
    reasons = [
        *([] if stop.pain is None else [tr("pain of {pain} of 10 or more after a set", pain=stop.pain)]),
        *([tr("a band that snaps or slips off")] if stop.snapped_band else []),
    ]
    if not reasons:
        return tr("no rule")
    if len(reasons) == 1:
        return tr("{reason} ends the exercise for the day", reason=reasons[0])
    return tr("{first} or {second} ends the exercise for the day", first=reasons[0], second=reasons[1])


def _signed_words(prescription: Prescription) -> str:
    from bandsense.profiles.signing import fingerprint

    if prescription.signature is None:
        return tr("not signed")
    return tr("signed with the key {key}", key=fingerprint(prescription.signature))


def _print_dose(dose: Dose) -> None:
    if dose.simulated:
        print(tr("simulated: nobody trained this"))
    print(
        tr(
            "done from {first_day} to {last_day}, of the prescription {prescription}",
            first_day=dose.first_day,
            last_day=dose.last_day,
            prescription=dose.prescription,
        )
    )
    heads = (
        tr("exercise"),
        tr("week of"),
        tr("days"),
        tr("sets"),
        tr("full reps"),
        tr("under tension s"),
        tr("pain"),
        tr("effort"),
    )
    print(table(heads, _dose_rows(dose)))
    untimed = sum(week.untimed_sets or 0.0 for each in dose.exercise for week in each.week)
    if untimed:
        print(
            tr(
                "under tension without {sets:g} of the sets, in which the sensor could not tell the time",
                sets=untimed,
            )
        )


def _time_words(week: DoseWeek) -> str:
    return "–" if week.time_under_tension_s is None else f"{week.time_under_tension_s:.0f}"


def _dose_rows(dose: Dose) -> Iterator[tuple[str, ...]]:
    for each in dose.exercise:
        for week in each.week:
            yield (
                each.exercise,
                str(week.monday),
                f"{week.days} of {each.days_per_week}",
                f"{week.sets:g} of {each.sets_per_week}",
                f"{week.full_reps:g} of {each.reps_per_week}",
                f"{_time_words(week)} of {each.time_under_tension_s_per_week:.0f}",
                "–" if week.worst_pain is None else str(week.worst_pain),
                "–" if week.hardest_effort is None else str(week.hardest_effort),
            )
