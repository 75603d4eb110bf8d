"""The latest of everything that pages show, written by the session and read by the server's thread.

    session's thread ──post──▶ board ◀──since(position)── server's thread, a reader for each page

The session posts and goes on: it never waits for a page. A reader holds nothing but its position. What it
asks for is what became new since then, whatever lies between, so a page that stalled is current with one
message, and ten pages at the same position share one text.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bandsense.language import ENGLISH, Message, said, speaking

__all__ = ["LEVELS", "PROTOCOL", "Board", "ByLanguage"]

PROTOCOL = 1
"""Version of the interface for programs."""


class ByLanguage(dict[str, Any]):
    """A value in each language that a page reads, by its code; English stands in for what is not there."""


LEVELS = 1600
"""How many samples of a view are kept: 20 s at 80 a second."""

SOUND_S = 1.0
"""How old a sound may be that is still worth playing."""

STATION = "station"


class Board:
    """What is known of the station and of each view, by section and key, with the samples of each view.

    Any thread may call any method.

    Attributes:
        languages: what pages read; see `since`.
    """

    def __init__(self) -> None:
        self.languages = frozenset({ENGLISH})
        self._lock = threading.Lock()
        self._version = 0
        self._since_anew = 0
        self._plain: dict[str, dict[str, Any]] = {}
        self._values: dict[str, dict[str, tuple[int, _Texts]]] = {}
        self._now: dict[str, str] = {}
        self._levels: dict[str, deque[tuple[int, str]]] = {}
        self._sounds: deque[tuple[int, float, _Texts]] = deque(maxlen=16)
        self._wake: set[Callable[[], None]] = set()
        self._told: dict[str, tuple[int, int, str]] = {}

    def anew(self, views: Iterable[str]) -> None:
        """Forget all views; there are these now, and readers begin again."""
        with self._lock:
            self._version += 1
            self._since_anew = self._version
            for section in self._values.keys() - {STATION}:
                del self._values[section], self._plain[section]
            self._now.clear()
            self._levels = {view: deque(maxlen=LEVELS) for view in views}
            self._sounds.clear()
        self._notify()

    def post(
        self,
        section: str,
        values: Mapping[str, Any] | None = None,
        *,
        now: Mapping[str, Any] | None = None,
        levels: Iterable[tuple[float, float]] = (),
        sounds: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """Write what is new.

        Args:
            section: `station`, or the name of a view.
            values: the latest by key; those that are as before cost nothing. A `Message` is told in the
                language of each page, a `ByLanguage` as it is there.
            now: what changes all the time, told with every message.
            levels: device time in seconds and tension in newtons of further samples.
            sounds: to be played by the pages that are there.
        """
        with self._lock:
            self._version += 1
            version = self._version
            plain = self._plain.setdefault(section, {})
            told = self._values.setdefault(section, {})
            for key, value in (values or {}).items():
                if key not in plain or plain[key] != value:
                    plain[key] = value
                    told[key] = (version, self._texts(value))
            if now is not None:
                self._now[section] = json.dumps(now, separators=(",", ":"))
            if section in self._levels:
                self._levels[section].extend((version, f"[{t:.3f},{n:.2f}]") for t, n in levels)
            said_s = time.monotonic()
            self._sounds.extend((version, said_s, self._texts(sound)) for sound in sounds)
        self._notify()

    def listen(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Have `wake` called whenever something is new, in the writer's thread; return what ends that."""
        with self._lock:
            self._wake.add(wake)

        def end() -> None:
            with self._lock:
                self._wake.discard(wake)

        return end

    def _notify(self) -> None:
        with self._lock:
            wake = tuple(self._wake)
        for each in wake:
            each()

    def _texts(self, value: Any) -> _Texts:
        if isinstance(value, ByLanguage):
            return {code: json.dumps(each, separators=(",", ":")) for code, each in value.items()}
        if isinstance(value, Message):
            return {code: json.dumps(_said_in(code, value)) for code in self.languages}
        return json.dumps(value, separators=(",", ":"))

    def _read_in(self, language: str) -> None:
        """Tell what is known in one more language; views follow with what they post next."""
        self.languages |= {language}
        for section, plain in self._plain.items():
            for key, value in plain.items():
                if isinstance(value, Message):
                    self._values[section][key] = (self._version, self._texts(value))

    def since(self, position: int, language: str = ENGLISH) -> tuple[str, int]:
        """Return what is new since a position as a message, and the position after it; -1 is the beginning.

        The text is empty where nothing is new.

        Args:
            position: what was returned last.
            language: that the reader reads.
        """
        with self._lock:
            if language not in self.languages:
                self._read_in(language)
            if position == self._version:
                return "", position
            told = self._told.get(language)
            if told is None or told[:2] != (position, self._version):
                told = self._told[language] = (position, self._version, self._message(position, language))
            return told[2], self._version

    def _message(self, position: int, language: str) -> str:
        full = position < self._since_anew or position < 0
        since = -1 if full else position
        parts = [f'"protocol":{PROTOCOL}', f'"full":{"true" if full else "false"}']
        parts += [f'"{STATION}":{text}' for text in [self._changed(STATION, since, language)] if text]
        views = []
        for name, levels in self._levels.items():
            told = [f'"changed":{self._changed(name, since, language) or "{}"}']
            told.append(f'"now":{self._now.get(name, "{}")}')
            told.append(f'"levels":[{",".join(self._newer(levels, since))}]')
            views.append(f'"{name}":{{{",".join(told)}}}')
        parts.append(f'"views":{{{",".join(views)}}}')
        if not full:
            oldest_s = time.monotonic() - SOUND_S
            sounds = (
                _text_in(language, texts)
                for version, said_s, texts in self._sounds
                if version > since and said_s >= oldest_s
            )
            if said := ",".join(sounds):
                parts.append(f'"sounds":[{said}]')
        return f"{{{','.join(parts)}}}"

    def _changed(self, section: str, since: int, language: str) -> str:
        values = self._values.get(section, {})
        pairs = [
            f'"{key}":{_text_in(language, texts)}'
            for key, (version, texts) in values.items()
            if version > since
        ]
        return f"{{{','.join(pairs)}}}" if pairs else ""

    @staticmethod
    def _newer(levels: deque[tuple[int, str]], since: int) -> list[str]:
        newer = []
        for version, text in reversed(levels):
            if version <= since:
                break
            newer.append(text)
        return newer[::-1]


_Texts = str | dict[str, str]
"""JSON of a value: one for all, or by language."""


def _text_in(language: str, texts: _Texts) -> str:
    return texts if isinstance(texts, str) else texts.get(language) or texts[ENGLISH]


def _said_in(language: str, message: Message) -> str:
    with speaking(language):
        return said(message)
