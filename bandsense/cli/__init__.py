"""The command line: find the command, parse for it, run it. Only what that command needs is imported."""

from __future__ import annotations

import argparse
import contextlib
import contextvars
import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence

from bandsense.cli.catalogue import COMMANDS, module_of
from bandsense.cli.parser import Parser, in_language
from bandsense.errors import BandsenseError

__all__ = ["main", "parser"]

_OUR_MISTAKE = (
    "\nThis is a mistake in bandsense, not yours; what was recorded is safe. Please report it, with the file "
    "that `bandsense doctor --bundle report.zip` writes."
)

_INTERRUPTED = 130
"""The exit status of a program ended with Ctrl-C: 128 + SIGINT."""


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """Build the whole command line, or what one command needs of it: the others then have no options."""
    top = Parser(
        prog="bandsense",
        description="Companion for a strain-gauge sensor on a resistance band: live tension, repetitions, "
        "slack advice, sessions.",
        epilog="No sensor at hand? Try `bandsense demo`. `bandsense COMMAND --help` explains a command.",
    )
    top.add_argument("--version", action="store_true", help="print the version and exit")
    top.add_argument(
        "--language",
        metavar="CODE",
        help="speak this language, en or de (default: what BANDSENSE_LANGUAGE says); works after "
        "a command, too",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for name, summary in COMMANDS.items():
        if only in (None, name):
            from bandsense.cli.command import share_with_actions

            importlib.import_module(module_of(name)).add(commands)
            share_with_actions(commands.choices[name])
        else:
            commands.add_parser(name, help=summary, add_help=False)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit status: 0 done, 1 it failed (said on standard error), 2 wrong usage."""
    words, wanted = _without_language(sys.argv[1:] if argv is None else argv)
    if wanted is None and "bandsense.language" not in sys.modules:
        return _parsed(words)  # in English, which takes no catalogue
    from bandsense.language import languages, program_speaking

    try:
        with program_speaking(wanted):
            return _parsed(words)
    except ValueError as error:
        if wanted is None or wanted in languages():
            raise
        print(f"bandsense: {error}", file=sys.stderr)
        return 2


def _parsed(words: Sequence[str]) -> int:
    """Parse the words and run the command."""
    _print_whatever_the_encoding()
    top = parser(next((word for word in words if not word.startswith("-")), ""))
    arguments = top.parse_args(words)
    if arguments.version:
        from bandsense import __version__

        print(f"bandsense {__version__}")
        return 0
    if "run" not in arguments:
        top.print_help()
        return 2
    if any(isinstance(value, str) and not _is_text(value) for value in vars(arguments).values()):
        told = in_language("a name contains bytes that are not UTF-8 text; give another")
        print(f"bandsense: {told}", file=sys.stderr)
        return 1
    return _guarded(arguments)


def _without_language(words: Sequence[str]) -> tuple[list[str], str | None]:
    """Take `--language CODE`, wherever it stands, from the words; else what BANDSENSE_LANGUAGE says."""
    wanted, rest = os.environ.get("BANDSENSE_LANGUAGE") or None, list(words)
    for index, word in enumerate(rest):
        if word == "--":
            break
        if word.startswith("--language="):
            wanted = word.partition("=")[2]
            del rest[index]
            break
        if word == "--language" and index + 1 < len(rest):
            wanted = rest[index + 1]
            del rest[index : index + 2]
            break
    return rest, wanted


def _guarded(arguments: argparse.Namespace) -> int:
    """Run the command that was parsed, and say how it failed, if it did."""
    from bandsense.cli.store_option import telling_store

    with telling_store(arguments):
        return _told(arguments)


def _told(arguments: argparse.Namespace) -> int:
    from bandsense.language import said

    try:
        # What a command sets for its views, such as the unit of force, ends with it.
        status = contextvars.copy_context().run(_run, arguments)
        if not sys.stdout.closed:
            sys.stdout.flush()
    except BandsenseError as error:
        print(f"bandsense: {said(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _leave_output()  # whoever read it has enough, as with `| head`
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO):
            raise
        _leave_output()
        if error.errno == errno.EIO:  # the terminal was closed: there is nobody to tell
            return 1
        told = in_language("the output cannot be written: the disk is full; free some space")
        print(f"bandsense: {told}", file=sys.stderr)
        return 1
    return status


def _is_text(value: str) -> bool:
    """Tell whether a value was text: bytes that are none come as halves of surrogate pairs (PEP 383)."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _print_whatever_the_encoding() -> None:
    """Have a character that the terminal or file cannot take (±, ▲) replaced, which is no reason to stop."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _leave_output() -> None:
    """Write no more: Python would complain once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: argparse.Namespace) -> int:
    """Run the command, and keep in the log how it failed, if it did; what programs read is in English."""
    import logging

    from bandsense.app.log_file import log_to_file
    from bandsense.app.paths import home
    from bandsense.language import ENGLISH, speaking

    logger = logging.getLogger(__name__)
    language = speaking(ENGLISH) if getattr(arguments, "json", False) else contextlib.nullcontext()
    with log_to_file(home()), language:
        try:
            status: int = arguments.run(arguments)
        except BandsenseError as error:
            logger.warning("%s: %s", type(error).__name__, error)
            raise
        except OSError:  # of the output: see `main`
            raise
        except Exception as error:
            logger.exception("a mistake in this program")
            error.add_note(_OUR_MISTAKE)
            raise
        return status
