"""A user pool of its own: keys, the document they are published in, and tokens signed by whoever has a key."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

NOW = 1_790_000_000
"""When the tests' tokens are looked at, in seconds since the epoch."""
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Example1"
AUDIENCE = "4f6g7h8j9kexampleclient01"
SUBJECT = "3b2f8c1e-5a77-4c09-9d6e-0a1b2c3d4e5f"
KID = "Qx3+k/pool-key-one="
SPARE_KID = "Zw8+r/pool-key-two="

HEADER: dict[str, Any] = {"kid": KID, "alg": "RS256"}
CLAIMS: dict[str, Any] = {
    "sub": SUBJECT,
    "iss": ISSUER,
    "aud": AUDIENCE,
    "token_use": "id",
    "auth_time": NOW - 60,
    "iat": NOW - 60,
    "exp": NOW + 3_540,
    "cognito:username": "someone",
    "email": "someone@example.com",
}

Signer = Callable[[bytes], bytes]


@functools.cache
def private_key(owner: str) -> rsa.RSAPrivateKey:
    """The key of one owner: `pool` and `spare` are published, nobody else's is; the key of `short` is too short."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024 if owner == "short" else 2048)


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    """A Base64urlUInt."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


def jwk(kid: str, owner: str = "pool", **changes: Any) -> dict[str, Any]:
    """A published key as Cognito writes it."""
    numbers = private_key(owner).public_key().public_numbers()
    entry = {"kid": kid, "kty": "RSA", "use": "sig", "alg": "RS256", "n": number(numbers.n), "e": number(numbers.e)}
    return entry | changes


def jwks(*entries: Any) -> bytes:
    """A document with these keys."""
    return json.dumps({"keys": list(entries)}).encode()


def published() -> bytes:
    """What the pool publishes: two keys, as Cognito has one for ID and one for access tokens."""
    return jwks(jwk(KID), jwk(SPARE_KID, "spare"))


def public_pem() -> bytes:
    """The pool's public key as PEM."""
    return (
        private_key("pool")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def rsa_signer(owner: str = "pool", algorithm: hashes.HashAlgorithm | None = None) -> Signer:
    """PKCS #1 v1.5 signatures."""
    return lambda message: private_key(owner).sign(message, padding.PKCS1v15(), algorithm or hashes.SHA256())


def pss_signer(owner: str = "pool") -> Signer:
    """Signatures of PS256, with the pool's own key."""
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    return lambda message: private_key(owner).sign(message, scheme, hashes.SHA256())


def hmac_signer(secret: bytes, digest: str = "sha256") -> Signer:
    """Signatures of HS256 and its kin."""
    return lambda message: hmac.new(secret, message, getattr(hashlib, digest)).digest()


def ec_signer() -> Signer:
    """Signatures of ES256 by some key."""
    key = ec.generate_private_key(ec.SECP256R1())

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    return sign


def unsigned(_: bytes) -> bytes:
    """No signature at all."""
    return b""


def token(
    claims: Mapping[str, Any] | bytes = CLAIMS, header: Mapping[str, Any] | bytes = HEADER, sign: Signer | None = None
) -> str:
    """A compact token over claims and header, given as values or byte for byte; signed by the pool unless said."""
    message = f"{b64(_document(header))}.{b64(_document(claims))}"
    return f"{message}.{b64((sign or rsa_signer())(message.encode()))}"


def _document(value: Mapping[str, Any] | bytes) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()
