"""A command line that says what was probably meant."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from typing_extensions import override
else:  # it costs a start of `bandsense --help` a tenth, for nothing

    def override(method: object) -> object:
        return method


__all__ = ["Help", "Parser", "RawHelp", "in_language"]

_CHOICE = "invalid choice: %(value)r (choose from %(choices)s)"
_MISSING = "the following arguments are required: %s"
_UNKNOWN = "unrecognized arguments: %s"

OF_ARGPARSE = (
    _CHOICE,
    _MISSING,
    _UNKNOWN,
    "usage: ",
    "positional arguments",
    "options",
    "show this help message and exit",
    "%(prog)s: error: %(message)s\n",
    "argument %(argument_name)s: %(message)s",
    "invalid %(type)s value: %(value)r",
    "expected one argument",
    "expected at most one argument",
    "expected at least one argument",
    "expected %s argument",
    "expected %s arguments",
    "not allowed with argument %s",
    "one of the arguments %s is required",
    "ignored explicit argument %r",
    "ambiguous option: %(option)s could match %(matches)s",
    "unexpected option string: %s",
    "unknown parser %(parser_name)r (choices: %(choices)s)",
)
"""What argparse says to whoever runs a program; the rest it says to whoever writes one."""


def in_language(text: str) -> str:
    """Return a text of the help in the language that is spoken.

    In English nothing is looked up, and `bandsense.language` is not even imported: help is there at once.
    """
    language = sys.modules.get("bandsense.language")
    told: str = text if language is None else language.tr(text)
    return told


def _of_number(singular: str, plural: str, n: int) -> str:
    return in_language(singular if n == 1 else plural)


vars(argparse).update(_=in_language, ngettext=_of_number)  # argparse has no other way to be translated


class Help(argparse.HelpFormatter):
    """Writes help in the language that is spoken."""

    @override
    def start_section(self, heading: str | None) -> None:
        """Begin a part, under its heading."""
        super().start_section(heading and in_language(heading))

    @override
    def add_text(self, text: str | None) -> None:
        """Add what stands before or after the options."""
        super().add_text(text and in_language(text))

    @override
    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help and in_language(action.help)


class RawHelp(Help, argparse.RawDescriptionHelpFormatter):
    """Leaves descriptions as they are broken into lines."""


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that names the nearest command, choice or option where one is not known."""

    def __init__(self, *, formatter_class: type[argparse.HelpFormatter] = Help, **options: Any) -> None:
        super().__init__(formatter_class=formatter_class, **options)
        self.register("type", int, _whole_number)
        self.register("type", float, _number)

    @override
    def parse_known_args(  # type: ignore[override] # the stubs have overloads
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse, and remember what was to be parsed, for `error`."""
        self._typed = sys.argv[1:] if args is None else list(args)
        return super().parse_known_args(args, namespace)

    @override
    def error(self, message: str) -> NoReturn:
        """Print the message with what is near to it, and end the program with status 2."""
        from difflib import get_close_matches

        from bandsense.language import did_you_mean, said

        if message.startswith(_before(_MISSING, "%s")) and (unknown := self._unknown()):
            message = in_language(_UNKNOWN) % unknown
        wrong, known = self._wrong(message)
        near = get_close_matches(wrong, known, n=2, cutoff=0.6) if wrong else []
        if wrong and not near and self._shows():
            near = [f"show {wrong}"]
        if near:
            without_choices = message.partition(_before(_CHOICE, "%(choices)s").partition("%(value)r")[2])[0]
            message = f"{without_choices}; {said(did_you_mean(near))}"
        super().error(message)

    def _unknown(self) -> str | None:
        """Return the first option that was typed and is none of this parser."""
        words = [word.partition("=")[0] for word in self._typed if word.startswith("--") and word != "--"]
        known = self._option_string_actions
        return next((word for word in words if not any(name.startswith(word) for name in known)), None)

    def _wrong(self, message: str) -> tuple[str, list[str]]:
        """Return what was not known, and all that could have been meant."""
        choice = re.search(rf"{re.escape(_before(_CHOICE, '%(value)r'))}'([^']*)'", message)
        if choice is not None:
            before = _before("argument %(argument_name)s: %(message)s", "%(argument_name)s")
            about = message.partition(":")[0].removeprefix(before)
            return choice[1], [str(each) for each in self._choices_of(about)]
        if message.startswith(before := _before(_UNKNOWN, "%s")):
            words = message.removeprefix(before).split()
            options = [word.partition("=")[0] for word in words if word.startswith("--")]
            return (options or [""])[0], sorted(set(_options(self)))
        return "", []

    def _shows(self) -> bool:
        """Return whether there is something to `show` that has to be named."""
        inner = (each.choices for each in self._actions if isinstance(each, argparse._SubParsersAction))
        shows = [choices["show"] for choices in inner if "show" in choices]
        return any(not each.option_strings for parser in shows for each in parser._actions)

    def _choices_of(self, about: str) -> Iterator[object]:
        for action in self._actions:
            names = {*action.option_strings, "/".join(action.option_strings), action.metavar, action.dest}
            if about in names and action.choices is not None:
                yield from action.choices


def _whole_number(text: str) -> int:
    from bandsense.cli.argument_types import whole_number

    return whole_number(text)


def _number(text: str) -> float:
    from bandsense.cli.argument_types import number

    return number(text)


def _before(sentence: str, field: str) -> str:
    """Return what a sentence of argparse begins with, in the language that is spoken."""
    return in_language(sentence).partition(field)[0]


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the long options of a parser and of all below it."""
    for action in parser._actions:
        yield from (name for name in action.option_strings if name.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _options(inner)
