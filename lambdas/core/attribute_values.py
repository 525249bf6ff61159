"""DynamoDB's attribute values as plain Python, and back: the low-level client speaks `{"S": "x"}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Item = dict[str, Any]


def to_attribute(value: Any) -> dict[str, Any]:
    """One Python value as an attribute value; floats are refused because they lose digits."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, (int, Decimal)):
        return {"N": str(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bytes):
        return {"B": value}
    if isinstance(value, (set, frozenset)):
        return {"SS": sorted(value)}
    if isinstance(value, Mapping):
        return {"M": {str(key): to_attribute(member) for key, member in value.items()}}
    if isinstance(value, Sequence):
        return {"L": [to_attribute(member) for member in value]}
    raise TypeError(f"{type(value).__name__} is not an attribute type; numbers must be int or Decimal")


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """The inverse of `to_attribute`; whole numbers become int, others Decimal."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        number = Decimal(value)
        return int(number) if number == number.to_integral_value() else number
    if kind == "M":
        return from_item(value)
    if kind == "L":
        return [from_attribute(member) for member in value]
    if kind == "SS":
        return frozenset(value)
    return None if kind == "NULL" else value


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """A whole item; attributes that are None are left out."""
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


def from_item(attributes: Mapping[str, Any]) -> Item:
    """The inverse of `to_item`."""
    return {name: from_attribute(value) for name, value in attributes.items()}
