"""`bandsense contribute`: give a recording to the project."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from bandsense.cli.command import add_command, add_json_option, tell
from bandsense.language import Message, said, tr

if TYPE_CHECKING:
    from bandsense.app.contribution import Checked
    from bandsense.cli.command import Commands


def add(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "contribute",
        run,
        details="Reads a force trace and a file with labels, tells what does not fit, and writes a ZIP with "
        "both, without anything that names a person. Nothing leaves this computer.",
        example="bandsense contribute --template labels.toml\n"
        "bandsense contribute set.csv labels.toml --out set.zip",
    )
    command.add_argument(
        "recording", type=Path, nargs="?", help="the force trace, as `bandsense analyze` reads it"
    )
    command.add_argument("labels", type=Path, nargs="?", help="what was done, in TOML")
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="the ZIP; without it the files are only checked"
    )
    add_json_option(command)
    command.add_argument(
        "--template", type=Path, metavar="FILE", help="write an empty labels file to fill in"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write a template, or check the files and pack them."""
    from bandsense.app.contribution import check, pack
    from bandsense.errors import ConfigError
    from bandsense.profiles.recording_labels import TEMPLATE

    if arguments.template is not None:
        if arguments.template.exists():
            raise ConfigError(
                Message("{template} exists already; name another file", template=arguments.template)
            )
        arguments.template.write_text(TEMPLATE, encoding="utf-8")
        words = tr(
            "{template}: fill it in, then `bandsense contribute RECORDING {template}`",
            template=arguments.template,
        )
        tell(arguments, words, path=arguments.template)
        return 0
    if arguments.recording is None or arguments.labels is None:
        raise ConfigError(
            Message("name the recording and its labels; `--template FILE` writes labels to fill in")
        )
    checked = check(arguments.recording, arguments.labels)
    block = checked.recording.block
    if arguments.json:
        _tell_programs(checked, None if arguments.out is None else pack(checked, arguments.out))
        return 0
    print(
        tr(
            "{exercise}: {repetitions} repetitions by label, {counted} as bandsense "
            "counts, in {time_s:.1f} s at {rate_hz:.3g} samples a second",
            exercise=checked.labels.exercise,
            repetitions=checked.labels.repetitions,
            counted=checked.counted,
            time_s=block.time_s[-1],
            rate_hz=checked.rate_hz,
        )
    )
    for question in checked.questions:
        print(f"? {said(question)}")
    if arguments.out is not None:
        digest = pack(checked, arguments.out)
        print(
            tr(
                "{out}: trace {digest}; how to hand it in: docs/recording.md",
                out=arguments.out,
                digest=digest[:12],
            )
        )
    return 0


def _tell_programs(checked: Checked, digest: str | None) -> None:
    figures = {
        "exercise": checked.labels.exercise,
        "labelled": checked.labels.repetitions,
        "counted": checked.counted,
        "duration_s": float(checked.recording.block.time_s[-1]),
        "rate_hz": checked.rate_hz,
    }
    print(json.dumps(figures | {"questions": list(checked.questions), "digest": digest}))
