"""Lines of an uploaded audience, cut from a stream of bytes in bounded memory, with their numbers and offsets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

MAX_UPLOAD_BYTES = 1_000_000_000
MAX_LINE_BYTES = 256 * 1024
"""Of one line; the rest of a longer one is skipped unread, so that a file without line ends takes no memory."""
_MARKS = (
    (b"PK\x03\x04", "is a spreadsheet or another zip file: save it as 'CSV UTF-8' and upload that"),
    (b"\x1f\x8b", "is compressed: upload it unpacked"),
    (b"\xff\xfe", "is UTF-16: save it as 'CSV UTF-8' or as UTF-8 text"),
    (b"\xfe\xff", "is UTF-16: save it as 'CSV UTF-8' or as UTF-8 text"),
)
UTF8_MARK = b"\xef\xbb\xbf"


class AudienceFormat(StrEnum):
    """How an uploaded audience is written."""

    CSV = "csv"
    JSONL = "jsonl"


class AudienceError(ValueError):
    """An audience that cannot be planned as a whole, in one sentence that says what to do."""


class Position(NamedTuple):
    """A place between two lines: `offset` bytes and `line` lines of the file lie before it."""

    offset: int = 0
    line: int = 0


class Line(NamedTuple):
    """One line with its end, `number` counted from 1; of one that is too long only the `size` is told."""

    number: int
    data: bytes
    size: int

    @property
    def too_long(self) -> bool:
        """Whether its data was skipped."""
        return self.size > MAX_LINE_BYTES


def split_lines(chunks: Iterable[bytes], start: Position) -> Iterator[Line]:
    """The lines of a file whose bytes from `start.offset` on come in `chunks` of any size.

    Lines end in LF or CR LF; the last one may have no end. A byte order mark at the very beginning is left out, and a
    file that tells by its first bytes that it is no text raises `AudienceError`.
    """
    number = start.line
    pending: list[bytes] = []
    size = 0
    for chunk in chunks:
        if start.offset == 0 and number == 0 and size == 0:
            _refuse_other_files(chunk)
        first, *rest = chunk.split(b"\n")
        for piece in rest:
            number += 1
            yield _line(number, pending, first, size + len(first) + 1, b"\n")
            pending, size, first = [], 0, piece
        size += len(first)
        if size <= MAX_LINE_BYTES:
            pending.append(first)
        else:
            pending.clear()
    if size:
        yield _line(number + 1, pending, b"", size, b"")


def _line(number: int, pending: list[bytes], last: bytes, size: int, end: bytes) -> Line:
    if size > MAX_LINE_BYTES:
        return Line(number, b"", size)
    data = b"".join((*pending, last, end)) if pending else last + end
    return Line(number, data.removeprefix(UTF8_MARK) if number == 1 else data, size)


def _refuse_other_files(beginning: bytes) -> None:
    for mark, sentence in _MARKS:
        if beginning.startswith(mark):
            raise AudienceError(f"the file {sentence}")


def decoded(line: Line) -> str:
    """The text of a line; raises `AudienceError` unless it is UTF-8, since the whole file is then in doubt."""
    try:
        return line.data.decode()
    except UnicodeDecodeError as error:
        byte = line.data[error.start]
        raise AudienceError(
            f"line {line.number} is not UTF-8 (byte 0x{byte:02x} at column {error.start + 1}): save the file as "
            "'CSV UTF-8' or as UTF-8 text, or names and texts would arrive garbled"
        ) from error
