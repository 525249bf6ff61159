"""A set of texts in eight bytes each: what tells duplicates among a million recipients in 16 MB."""

from __future__ import annotations

import hashlib
import mmap
from typing import BinaryIO

FIRST_SLOTS = 1_024
SLOT_BYTES = 8
READ_BYTES = 1024 * 1024
_EMPTY = 0


class KeySet:
    """Remembers texts by 64-bit keyed hashes, in open addressing at most half full.

    Its memory is mapped, not allocated, so that a table that has become too small goes back to the system at once. A
    million texts take 16 MB. Two different texts share a hash with odds of one in 2^64, so the odds that a million
    recipients lose even one to a false duplicate are 10^12 / 2^65, about one in 37 million. The `key` keeps texts from
    being made to collide, and the same key gives the same answers in any process.
    """

    def __init__(self, key: bytes) -> None:
        self._hash = hashlib.blake2b(digest_size=8, key=key[: hashlib.blake2b.MAX_KEY_SIZE])
        self._slots = _slots(FIRST_SLOTS)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def size(self) -> int:
        """Bytes that `write` writes."""
        return self._slots.nbytes

    def add(self, text: str) -> bool:
        """Add a text; False if it was there."""
        if 2 * (self._count + 1) > len(self._slots):
            self._grow()
        hasher = self._hash.copy()
        hasher.update(text.encode())
        # 0 marks a free slot, so the one hash that is 0 is taken for its neighbour.
        added = _insert(self._slots, int.from_bytes(hasher.digest(), "little") or 1)
        self._count += added
        return added

    def write(self, file: BinaryIO) -> None:
        """The slots as they are in memory, for another process to go on with under the same key."""
        file.write(self._slots)

    @classmethod
    def read(cls, key: bytes, file: BinaryIO, size: int, count: int) -> KeySet:
        """The inverse of `write`, of a set of `count` texts in `size` bytes; raises EOFError if there are fewer."""
        found = cls(key)
        found._slots, found._count = _slots(size // SLOT_BYTES), count
        memory, start = found._slots.cast("B"), 0
        while start < size:
            piece = file.read(min(READ_BYTES, size - start))
            if not piece:
                raise EOFError("the checkpoint ends within a table")
            memory[start : start + len(piece)] = piece
            start += len(piece)
        return found

    def _grow(self) -> None:
        wider = _slots(2 * len(self._slots))
        for value in self._slots:
            if value != _EMPTY:
                _insert(wider, value)
        self._slots = wider


def _slots(number: int) -> memoryview:
    """So many empty slots."""
    return memoryview(mmap.mmap(-1, number * SLOT_BYTES)).cast("Q")


def _insert(slots: memoryview, value: int) -> bool:
    mask = len(slots) - 1
    place = value & mask
    while (there := slots[place]) != _EMPTY:
        if there == value:
            return False
        place = (place + 1) & mask
    slots[place] = value
    return True
