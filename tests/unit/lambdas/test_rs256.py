"""The signature by itself: whatever a header says, one key and one algorithm are tried."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import hashes

from lambdas.adapters.rs256 import signed_payload
from lambdas.core.jwks import RsaKey
from tests.support.id_tokens import (
    CLAIMS,
    HEADER,
    Signer,
    hmac_signer,
    private_key,
    pss_signer,
    public_pem,
    rsa_signer,
    token,
    unsigned,
)


@pytest.fixture
def key() -> RsaKey:
    numbers = private_key("pool").public_key().public_numbers()
    return RsaKey(numbers.n, numbers.e)


def test_the_payload_of_a_true_signature_is_given_as_it_was_signed(key: RsaKey) -> None:
    payload = json.dumps(CLAIMS, indent=3).encode()
    assert signed_payload(token(payload), key) == payload


@pytest.mark.parametrize(
    ("alg", "sign"),
    [
        ("none", unsigned),
        ("HS256", hmac_signer(public_pem())),
        ("RS384", rsa_signer(algorithm=hashes.SHA384())),
        ("RS512", rsa_signer(algorithm=hashes.SHA512())),
        ("PS256", pss_signer()),
        ("RS256", rsa_signer("spare")),
    ],
)
def test_no_other_algorithm_or_key_is_tried(key: RsaKey, alg: str, sign: Signer) -> None:
    assert signed_payload(token(header={**HEADER, "alg": alg}, sign=sign), key) is None


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", token()[:-1], token() + "A", "é.é.é", "\ud800"])
def test_what_is_no_token_has_no_payload(key: RsaKey, text: str) -> None:
    assert signed_payload(text, key) is None
