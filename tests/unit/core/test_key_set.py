"""The table that tells duplicates: exact as a set, the same in every process."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.key_set import FIRST_SLOTS, KeySet


def written(table: KeySet) -> bytes:
    file = io.BytesIO()
    table.write(file)
    return file.getvalue()


@given(st.lists(st.text(max_size=8), max_size=60), st.binary(max_size=80))
def test_it_answers_as_a_set_does(texts: list[str], key: bytes) -> None:
    table, oracle = KeySet(key), set[str]()
    for text in texts:
        assert table.add(text) is (text not in oracle)
        oracle.add(text)
    assert len(table) == len(oracle)


def test_it_grows_and_goes_on_from_its_bytes() -> None:
    table = KeySet(b"key")
    half = 3 * FIRST_SLOTS
    assert all(table.add(str(number)) for number in range(half))
    resumed = KeySet.read(b"key", io.BytesIO(written(table)), table.size, len(table))
    assert [resumed.add(str(number)) for number in range(half - 1, half + 2)] == [False, True, True]
    assert not any(resumed.add(str(number)) for number in range(half))
    assert len(resumed) == half + 2


def test_a_table_that_is_cut_short_is_not_read() -> None:
    table = KeySet(b"key")
    with pytest.raises(EOFError):
        KeySet.read(b"key", io.BytesIO(written(table)[:-1]), table.size, len(table))


def test_another_key_gives_other_hashes() -> None:
    one, other = KeySet(b"one"), KeySet(b"other")
    one.add("text")
    other.add("text")
    assert written(one) != written(other)
