"""Cognito's ID tokens: what must hold before and after the signature for a speaker to be believed.

Sources: RFC 7519 (claims), RFC 7515 (header), RFC 8725 (what has gone wrong with both), Cognito developer guide,
"Verifying JSON web tokens". Nothing here repeats a token: a refusal is a code.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lambdas.core.strict_json import strict_object

ALGORITHM = "RS256"
"""The only algorithm that Cognito's user pools sign with (Cognito developer guide, "Understanding the ID token")."""
MOST_CHARACTERS = 4096
"""Longest token that is read; one of Cognito's with a few groups and attributes has 1,000 to 2,000."""
LEEWAY_S = 10
"""How far two clocks may disagree."""
LONGEST_LIFE_S = 24 * 3600
"""Longest validity of an ID token that an app client can be given (Cognito API reference, "TokenValidityUnitsType")."""

_PART = re.compile(r"[A-Za-z0-9_-]+")
_MOST_KEY_ID_CHARACTERS = 256
_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""Cognito's own are UUIDs; what else may come goes into keys, conditions and answers unquoted."""
_FOREIGN_FIELDS = frozenset({"b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5u", "zip"})
"""Header fields that name keys to be believed or another way of reading the token. Cognito writes none of them."""


class Reason(StrEnum):
    """Why a token was refused, as logs say it."""

    SEVERAL = "SEVERAL"
    TOO_LONG = "TOO_LONG"
    FORMAT = "FORMAT"
    ALGORITHM = "ALGORITHM"
    HEADER = "HEADER"
    KEY_ID = "KEY_ID"
    KEYS_UNAVAILABLE = "KEYS_UNAVAILABLE"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    SIGNATURE = "SIGNATURE"
    CLAIMS = "CLAIMS"
    ISSUER = "ISSUER"
    AUDIENCE = "AUDIENCE"
    USE = "USE"
    TIMES = "TIMES"
    EXPIRED = "EXPIRED"
    NOT_YET = "NOT_YET"
    LIFETIME = "LIFETIME"
    SUBJECT = "SUBJECT"


class Refused(Exception):
    """A token that is not believed; the text is the reason's code and nothing else."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Terms:
    """Whom a token must come from, and which app client it must have been made for."""

    issuer: str
    audience: str


def key_id(token: str) -> str:
    """The id of the key that `token` says it is signed with, once the token can be one of Cognito's; else `Refused`.

    Nothing in a header is believed: the id only chooses among keys that are known anyway.
    """
    if len(token) > MOST_CHARACTERS:
        raise Refused(Reason.TOO_LONG)
    parts = token.split(".")
    if len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
        raise Refused(Reason.FORMAT)
    try:
        header = strict_object(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except ValueError:
        raise Refused(Reason.FORMAT) from None
    if header.get("alg") != ALGORITHM:
        raise Refused(Reason.ALGORITHM)
    if not _FOREIGN_FIELDS.isdisjoint(header) or header.get("typ", "JWT") != "JWT":
        raise Refused(Reason.HEADER)
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= _MOST_KEY_ID_CHARACTERS:
        raise Refused(Reason.KEY_ID)
    return kid


def subject(payload: bytes, terms: Terms, now_s: float) -> str:
    """Who the claims in a payload, whose signature has been verified, are about; raises `Refused`.

    `now_s` in seconds since the epoch. An audience is one text, never a list: Cognito writes one app client there.
    """
    try:
        claims = strict_object(payload)
    except ValueError:
        raise Refused(Reason.CLAIMS) from None
    if claims.get("iss") != terms.issuer:
        raise Refused(Reason.ISSUER)
    if claims.get("aud") != terms.audience or claims.get("azp", terms.audience) != terms.audience:
        raise Refused(Reason.AUDIENCE)
    if claims.get("token_use") != "id":
        raise Refused(Reason.USE)
    _check_times(claims, now_s)
    sub = claims.get("sub")
    if not isinstance(sub, str) or not _SUBJECT.fullmatch(sub):
        raise Refused(Reason.SUBJECT)
    return sub


def _check_times(claims: Mapping[str, Any], now_s: float) -> None:
    issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
    starts = _seconds(claims, "nbf") if "nbf" in claims else issued
    if expires <= now_s - LEEWAY_S:
        raise Refused(Reason.EXPIRED)
    if max(issued, starts) > now_s + LEEWAY_S:
        raise Refused(Reason.NOT_YET)
    if expires - issued > LONGEST_LIFE_S:
        raise Refused(Reason.LIFETIME)


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    """A time claim, whole seconds since the epoch as Cognito writes them."""
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(Reason.TIMES)
    return value
