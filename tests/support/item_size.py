"""How large DynamoDB reckons an item (developer guide, "DynamoDB item sizes and formats")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

UNIT_BYTES = 1_024
"""What a write unit pays for."""


def item_bytes(item: Mapping[str, Any]) -> int:
    """Bytes of an item: its names and its values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def write_units(item: Mapping[str, Any]) -> int:
    """What writing the item costs."""
    return -(-item_bytes(item) // UNIT_BYTES)


def _value_bytes(value: Any) -> int:
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, (int, Decimal)):
        digits = len(Decimal(value).normalize().as_tuple().digits)
        return -(-digits // 2) + 1
    if isinstance(value, Mapping):
        return 3 + len(value) + item_bytes(value)
    if isinstance(value, Sequence):
        return 3 + len(value) + sum(_value_bytes(member) for member in value)
    raise TypeError(f"{type(value).__name__} has no size here")
