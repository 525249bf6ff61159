"""Whatever a token tries: only those of the pool itself, for this client and this hour, are believed."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambdas.core.id_token import LEEWAY_S, LONGEST_LIFE_S, MOST_CHARACTERS, Reason, Refused, Terms, key_id, subject
from lambdas.core.jwks import KeyCache
from lambdas.session_authorizer.speakers import Speakers
from tests.support.forged_tokens import Forgery, forgeries
from tests.support.id_tokens import (
    AUDIENCE,
    CLAIMS,
    HEADER,
    ISSUER,
    NOW,
    SPARE_KID,
    SUBJECT,
    published,
    rsa_signer,
    token,
)

FORGERIES = forgeries()
TERMS = Terms(ISSUER, AUDIENCE)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n"
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([ISSUER, AUDIENCE]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def bearer(text: str) -> str | Reason:
    """Who is believed, or why nobody is; anything else that is raised fails the test."""
    try:
        return Speakers(KeyCache(published, lambda: NOW, pytest.fail), TERMS, lambda: NOW).bearer(text)
    except Refused as refused:
        return refused.reason


def test_the_catalogue_is_as_large_as_it_should_be() -> None:
    names = [forgery.name for forgery in FORGERIES]
    assert len(set(names)) == len(names) >= 60


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_a_forgery_is_refused_for_its_own_reason(forgery: Forgery) -> None:
    assert bearer(forgery.make()) is forgery.reason


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({}, {}),
        ({}, {"typ": "JWT"}),
        ({}, {"x5t": "not read", "made-up": [1]}),
        ({"exp": NOW - LEEWAY_S + 1}, {}),
        ({"iat": NOW + LEEWAY_S}, {}),
        ({"nbf": NOW + LEEWAY_S}, {}),
        ({"nbf": 0}, {}),
        ({"iat": NOW, "exp": NOW + LONGEST_LIFE_S}, {}),
        ({"azp": AUDIENCE}, {}),
        ({"name": "Ünïcode 😀", "cognito:groups": ["a", "b"], "custom:x": {"a": {"a": 1}}}, {}),
    ],
    ids=str,
)
def test_a_true_token_is_believed_up_to_the_edges(claims: dict[str, Any], header: dict[str, Any]) -> None:
    assert bearer(token({**CLAIMS, **claims}, {**HEADER, **header})) == SUBJECT


def test_each_of_the_pools_keys_may_sign() -> None:
    assert bearer(token(header={**HEADER, "kid": SPARE_KID}, sign=rsa_signer("spare"))) == SUBJECT


def test_the_longest_token_that_is_read_is_believed() -> None:
    spare = MOST_CHARACTERS - len(token({**CLAIMS, "x": ""}))
    longest = token({**CLAIMS, "x": "x" * (spare * 3 // 4)})
    assert MOST_CHARACTERS - 3 <= len(longest) <= MOST_CHARACTERS
    assert bearer(longest) == SUBJECT


@given(st.text(max_size=200) | st.text(alphabet=ALPHABET, max_size=200) | st.binary(max_size=90).map(repr))
def test_no_text_is_a_token(text: str) -> None:
    assert isinstance(bearer(text), Reason)


@given(st.integers(0, 2_000), st.integers(0, 2), st.sampled_from(ALPHABET), st.data())
def test_no_change_of_a_character_is_believed(at: int, cut: int, character: str, data: st.DataObject) -> None:
    whole = token()
    at = min(at, len(whole))
    changed = whole[:at] + data.draw(st.sampled_from(["", character, character * 2])) + whole[at + cut :]
    assert changed == whole or isinstance(bearer(changed), Reason)


@given(st.binary(max_size=400), st.binary(max_size=64))
@example(b"\xff\xfe{\x00}\x00", b"")
def test_a_header_of_any_bytes_is_refused_and_nothing_else_is_raised(header: bytes, signature: bytes) -> None:
    forged = token(header=header, sign=lambda _: signature or b"x")
    with pytest.raises(Refused):
        key_id(forged)


@given(st.dictionaries(st.sampled_from(sorted({*CLAIMS, "azp", "nbf"})), JSON_VALUES), st.floats(-1e12, 1e12))
def test_claims_are_believed_only_as_cognito_writes_them(changes: dict[str, Any], now_s: float) -> None:
    claims = {**CLAIMS, **changes}
    try:
        believed = subject(json.dumps(claims).encode(), TERMS, now_s)
    except Refused:
        return
    assert believed == claims["sub"]
    assert isinstance(believed, str)
    assert (claims["iss"], claims["aud"], claims["token_use"]) == (ISSUER, AUDIENCE, "id")
    assert claims["iat"] - LEEWAY_S <= now_s < claims["exp"] + LEEWAY_S
    assert math.isfinite(claims["exp"])


@given(st.binary(max_size=400))
def test_claims_of_any_bytes_are_refused_and_nothing_else_is_raised(payload: bytes) -> None:
    with pytest.raises(Refused):
        subject(payload, TERMS, NOW)
