"""The pages of an SQLite file and of its log, read without SQLite, so that damage in one spoils no other.

Source: "Database File Format" and "WAL-mode File Format" in SQLite's documentation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Pages", "Row", "Value", "read_pages", "rows_of", "tables_of"]

Value = int | float | str | bytes | None

_MAGIC = b"SQLite format 3\0"
_USUAL_PAGE_BYTES = 4096
_HEADER_BYTES = 100
_LEAF, _INTERIOR = 0x0D, 0x05
_WAL_HEADER = struct.Struct(">8I")
_FRAME_HEADER = struct.Struct(">6I")
_WAL_MAGIC = 0x377F0682
"""Its lowest bit says that check sums are over big-endian words."""

_MOST_PAYLOAD = 1 << 28
_MOST_COLUMNS = 64


class _Damaged(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Row:
    """A row of some table: its number, and its columns as they were written."""

    rowid: int
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Pages:
    """What can be read of a file and its log.

    Attributes:
        page_bytes: size of a page.
        usable_bytes: of these, what SQLite uses.
        content: each page by number, from 1, as it is now.
        older: earlier versions of pages in the log, oldest first: they may hold what the newest lack.
        damaged_frames: how many pages of the log are damaged.
    """

    page_bytes: int
    usable_bytes: int
    content: dict[int, bytes]
    older: tuple[tuple[int, bytes], ...]
    damaged_frames: int


def read_pages(path: Path) -> Pages:
    """Read a file and the log beside it.

    Raises:
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    size, reserved = _page_size(data)
    content = {
        number + 1: data[number * size : (number + 1) * size].ljust(size, b"\0")
        for number in range(-(-len(data) // size))
    }
    older: list[tuple[int, bytes]] = []
    damaged = 0
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        for page in _frames(log.read_bytes(), size):
            if page is None:
                damaged += 1
                continue
            number, image = page
            if number in content:
                older.append((number, content[number]))
            content[number] = image
    return Pages(size, size - reserved, content, tuple(older), damaged)


def _page_size(data: bytes) -> tuple[int, int]:
    """Return the size of a page and how much of it is reserved; the usual ones without a good header."""
    if len(data) >= _HEADER_BYTES and data.startswith(_MAGIC):
        size = int.from_bytes(data[16:18], "big")
        size = 65536 if size == 1 else size
        if 512 <= size <= 65536 and not size & (size - 1) and data[20] < 64:
            return size, data[20]
    return _USUAL_PAGE_BYTES, 0


def _frames(log: bytes, page_bytes: int) -> Iterator[tuple[int, bytes] | None]:
    """Yield the committed pages of a log in order; None for one that is damaged.

    Check sums run on from page to page; each is looked at from the sum that the page before it says, so that
    the pages behind a damaged one are found.
    """
    if len(log) < _WAL_HEADER.size:
        return
    magic, _, size, _, salt_1, salt_2, sum_1, sum_2 = _WAL_HEADER.unpack_from(log)
    if magic & ~1 != _WAL_MAGIC or size != page_bytes:
        return
    order = ">" if magic & 1 else "<"
    before = sum_1, sum_2
    waiting: list[tuple[int, bytes] | None] = []
    at = _WAL_HEADER.size
    while at + _FRAME_HEADER.size + size <= len(log):
        number, commit, own_1, own_2, sum_1, sum_2 = _FRAME_HEADER.unpack_from(log, at)
        image = log[at + _FRAME_HEADER.size : at + _FRAME_HEADER.size + size]
        own = (own_1, own_2) == (salt_1, salt_2)
        if not own and not _later_frames(log, at, size, salt_1, salt_2):
            break
        good = own and _check_sum(order, log[at : at + 8] + image, before) == (sum_1, sum_2)
        waiting.append((number, image) if good else None)
        before = sum_1, sum_2
        if commit and good:
            yield from waiting
            waiting.clear()
        at += _FRAME_HEADER.size + size
    yield from (frame for frame in waiting if frame is None)


def _later_frames(log: bytes, at: int, size: int, salt_1: int, salt_2: int) -> bool:
    """Tell whether the next frame is of this log: then this one is damaged, not left of an older log."""
    following = at + _FRAME_HEADER.size + size
    if following + _FRAME_HEADER.size > len(log):
        return False
    return _FRAME_HEADER.unpack_from(log, following)[2:4] == (salt_1, salt_2)


def _check_sum(order: str, data: bytes, before: tuple[int, int]) -> tuple[int, int]:
    sum_1, sum_2 = before
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        sum_1 = (sum_1 + first + sum_2) & 0xFFFFFFFF
        sum_2 = (sum_2 + second + sum_1) & 0xFFFFFFFF
    return sum_1, sum_2


def rows_of(pages: Pages) -> Iterator[tuple[int, Row | None]]:
    """Yield page and row of all tables that can be read, and None for a row that is damaged.

    Older versions of pages come first, and only where pages of the log are damaged: they may also hold what
    was deleted since. Pages that are not in use are passed over for the same reason.
    """
    unused = _unused(pages)
    older = pages.older if pages.damaged_frames else ()
    for number, image in (*older, *pages.content.items()):
        if number not in unused:
            for row in _leaf_rows(pages, number, image):
                yield number, row


def _unused(pages: Pages) -> set[int]:
    """Return the pages on the list of those that are not in use."""
    unused: set[int] = set()
    trunk = int.from_bytes(pages.content.get(1, b"")[32:36], "big")
    while trunk in pages.content and trunk not in unused:
        unused.add(trunk)
        image = pages.content[trunk]
        count = min(int.from_bytes(image[4:8], "big"), pages.usable_bytes // 4 - 2)
        unused |= {int.from_bytes(image[8 + 4 * n : 12 + 4 * n], "big") for n in range(count)}
        trunk = int.from_bytes(image[:4], "big")
    return unused


def _leaf_rows(pages: Pages, number: int, image: bytes) -> Iterator[Row | None]:
    start = _HEADER_BYTES if number == 1 else 0
    if image[start] != _LEAF:
        return
    cells = int.from_bytes(image[start + 3 : start + 5], "big")
    first = start + 8
    for cell in range(min(cells, (pages.usable_bytes - first) // 2)):
        at = int.from_bytes(image[first + 2 * cell : first + 2 * cell + 2], "big")
        try:
            yield _row(pages, image, at)
        except (_Damaged, IndexError, struct.error):
            yield None


def _row(pages: Pages, image: bytes, at: int) -> Row:
    length, at = _varint(image, at)
    rowid, at = _varint(image, at)
    if length > _MOST_PAYLOAD or length < 1:
        raise _Damaged
    return Row(rowid - (1 << 64) if rowid >> 63 else rowid, _record(_payload(pages, image, at, length)))


def _payload(pages: Pages, image: bytes, at: int, length: int) -> bytes:
    """Return the payload of a cell, with the pages on which it goes on."""
    usable = pages.usable_bytes
    most = usable - 35
    if length <= most:
        local = length
    else:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (usable - 4)
        local = local if local <= most else least
    payload = image[at : at + local]
    if local < length:
        following = int.from_bytes(image[at + local : at + local + 4], "big")
        seen = set()
        while len(payload) < length:
            if following in seen or following not in pages.content:
                raise _Damaged
            seen.add(following)
            page = pages.content[following]
            payload += page[4 : 4 + min(usable - 4, length - len(payload))]
            following = int.from_bytes(page[:4], "big")
    if len(payload) != length:
        raise _Damaged
    return payload


def _record(payload: bytes) -> tuple[Value, ...]:
    header_length, at = _varint(payload, 0)
    if header_length > len(payload):
        raise _Damaged
    kinds = []
    while at < header_length:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    if len(kinds) > _MOST_COLUMNS:
        raise _Damaged
    values: list[Value] = []
    at = header_length
    for kind in kinds:
        size = _size(kind)
        if at + size > len(payload):
            raise _Damaged
        values.append(_value(kind, payload[at : at + size]))
        at += size
    if at != len(payload):
        raise _Damaged
    return tuple(values)


def _size(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)[kind]


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind <= 6:
        return int.from_bytes(data, "big", signed=True)
    if kind == 7:
        number: float = struct.unpack(">d", data)[0]
        return number
    if kind in (8, 9):
        return kind - 8
    if kind < 12:
        raise _Damaged
    return data if kind % 2 == 0 else data.decode(errors="replace")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(8):
        byte = data[at + count]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + count + 1
    return value << 8 | data[at + 8], at + 9


def tables_of(pages: Pages) -> dict[int, str]:
    """Return the table of each page that can be reached from the list of tables."""
    found = dict.fromkeys(_tree(pages, 1), "sqlite_schema")
    for row in _schema(pages):
        kind, name, root = row.values[0], row.values[1], row.values[3]
        if kind == "table" and isinstance(name, str) and isinstance(root, int):
            for number in _tree(pages, root):
                found.setdefault(number, name)
    return found


def _schema(pages: Pages) -> Iterator[Row]:
    for number in _tree(pages, 1):
        for row in _leaf_rows(pages, number, pages.content[number]):
            if row is not None and len(row.values) == 5:
                yield row


def _tree(pages: Pages, root: int) -> Iterator[int]:
    """Yield the leaves below a page, as far as they can be reached."""
    waiting, seen = [root], set[int]()
    while waiting:
        number = waiting.pop()
        image = pages.content.get(number)
        if image is None or number in seen:
            continue
        seen.add(number)
        start = _HEADER_BYTES if number == 1 else 0
        if image[start] == _LEAF:
            yield number
        elif image[start] == _INTERIOR:
            cells = int.from_bytes(image[start + 3 : start + 5], "big")
            waiting.append(int.from_bytes(image[start + 8 : start + 12], "big"))
            for cell in range(min(cells, (pages.usable_bytes - start - 12) // 2)):
                at = int.from_bytes(image[start + 12 + 2 * cell : start + 14 + 2 * cell], "big")
                waiting.append(int.from_bytes(image[at : at + 4], "big"))
