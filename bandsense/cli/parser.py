"""A command line that says what was probably meant."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from typing_extensions import override
else:  # it costs a start of `bandsense --help` a tenth, for nothing

    def override(method: object) -> object:
        return method


__all__ = ["Parser"]

_CHOICE = re.compile(r"invalid choice: '([^']*)'")
_MISSING = "the following arguments are required"
_UNKNOWN = re.compile(r"unrecognized arguments: (.*)", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that names the nearest command, choice or option where one is not known."""

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

        if message.startswith(_MISSING) and (unknown := self._unknown()):
            message = f"unrecognized arguments: {unknown}"
        wrong, known = self._wrong(message)
        near = get_close_matches(wrong, known, n=2, cutoff=0.6) if wrong else []
        if near:
            message = f"{message.partition(' (choose from')[0]}; did you mean {' or '.join(near)}?"
        super().error(message)

    def _unknown(self) -> str | None:
        """Return the first option that was typed and is none of this parser."""
        words = [word.partition("=")[0] for word in self._typed if word.startswith("--") and word != "--"]
        known = self._option_string_actions
        return next((word for word in words if not any(name.startswith(word) for name in known)), None)

    def _wrong(self, message: str) -> tuple[str, list[str]]:
        """Return what was not known, and all that could have been meant."""
        if (choice := _CHOICE.search(message)) is not None:
            about = message.partition(":")[0].removeprefix("argument ")
            return choice[1], [str(each) for each in self._choices_of(about)]
        if (unknown := _UNKNOWN.match(message)) is not None:
            options = [word.partition("=")[0] for word in unknown[1].split() if word.startswith("--")]
            return (options or [""])[0], sorted(set(_options(self)))
        return "", []

    def _choices_of(self, about: str) -> Iterator[object]:
        for action in self._actions:
            names = {*action.option_strings, "/".join(action.option_strings), action.metavar, action.dest}
            if about in names and action.choices is not None:
                yield from action.choices


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the long options of a parser and of all below it."""
    for action in parser._actions:
        yield from (name for name in action.option_strings if name.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _options(inner)
