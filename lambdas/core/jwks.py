"""The public keys of a user pool: which of a JWK set are taken, and how long they are believed.

Sources: RFC 7517 (JWK sets), RFC 7518 section 6.3 (RSA keys), Cognito developer guide, "Verifying JSON web tokens"
(keys may be rotated at any time: cache them by `kid`, refresh them now and then).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.core.id_token import ALGORITHM
from lambdas.core.strict_json import strict_object

FETCH_EVERY_S = 60
"""Shortest time between two fetches, whatever tokens ask for and however fetches end."""
FRESH_S = 3600
"""After so long the set is read again: a key that was withdrawn is believed no longer than this."""
BELIEVED_S = 24 * 3600
"""How long keys outlive a set that cannot be read: as long as the longest-lived token signed with them may."""

_LEAST_BITS, _MOST_BITS = 2048, 8192
"""RFC 7518, section 3.3, asks for 2,048 bits or more; larger keys than the upper bound only cost time."""
_MOST_EXPONENT = 2**32
_NUMBER = re.compile(r"[A-Za-z0-9_-]+")


class JwksError(Exception):
    """A set of keys that could not be had or holds no key that can be taken; the text says why, in few words."""


class KeysUnavailable(Exception):
    """There are no keys that may be believed, and none could be fetched."""


@dataclass(frozen=True, slots=True)
class RsaKey:
    """An RSA public key: modulus and exponent."""

    modulus: int
    exponent: int


def parse_jwks(document: bytes) -> dict[str, RsaKey]:
    """The usable keys of a JWK set by their `kid`; raises `JwksError` when there is none or a `kid` is there twice.

    Usable are RSA keys that are for RS256 signatures by their own words. Others are passed over (RFC 7517, section 5).
    """
    try:
        entries = strict_object(document).get("keys")
    except ValueError as error:
        raise JwksError(str(error)) from None
    if not isinstance(entries, list):
        raise JwksError("no list of keys")
    usable = [(entry["kid"], key) for entry in entries if isinstance(entry, dict) and (key := _rsa_key(entry))]
    keys = dict(usable)
    if not keys:
        raise JwksError("no usable key")
    if len(keys) != len(usable):
        raise JwksError("two keys of one id")
    return keys


def _rsa_key(entry: Mapping[str, Any]) -> RsaKey | None:
    kid = entry.get("kid")
    if not isinstance(kid, str) or not kid:
        return None
    if (entry.get("kty"), entry.get("use"), entry.get("alg")) != ("RSA", "sig", ALGORITHM):
        return None
    modulus, exponent = _number(entry.get("n")), _number(entry.get("e"))
    fits = _LEAST_BITS <= modulus.bit_length() <= _MOST_BITS and 3 <= exponent < _MOST_EXPONENT
    return RsaKey(modulus, exponent) if fits and modulus % 2 and exponent % 2 else None


def _number(text: object) -> int:
    """A Base64urlUInt (RFC 7518, section 2); 0 for what is none."""
    if not isinstance(text, str) or not _NUMBER.fullmatch(text) or len(text) % 4 == 1:
        return 0
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


class KeyCache:
    """The keys of one set, in one execution environment.

    `fetch` reads the document or raises `JwksError`; `now_s` are seconds since the epoch, because an environment that
    Lambda has frozen must notice how old its keys have become; `failed` is told why a fetch brought nothing.
    """

    def __init__(self, fetch: Callable[[], bytes], now_s: Callable[[], float], failed: Callable[[str], None]) -> None:
        self._fetch = fetch
        self._now_s = now_s
        self._failed = failed
        self._keys: dict[str, RsaKey] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None

    def key(self, kid: str) -> RsaKey | None:
        """The key of exactly this id, None when the set has none; raises `KeysUnavailable`."""
        now = self._now_s()
        if (kid not in self._keys or _older(self._read_at, FRESH_S, now)) and _older(
            self._tried_at, FETCH_EVERY_S, now
        ):
            self._refresh(now)
        if _older(self._read_at, BELIEVED_S, now):
            raise KeysUnavailable
        return self._keys.get(kid)

    def _refresh(self, now: float) -> None:
        """Replace all keys at once, or keep those there are when the new ones cannot be read."""
        self._tried_at = now
        try:
            self._keys = parse_jwks(self._fetch())
        except JwksError as error:
            self._failed(str(error))
        else:
            self._read_at = now


def _older(at: float | None, seconds: float, now: float) -> bool:
    """Whether something is at least so old, or never was; a clock that was set back makes it old, not new for ever."""
    return at is None or abs(now - at) >= seconds
