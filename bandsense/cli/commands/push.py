"""`bandsense push`: sessions and profiles brought to a clinic's server."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from bandsense.cli.argument_types import server_address
from bandsense.cli.command import add_command, add_json_option
from bandsense.cli.progress import shares
from bandsense.cli.store_option import add_store_option, open_store
from bandsense.language import mark, tr

if TYPE_CHECKING:
    from bandsense.cli.command import Commands

_WORDS = {
    "sent": mark("sent"),
    "changed": mark("brought up to date there"),
    "same": mark("the same on both sides"),
    "changed there": mark("changed there only, and left alone"),
    "deleted there": mark("deleted there for good, and left alone"),
    "conflict": mark("changed on both sides, and left alone on both"),
}


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "push",
        run,
        details="Only what is new or changed is sent; pushing again sends nothing twice, and "
        "continues where it was cut off. What was changed on both sides is listed and left "
        "alone, with exit status 1. Sessions that are being recorded wait for the next time.",
        example="bandsense push postgresql://anna@db.clinic.example/clinics",
    )
    command.add_argument(
        "address", type=server_address, metavar="URL", help="postgresql://LOGIN@HOST/DATABASE"
    )
    command.add_argument(
        "--overwrite", action="store_true", help="replace what was changed there with what is here"
    )
    add_json_option(command, "one JSON object per session or profile")
    add_store_option(command, sessions=True)


def run(arguments: argparse.Namespace) -> int:
    """Push, and tell what came of it."""
    from bandsense.store.push import push
    from bandsense.store.store import Store

    here, there = open_store(arguments), Store.open(arguments.address)
    found: Counter[str] = Counter()
    samples = 0
    with shares("pushing") as done:
        for each in push(here, there, overwrite=arguments.overwrite, progress=done):
            found[each.outcome] += 1
            samples += each.samples
            if arguments.json:
                print(json.dumps(asdict(each)), flush=True)
            elif each.outcome in ("conflict", "changed there", "deleted there"):
                print(f"{each.kind} {each.name}: {tr(_WORDS[each.outcome])}")
    if not arguments.json:
        told = [f"{found[outcome]} {tr(words)}" for outcome, words in _WORDS.items() if found[outcome]]
        print(
            tr(
                "{told} ({samples} samples sent)",
                told="; ".join(told) or tr("there is nothing to send"),
                samples=samples,
            )
        )
    if found["conflict"]:
        print(
            tr(
                "look at both (`bandsense show`, and the same with --store {url}); --overwrite takes what is "
                "here",
                url=arguments.address,
            ),
            file=sys.stderr,
        )
    return 1 if found["conflict"] else 0
