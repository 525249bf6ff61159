"""DynamoDB's attribute values as Python values, and back: the low-level client speaks `{"S": "x"}`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

AttributeValue = Mapping[str, Any]


def value_of(attribute: AttributeValue) -> Any:
    """One attribute value; numbers become int where they are whole, else Decimal."""
    ((kind, raw),) = attribute.items()
    if kind == "N":
        number = Decimal(raw)
        return int(number) if number == number.to_integral_value() else number
    if kind == "M":
        return item_of(raw)
    if kind == "L":
        return [value_of(each) for each in raw]
    if kind == "NULL":
        return None
    if kind in ("SS", "NS", "BS"):
        return set(raw)
    return raw


def item_of(attributes: Mapping[str, AttributeValue]) -> dict[str, Any]:
    """One item."""
    return {name: value_of(attribute) for name, attribute in attributes.items()}


def text_key(**parts: str) -> dict[str, AttributeValue]:
    """A key whose parts are all texts."""
    return {name: {"S": value} for name, value in parts.items()}
