"""An identity's calendar as attributes of its item, which is written with every lease and so kept small.

DynamoDB takes 1,000 write units a second of one item, one for each KB of it (developer guide, "Burst and adaptive
capacity"). Single messages book one by one, so their leases are packed into 22 bytes each: where they fill an identity
of 100/s three seconds ahead, that is 7 KB a hundred times a second. A campaign's lease holds two seconds of sending.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lambdas.core.identity_calendar import PRIORITY_MARK, Calendar, IdentityLease

_SINGLE = struct.Struct(">6sQII")
"""Tag of the customer (`keys.customer_tag`), start, length and rate of a single message's lease."""
_TAG = re.compile(rf"{PRIORITY_MARK}[0-9a-f]{{12}}")
_MOST = (1 << 32) - 1


def calendar_attributes(calendar: Calendar) -> dict[str, Any]:
    """`singles`, what is packed, and `leases`: those of campaigns, and what does not fit (one that lasts for hours)."""
    leases = (*calendar.leases, *calendar.recent)
    return {
        "singles": b"".join(_packed(lease) for lease in leases if _fits(lease)),
        "leases": [
            {"o": lease.owner, "s": lease.start_us, "e": lease.end_us, "r": lease.milli_rate, "a": lease.asked}
            for lease in leases
            if not _fits(lease)
        ],
    }


def calendar_of(item: Mapping[str, Any], milli_rate: int) -> Calendar:
    """The calendar that an item holds, at the rate that holds now; `leases` alone may hold those of everybody."""
    return Calendar(milli_rate, (*_written_out(item.get("leases", ())), *_unpacked(item.get("singles", b""))))


def _fits(lease: IdentityLease) -> bool:
    length_us = lease.end_us - lease.start_us
    return _TAG.fullmatch(lease.owner) is not None and not lease.asked and max(length_us, lease.milli_rate) <= _MOST


def _packed(lease: IdentityLease) -> bytes:
    tag = bytes.fromhex(lease.owner.removeprefix(PRIORITY_MARK))
    return _SINGLE.pack(tag, lease.start_us, lease.end_us - lease.start_us, lease.milli_rate)


def _unpacked(singles: bytes) -> Iterator[IdentityLease]:
    for tag, start_us, length_us, milli_rate in _SINGLE.iter_unpack(singles):
        yield IdentityLease(f"{PRIORITY_MARK}{tag.hex()}", start_us, start_us + length_us, milli_rate)


def _written_out(leases: Iterable[Mapping[str, Any]]) -> Iterator[IdentityLease]:
    for lease in leases:
        yield IdentityLease(lease["o"], lease["s"], lease["e"], lease["r"], lease.get("a", 0))
