"""A set of texts in eight bytes each: what tells duplicates among a million recipients in 16 MB."""

from __future__ import annotations

import hashlib
import sys
from array import array

FIRST_SLOTS = 1_024
_EMPTY = 0


class KeySet:
    """Remembers texts by 64-bit keyed hashes, in open addressing at most half full.

    A million texts take 16 MB. Two different texts share a hash with odds of one in 2^64, so the odds that a million
    recipients lose even one to a false duplicate are 10^12 / 2^65, about one in 37 million. The `key` keeps texts from
    being made to collide, and the same key gives the same answers in any process.
    """

    def __init__(self, key: bytes, slots: bytes = b"", count: int = 0) -> None:
        self._hash = hashlib.blake2b(digest_size=8, key=key[: hashlib.blake2b.MAX_KEY_SIZE])
        self._slots = array("Q", slots) if slots else array("Q", bytes(8 * FIRST_SLOTS))
        if slots and sys.byteorder == "big":
            self._slots.byteswap()
        self._count = count

    def __len__(self) -> int:
        return self._count

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

    def to_bytes(self) -> bytes:
        """The slots, little-endian, for another process to go on with under the same key."""
        slots = self._slots[:]
        if sys.byteorder == "big":
            slots.byteswap()
        return slots.tobytes()

    def _grow(self) -> None:
        wider = array("Q", bytes(16 * len(self._slots)))
        for value in self._slots:
            if value != _EMPTY:
                _insert(wider, value)
        self._slots = wider


def _insert(slots: array[int], value: int) -> bool:
    mask = len(slots) - 1
    place = value & mask
    while (there := slots[place]) != _EMPTY:
        if there == value:
            return False
        place = (place + 1) & mask
    slots[place] = value
    return True
