"""Who a token's bearer is: its key, its signature and its claims, in this order."""

from __future__ import annotations

from collections.abc import Callable

from lambdas.adapters.rs256 import signed_payload
from lambdas.core.id_token import Reason, Refused, Terms, key_id, subject
from lambdas.core.jwks import KeyCache, KeysUnavailable


class Speakers:
    """Those whom one user pool vouches for to one app client; `now_s` in seconds since the epoch."""

    def __init__(self, keys: KeyCache, terms: Terms, now_s: Callable[[], float]) -> None:
        self._keys = keys
        self._terms = terms
        self._now_s = now_s

    def bearer(self, token: str) -> str:
        """The Cognito user (`sub`) that `token` was issued to; raises `Refused` for any token but a true one."""
        kid = key_id(token)
        try:
            key = self._keys.key(kid)
        except KeysUnavailable:
            raise Refused(Reason.KEYS_UNAVAILABLE) from None
        if key is None:
            raise Refused(Reason.UNKNOWN_KEY)
        payload = signed_payload(token, key)
        if payload is None:
            raise Refused(Reason.SIGNATURE)
        return subject(payload, self._terms, self._now_s())
