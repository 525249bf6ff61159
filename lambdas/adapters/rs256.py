"""The one place where function code touches PyJWT and cryptography; importing it costs a cold start 100 ms."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from jwt import PyJWS
from jwt.exceptions import PyJWTError

from lambdas.core.id_token import ALGORITHM
from lambdas.core.jwks import RsaKey

_JWS = PyJWS(algorithms=[ALGORITHM])
"""Knows no other algorithm, so no header can choose one."""


def signed_payload(token: str, key: RsaKey) -> bytes | None:
    """What `token` says, if it is a compact JWS signed with RS256 by `key`'s owner (RFC 7515, section 5.2)."""
    public_key = RSAPublicNumbers(key.exponent, key.modulus).public_key()
    try:
        payload: bytes = _JWS.decode_complete(token, public_key, algorithms=[ALGORITHM])["payload"]
    except (PyJWTError, ValueError):
        return None
    return payload
