"""`bandsense store`: the file with all sessions, looked after."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import server_address
from bandsense.cli.command import add_action, add_command, add_json_option, tell
from bandsense.cli.progress import shares
from bandsense.cli.store_option import add_store_option, chosen_store, open_store, store_path
from bandsense.errors import StoreError
from bandsense.language import Message, mark, tr, trn

if TYPE_CHECKING:
    from bandsense.cli.command import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "store",
        run,
        details="A backup may be made while a session is recorded. A rescue needs no other program, and "
        "leaves the damaged file as it is.",
        example="bandsense store check\nbandsense store backup ~/bandsense-backup.sqlite3\n"
        "bandsense store restore ~/bandsense-backup.sqlite3\nbandsense store rescue --replace\n"
        "bandsense store init postgresql://admin@server/clinics --clinic north --login anna",
    )
    add_json_option(command, "one JSON object, or one per finding")
    add_store_option(command, sessions=True)
    tasks = command.add_subparsers(title="what to do", metavar="TASK")
    add_action(tasks, "check", "check all of it; the exit status is 1 where there is damage", run=_check)
    backup = add_action(tasks, "backup", "copy it, also while it is in use", run=_backup)
    backup.add_argument("file", type=Path, help="a new file")
    restoring = add_action(
        tasks, "restore", "put a backup in its place; what is there now is kept beside it", run=_restore
    )
    restoring.add_argument("file", type=Path, help="the backup")
    rescue = add_action(tasks, "rescue", "write what can be read of a damaged one to a new file", run=_rescue)
    rescue.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="default: beside it, with `.rescued` behind its name",
    )
    rescue.add_argument(
        "--replace",
        action="store_true",
        help="put the new file in its place; the damaged one is kept beside it",
    )
    init = add_action(
        tasks, "init", "prepare a PostgreSQL database for clinics, and let logins in", run=_init
    )
    init.description = mark(
        "Prepare a PostgreSQL database for clinics, or bring it up to date, as its owner. A login that is "
        "missing is made; its password is printed once. Doing it again changes nothing."
    )
    init.add_argument("address", type=server_address, metavar="URL", help="postgresql://OWNER@HOST/DATABASE")
    init.add_argument("--clinic", required=True, metavar="NAME", help="the clinic that the logins belong to")
    init.add_argument(
        "--login", action="append", default=[], metavar="NAME", help="a member of the clinic; may be repeated"
    )
    init.add_argument(
        "--person", metavar="ID", help="these logins are this person's, and see this person's sessions alone"
    )


def run(arguments: argparse.Namespace) -> int:
    """Say what can be done."""
    print(
        tr("say what to do: bandsense store check|backup|restore|rescue|init (--help explains)"),
        file=sys.stderr,
    )
    return 2


def _require_store(arguments: argparse.Namespace) -> None:
    """See that a file that is meant is there, or at least its log: opening it would make a new one."""
    path = chosen_store(arguments)
    if isinstance(path, Path) and not any(
        path.with_name(path.name + ending).exists() for ending in ("", "-wal")
    ):
        raise StoreError(
            Message("there is no store {path}; record a session first, or name another file", path=path)
        )


def _check(arguments: argparse.Namespace) -> int:
    from bandsense.store.maintenance import check

    status = 0
    _require_store(arguments)
    with shares("checking") as done:
        findings = list(check(open_store(arguments), done))
    for finding in findings:
        status = 1
        if arguments.json:
            print(json.dumps(asdict(finding)))
        else:
            print(
                finding.problem
                if finding.session is None
                else tr("session {session}: {problem}", session=finding.session, problem=finding.problem)
            )
    if not status and not arguments.json:
        print(tr("everything can be read"))
    return status


def _backup(arguments: argparse.Namespace) -> int:
    from bandsense.store.maintenance import back_up

    _require_store(arguments)
    with shares("copying") as done:
        back_up(open_store(arguments), arguments.file, done)
    tell(arguments, str(arguments.file), path=arguments.file)
    return 0


def _restore(arguments: argparse.Namespace) -> int:
    from bandsense.store.maintenance import restore

    kept = restore(arguments.file, store_path(arguments))
    tell(
        arguments,
        tr("restored to {store_path}", store_path=store_path(arguments)),
        path=store_path(arguments),
        kept=kept,
    )
    if kept is not None and not arguments.json:
        print(tr("what was there is kept as {kept}", kept=kept))
    return 0


def _rescue(arguments: argparse.Namespace) -> int:
    from bandsense.app.told_commands import quoted
    from bandsense.store.maintenance import exchange
    from bandsense.store.rescue import rescue

    _require_store(arguments)
    source = store_path(arguments)
    # What replaces the store needs a name for a moment only; that of an earlier rescue may be taken.
    ending = f"rescued-{time.strftime('%Y%m%d-%H%M%S')}" if arguments.replace else "rescued"
    target = arguments.output or source.with_name(f"{source.name}.{ending}")
    report = rescue(source, target)
    if arguments.json:
        print(json.dumps(asdict(report) | {"path": str(report.path)}))
    else:
        print(
            tr(
                "{sessions}, {samples} rescued",
                sessions=trn("{n} session", "{n} sessions", report.rows.get("sessions", 0)),
                samples=trn("{n} sample", "{n} samples", report.samples),
            )
        )
        for number, words in (
            (
                report.damaged_pieces,
                mark("damaged pieces of raw data left out, with gaps marked: {number}"),
            ),
            (report.damaged_frames, mark("damaged pages of the log left out: {number}")),
            (report.lost, mark("rows that could not be read: {number}")),
        ):
            if number:
                print(tr(words, number=number))
    if arguments.replace:
        kept = exchange(target, source, "damaged")
        target = source
        print(tr("the damaged file is kept as {kept}", kept=kept), file=sys.stderr)
    elif not arguments.json:
        there = quoted(str(target))
        print(tr("continue with it: --store {target}, or `bandsense store rescue --replace`", target=there))
    if not arguments.json:
        print(target)
    return 0


def _init(arguments: argparse.Namespace) -> int:
    from bandsense.store.clinics import prepare_server

    logins = prepare_server(arguments.address, arguments.clinic, arguments.login, arguments.person)
    for new in logins:
        if arguments.json:
            print(json.dumps({"login": new.login, "password": new.password, "clinic": arguments.clinic}))
        elif new.password is None:
            print(tr("{login} belongs to the clinic {clinic}", login=new.login, clinic=arguments.clinic))
        else:
            print(tr("{login} belongs to the clinic {clinic}", login=new.login, clinic=arguments.clinic))
            print(tr("its password, which is shown only now: {password}", password=new.password))
    if not arguments.json and not logins:
        print(tr("{address} is ready; let colleagues in with --login NAME", address=arguments.address))
    return 0
