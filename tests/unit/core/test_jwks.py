"""Keys of a user pool: which are taken, how often they are fetched, and what an outage or a rotation changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.jwks import (
    BELIEVED_S,
    FETCH_EVERY_S,
    FRESH_S,
    JwksError,
    KeyCache,
    KeysUnavailable,
    RsaKey,
    parse_jwks,
)
from tests.support.id_tokens import b64, jwk, jwks, number, private_key

UNUSABLE: dict[str, Callable[[], Any]] = {
    "elliptic curve": lambda: {"kid": "k", "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256"},
    "shared secret": lambda: {"kid": "k", "kty": "oct", "use": "sig", "alg": "HS256", "k": b64(b"secret")},
    "for encryption": lambda: jwk("k", use="enc"),
    "for nothing in particular": lambda: {name: value for name, value in jwk("k").items() if name != "use"},
    "for another algorithm": lambda: jwk("k", alg="RS512"),
    "for any algorithm": lambda: {name: value for name, value in jwk("k").items() if name != "alg"},
    "for a list of algorithms": lambda: jwk("k", alg=["RS256"]),
    "too short": lambda: jwk("k", "short"),
    "a bit too short": lambda: jwk("k", n=number(2**2047 - 1)),
    "too long": lambda: jwk("k", n=number(2**8193 - 1)),
    "even modulus": lambda: jwk("k", n=number(2**2048 - 2)),
    "exponent one": lambda: jwk("k", e=number(1)),
    "exponent even": lambda: jwk("k", e=number(65_536)),
    "exponent huge": lambda: jwk("k", e=number(2**32 + 1)),
    "exponent empty": lambda: jwk("k", e=""),
    "modulus padded": lambda: jwk("k", n=jwk("k")["n"] + "="),
    "modulus cut": lambda: jwk("k", n="A" * 345),
    "modulus a number": lambda: jwk("k", n=3),
    "no modulus": lambda: {name: value for name, value in jwk("k").items() if name != "n"},
    "id a number": lambda: jwk("k") | {"kid": 1},
    "id empty": lambda: jwk(""),
    "no id": lambda: {name: value for name, value in jwk("k").items() if name != "kid"},
    "a list": lambda: [jwk("k")],
    "null": lambda: None,
}


class Pool:
    """A user pool's document with a clock beside it; counts when it was read."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.document = jwks(jwk("one"))
        self.away = False
        self.reads: list[float] = []
        self.failures: list[str] = []
        self.cache = KeyCache(self.read, lambda: self.now, self.failures.append)

    def read(self) -> bytes:
        """The document as it is now."""
        self.reads.append(self.now)
        if self.away:
            raise JwksError("away")
        return self.document

    def knows(self, kid: str) -> bool | None:
        """Whether there is such a key; None when nobody can say."""
        try:
            return self.cache.key(kid) is not None
        except KeysUnavailable:
            return None


@pytest.fixture
def pool() -> Pool:
    return Pool()


def test_a_key_is_what_was_published() -> None:
    numbers = private_key("pool").public_key().public_numbers()
    assert parse_jwks(jwks(jwk("one"))) == {"one": RsaKey(numbers.n, numbers.e)}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_key_that_cannot_be_used_is_passed_over(name: str) -> None:
    entry = UNUSABLE[name]()
    assert set(parse_jwks(jwks(entry, jwk("good")))) == {"good"}
    with pytest.raises(JwksError, match="no usable key"):
        parse_jwks(jwks(entry))


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"keys": null}',
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [], "keys": []}',
        b"[" * 100_000,
        b"\xff\xfe{}",
        jwks(jwk("one"), jwk("one", "spare")),
        jwks(jwk("one"))[:-1],
    ],
    ids=lambda document: document[:24].decode("latin-1"),
)
def test_a_malformed_document_replaces_nothing(pool: Pool, document: bytes) -> None:
    with pytest.raises(JwksError):
        parse_jwks(document)
    assert pool.knows("one")
    pool.document = document
    pool.now += FRESH_S
    assert pool.knows("one")
    assert len(pool.failures) == 1


@given(st.binary(max_size=300))
def test_any_bytes_are_keys_or_an_error(document: bytes) -> None:
    with pytest.raises(JwksError):
        parse_jwks(document)


@given(
    st.dictionaries(st.sampled_from(["kid", "kty", "use", "alg", "n", "e", "d"]), st.text(max_size=6) | st.integers())
)
def test_any_entry_is_a_key_or_passed_over(changes: dict[str, Any]) -> None:
    document = jwks(jwk("good"), jwk("one") | changes)
    try:
        assert "good" in parse_jwks(document)
    except JwksError:
        assert changes.get("kid") == "good"


@pytest.mark.parametrize("away", [False, True])
@pytest.mark.parametrize("warm", [False, True])
def test_a_flood_of_unknown_keys_costs_a_fetch_a_minute(pool: Pool, away: bool, warm: bool) -> None:
    started = pool.now
    if warm:
        assert pool.knows("one")
    pool.away = away
    for number_ in range(10_000):
        pool.now = started + number_ * 0.36
        assert not pool.knows(f"unknown-{number_}")
        assert pool.knows("one") is (None if away and not warm else True)
    assert 55 <= len(pool.reads) <= 60


def test_known_keys_are_fetched_once_an_hour(pool: Pool) -> None:
    for minute in range(181):
        pool.now = 1_000_000.0 + minute * 60
        assert pool.knows("one")
    assert [at - 1_000_000 for at in pool.reads] == [0, 3_600, 7_200, 10_800]


@pytest.mark.parametrize("rotated_after", [0.5, 30, 59.5, 60, 61, 3_599])
def test_a_key_rotated_in_is_found_within_a_minute(pool: Pool, rotated_after: float) -> None:
    assert pool.knows("one")
    pool.now += rotated_after
    pool.document = jwks(jwk("one"), jwk("two", "spare"))
    appeared = pool.now
    while not pool.knows("two"):
        pool.now += 1
    assert pool.now - appeared <= FETCH_EVERY_S
    assert pool.knows("one")


def test_a_key_is_found_within_a_minute_while_strangers_ask_for_others(pool: Pool) -> None:
    for _ in range(90):
        pool.now += 1
        assert not pool.knows("unknown")
    pool.document = jwks(jwk("two", "spare"))
    appeared = pool.now
    while not pool.knows("two"):
        assert not pool.knows("unknown")
        pool.now += 1
    assert pool.now - appeared <= FETCH_EVERY_S


def test_a_key_that_was_withdrawn_is_believed_for_an_hour_at_most(pool: Pool) -> None:
    assert pool.knows("one")
    pool.document = jwks(jwk("two", "spare"))
    pool.now += FRESH_S - 1
    assert pool.knows("one")
    pool.now += 1
    assert not pool.knows("one")


def test_an_outage_is_survived_for_a_day_and_no_longer(pool: Pool) -> None:
    assert pool.knows("one")
    pool.away = True
    began = pool.now
    while pool.now < began + BELIEVED_S - 60:
        pool.now += 60
        assert pool.knows("one")
    assert set(pool.failures) == {"away"}
    pool.now += 60
    assert pool.knows("one") is None
    pool.away = False
    pool.now += FETCH_EVERY_S
    assert pool.knows("one")


def test_an_outage_from_the_start_ends_with_it(pool: Pool) -> None:
    pool.away = True
    assert pool.knows("one") is None
    pool.away = False
    assert pool.knows("one") is None, "the next fetch is a minute away"
    pool.now += FETCH_EVERY_S
    assert pool.knows("one")


def test_an_environment_that_was_frozen_notices_how_old_its_keys_are(pool: Pool) -> None:
    assert pool.knows("one")
    pool.now += 7 * 24 * 3_600
    pool.document = jwks(jwk("two", "spare"))
    assert not pool.knows("one")


def test_a_clock_set_back_does_not_keep_keys_for_ever(pool: Pool) -> None:
    assert pool.knows("one")
    pool.now -= 10 * 24 * 3_600
    pool.document = jwks(jwk("two", "spare"))
    assert not pool.knows("one")
    assert pool.knows("two")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.5, 59.0, 60.0, 61.0, 1_800.0, 3_600.0, 80_000.0]),
            st.sampled_from(["one", "two", "three", "unknown"]),
            st.sampled_from([("one",), ("one", "two"), ("two", "three"), ("away",), ("malformed",)]),
        ),
        max_size=40,
    )
)
def test_whatever_happens_fetches_are_rare_and_keys_are_the_last_ones_read(
    steps: list[tuple[float, str, tuple[str, ...]]],
) -> None:
    pool = Pool()
    entries = {kid: jwk(kid) for kid in ("one", "two", "three")}
    last: tuple[float, tuple[str, ...]] | None = None
    for pause, kid, published in steps:
        pool.now += pause
        pool.away = published == ("away",)
        unreadable = pool.away or published == ("malformed",)
        pool.document = b"{}" if unreadable else json.dumps({"keys": [entries[each] for each in published]}).encode()
        before = len(pool.reads)
        answer = pool.knows(kid)
        if len(pool.reads) > before and not unreadable:
            last = (pool.now, published)
        if last is None or pool.now - last[0] >= BELIEVED_S:
            assert answer is None
        else:
            assert answer is (kid in last[1])
    assert all(later - earlier >= FETCH_EVERY_S for earlier, later in zip(pool.reads, pool.reads[1:], strict=False))
