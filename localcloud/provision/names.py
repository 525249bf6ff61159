"""Names and ids that are made up, always the same for the same URN."""

from __future__ import annotations

import hashlib
import uuid

_SUFFIX = 7
"""Hex digits that Pulumi's auto-naming adds (https://www.pulumi.com/docs/iac/concepts/resources/names/)."""


def fingerprint(urn: str, length: int = _SUFFIX) -> str:
    """The first `length` hex digits (at most 64) of the URN's SHA-256."""
    return hashlib.sha256(urn.encode()).hexdigest()[:length]


def physical_name(logical: str, urn: str, longest: int = 255) -> str:
    """`<logical name>-<7 hex digits>`, cut to `longest` characters in the logical part."""
    return f"{logical[: longest - _SUFFIX - 1]}-{fingerprint(urn)}"


def likely_uuid(urn: str) -> str:
    """A UUID derived from the URN."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, urn))
