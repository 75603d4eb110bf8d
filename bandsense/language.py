"""The language that people are spoken to in: every sentence is looked up here, in one catalogue a language.

English stands in the source and is the key. `locale/LANGUAGE.po` is all of a translation, in the format of
GNU gettext; what it lacks is said in English, as a whole sentence. Two ways lead to the catalogue:

- `tr` and `trn` say a sentence at once, where sentences are made for a view;
- `Message` is for rooms that view nothing: a string in English, which programs, logs and files keep, and
  which `said` turns into the language of whoever reads it.

The language belongs to whoever looks, as the unit of force does (`live.units`): `program_speaking` sets it
for the program, `speaking` for one context, such as a request. So do the commands that a sentence names:
what they need to be typed as they stand is added by `telling_commands`.
"""

from __future__ import annotations

import gettext
import os
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Self

    from typing_extensions import override
else:  # `bandsense --help` in another language waits for this module

    def override(method: object) -> object:
        return method


__all__ = [
    "ENGLISH",
    "Composed",
    "Message",
    "accepted",
    "chosen",
    "did_you_mean",
    "joined",
    "language",
    "languages",
    "mark",
    "mark_plural",
    "message_of",
    "name_of",
    "number",
    "page_texts",
    "program_speaking",
    "program_telling_commands",
    "said",
    "speaking",
    "telling_commands",
    "tr",
    "trn",
]

ENGLISH = "en"
"""The language of the source."""

_LOCALES = os.path.join(os.path.dirname(__file__), "locale")

_usual = ENGLISH
_chosen = False
_HERE: ContextVar[str | None] = ContextVar("language", default=None)

Completion = Callable[[str], str]
_complete: Completion | None = None
_COMPLETE_HERE: ContextVar[Completion | None] = ContextVar("complete", default=None)


def languages() -> tuple[str, ...]:
    """List the languages that bandsense speaks, English first, by their codes (ISO 639-1)."""
    found = (name.removesuffix(".po") for name in os.listdir(_LOCALES) if name.endswith(".po"))
    return (ENGLISH, *sorted(found))


@contextmanager
def program_speaking(code: str | None) -> Iterator[None]:
    """Speak this language throughout the program, wherever `speaking` says nothing else, until the end.

    Args:
        code: what whoever runs it chose; None where nothing was: English.

    Raises:
        ValueError: there is no catalogue of it.
    """
    global _usual, _chosen
    before = _usual, _chosen
    _usual, _chosen = _known(code or ENGLISH), code is not None
    try:
        yield
    finally:
        _usual, _chosen = before


def chosen() -> str | None:
    """Get the language that whoever runs the program chose; None where nothing was."""
    return _usual if _chosen else None


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak this language within a context.

    Raises:
        ValueError: there is no catalogue of it.
    """
    token = _HERE.set(_known(code))
    try:
        yield
    finally:
        _HERE.reset(token)


@contextmanager
def program_telling_commands(complete: Completion) -> Iterator[None]:
    """Complete the commands in what is said throughout the program, until the end.

    Args:
        complete: adds to the commands in a sentence, which stand between backticks, what they need; a
            second time it changes nothing, because sentences are made of sentences.
    """
    global _complete
    before, _complete = _complete, complete
    try:
        yield
    finally:
        _complete = before


@contextmanager
def telling_commands(complete: Completion) -> Iterator[None]:
    """Complete the commands in what is said within a context; see `program_telling_commands`."""
    token = _COMPLETE_HERE.set(complete)
    try:
        yield
    finally:
        _COMPLETE_HERE.reset(token)


def _completed(told: str) -> str:
    complete = _COMPLETE_HERE.get() or _complete
    return told if complete is None or "`" not in told else complete(told)


def language() -> str:
    """Get the code of the language that is spoken."""
    return _HERE.get() or _usual


def _known(code: str) -> str:
    if code not in languages():
        raise ValueError(f"bandsense does not speak {code!r}; it speaks {', '.join(languages())}")
    return code


def accepted(header: str) -> str | None:
    """Choose a language by what a browser says it reads; None where bandsense speaks none of them.

    Args:
        header: `Accept-Language` (RFC 9110, 12.5.4), such as `de-CH,de;q=0.9,en;q=0.8`.
    """
    wanted = []
    for place, part in enumerate(header.split(",")):
        tag, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1.0)
        except ValueError:
            quality = 0.0
        if quality > 0.0:
            wanted.append((-quality, place, tag.partition("-")[0].casefold()))
    spoken = languages()
    return next((tag for _, _, tag in sorted(wanted) if tag in spoken), None)


# -- the catalogue -------------------------------------------------------------------------------------------


class _Catalogue:
    """One translation.

    Args:
        sentences: by their English; of plural ones all forms, the first of them by the singular.
        header: what the file says of itself, by name in small letters.
        form: which form a number takes.
    """

    def __init__(
        self, sentences: Mapping[str, Sequence[str]], header: Mapping[str, str], form: Callable[[int], int]
    ) -> None:
        self.sentences = sentences
        self.header = header
        self.form = form

    def look_up(self, sentence: str) -> str:
        """Find a sentence; in English where it is not translated."""
        return self.sentences.get(sentence, (sentence,))[0]

    def look_up_plural(self, singular: str, plural: str, n: int) -> str:
        """Find the form for a number; in English where it is not translated."""
        forms = self.sentences.get(singular, ())
        return forms[self.form(n)] if len(forms) > 1 else singular if n == 1 else plural


@cache
def _catalogue(code: str) -> _Catalogue:
    if code == ENGLISH:
        return _Catalogue({}, {}, lambda n: int(n != 1))
    with open(os.path.join(_LOCALES, f"{code}.po"), encoding="utf-8") as file:
        return _parsed(file.read())


def _parsed(text: str) -> _Catalogue:
    """Read a catalogue as gettext writes it; entries without a translation, or marked fuzzy, are left out."""
    sentences: dict[str, Sequence[str]] = {}
    for entry in text.split("\n\n"):
        comment, found, rest = entry.partition('msgid "')
        if not found or ", fuzzy" in comment:
            continue
        key, _, told = rest.partition("\nmsgstr")
        forms = [_unquoted(form.partition('"')[2]) for form in told.split("\nmsgstr")]
        if all(forms):
            sentences[_unquoted(key.partition("\nmsgid_plural")[0])] = forms
    lines = (line.partition(": ") for line in sentences.pop("", [""])[0].splitlines())
    header = {name.lower(): value for name, _, value in lines}
    rule = header.get("plural-forms", "plural=n != 1;").rpartition("plural=")[2]
    return _Catalogue(sentences, header, gettext.c2py(rule.rstrip("; ")))


def _unquoted(text: str) -> str:
    """Return what stands in quotes, over one line or several; the first quote is gone already."""
    plain = text.rstrip()[:-1].replace('"\n"', "")
    if "\\" not in plain:
        return plain
    return "\\".join(
        part.replace('\\"', '"').replace("\\n", "\n").replace("\\t", "\t") for part in plain.split("\\\\")
    )


def _header(code: str, name: str, usual: str) -> str:
    return _catalogue(code).header.get(name, usual)


def name_of(code: str) -> str:
    """Look up what a language calls itself."""
    return "English" if code == ENGLISH else _header(code, "x-name", code)


@cache
def _decimal_mark(code: str) -> str:
    return "." if code == ENGLISH else _header(code, "x-decimal-mark", ".")


def page_texts() -> dict[str, Any]:
    """Give what a view in another process needs to speak this language, such as the script of a page.

    Returns:
        `language`; `decimal`, the mark; `texts`, by the English of each sentence all its forms; `plural`,
        which form each number below 200 takes (above, as the number with the same last two digits).
    """
    code = language()
    catalogue = _catalogue(code)
    return {
        "language": code,
        "decimal": _decimal_mark(code),
        "texts": catalogue.sentences,
        "plural": [catalogue.form(n) for n in range(200)],
    }


# -- saying --------------------------------------------------------------------------------------------------


class _Formatter(string.Formatter):
    """Formats as `str.format` does, with numbers as `number` writes them."""

    @override
    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Message | BaseException):
            value = said(value)
        return number(value, format_spec) if isinstance(value, float) else format(value, format_spec)


_FORMATTER = _Formatter()


def number(value: float, format_spec: str) -> str:
    """Format a number as `format` does, with the decimal mark of the language, and a space before `%`."""
    if format_spec.endswith("%"):
        return f"{number(100.0 * value, f'{format_spec[:-1]}f')} %"
    text = format(value, format_spec)
    mark_here = _decimal_mark(language())
    return text if mark_here == "." else text.replace(".", mark_here)


def tr(sentence: str, /, **values: Any) -> str:
    """Say a sentence in the language that is spoken.

    Args:
        sentence: in English, with named placeholders as `str.format` has them.
        values: of the placeholders; numbers are written as the language writes them.
    """
    told = _catalogue(language()).look_up(sentence) if sentence else ""
    return _completed(_FORMATTER.vformat(told, (), values) if values else told)


def trn(singular: str, plural: str, n: int, /, **values: Any) -> str:
    """Say a sentence about a number of things, which is `{n}` in it; see `tr`."""
    told = _catalogue(language()).look_up_plural(singular, plural, n)
    return _completed(_FORMATTER.vformat(told, (), {"n": n, **values}))


def mark(sentence: str) -> str:
    """Mark a sentence for the catalogue that is said later, by `tr` of a variable."""
    return sentence


def mark_plural(singular: str, plural: str) -> tuple[str, str]:
    """Mark a sentence about a number of things that is said later, by `trn` of variables."""
    return singular, plural


class Message(str):
    """A sentence in English that can be said in another language: `said` says it.

    It is a string like any other, in English, so what is logged, stored or told to programs never changes
    with the language.

    Args:
        sentence: in English, with named placeholders as `str.format` has them.
        values: of the placeholders; a value may be a message itself.
    """

    sentence: str
    values: Mapping[str, Any]

    def __new__(cls, sentence: str, /, **values: Any) -> Self:
        """Make the string in English."""
        values = {name: _plain(value) for name, value in values.items()}
        with speaking(ENGLISH):
            made = super().__new__(cls, _FORMATTER.vformat(sentence, (), values) if values else sentence)
        made.sentence, made.values = sentence, values
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (self.sentence, dict(self.values))


class Composed(Message):
    """Words made of several sentences, in every language: `said` says them in the one that is spoken.

    Args:
        compose: makes the words in the language that is spoken.
    """

    texts: Mapping[str, str]

    def __new__(cls, compose: Callable[[], str]) -> Composed:
        """Compose the words in each language; the string is in English."""
        texts = {}
        for code in languages():
            with speaking(code):
                texts[code] = compose()
        return _composed(texts)

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return _composed, (dict(self.texts),)


def _composed(texts: Mapping[str, str]) -> Composed:
    made = str.__new__(Composed, texts[ENGLISH])
    made.sentence, made.values, made.texts = texts[ENGLISH], {}, texts
    return made


def _made_again(sentence: str, values: dict[str, Any]) -> Message:
    return Message(sentence, **values)


def _plain(value: Any) -> Any:
    """Reduce what may be filled in to what can be kept, sent to another process and said later."""
    if isinstance(value, OSError) and value.strerror:
        return Message(value.strerror)
    if isinstance(value, BaseException):
        return message_of(value)
    return os.fspath(value) if isinstance(value, os.PathLike) else value


_SYSTEM_REASONS = (
    mark("No such file or directory"),
    mark("there is no such folder"),
    mark("Permission denied"),
    mark("Operation not permitted"),
    mark("File exists"),
    mark("Is a directory"),
    mark("Not a directory"),
    mark("File name too long"),
    mark("No space left on device"),
    mark("Read-only file system"),
    mark("Cannot assign requested address"),
)
"""What an operating system says most often; the rest is told as it says it."""


def message_of(error: BaseException) -> str:
    """Get what an error says, as the message that it was given, where it was one."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Message) else str(error)


def joined(parts: Iterable[str], between: str = "; ") -> Message:
    """Join texts, of which any may be a message."""
    values = {f"part{number}": part for number, part in enumerate(parts)}
    return Message(between.join(f"{{{name}}}" for name in values), **values)


def did_you_mean(near: Sequence[str]) -> Message:
    """Ask whether one of one or two names was meant."""
    if len(near) == 1:
        return Message("did you mean {first}?", first=near[0])
    return Message("did you mean {first} or {second}?", first=near[0], second=near[1])


def said(words: str | BaseException) -> str:
    """Say a message, or what an error says, in the language that is spoken; any other text as it is."""
    if isinstance(words, BaseException):
        words = message_of(words)
    if isinstance(words, Composed):
        return words.texts[language()]
    return tr(words.sentence, **words.values) if isinstance(words, Message) else words
