"""Our message id in the text that WhatsApp's status webhooks repeat."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.correlation import callback_data, read_callback_data

stacks = st.from_regex(r"[a-zA-Z0-9_.-]{1,40}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(stacks, ids)
def test_what_we_send_comes_back(stack: str, message_id: str) -> None:
    text = callback_data(stack, message_id)
    assert read_callback_data(text) == (stack, message_id)
    assert len(text) <= 512, "Meta's bound of the field"


@pytest.mark.parametrize("text", ["", "/", "dev/", "/m-1", "m-1", "dev/m-1/x", "dev//m-1"])
def test_texts_of_others(text: str) -> None:
    assert read_callback_data(text) is None


@given(st.text(max_size=40))
def test_any_text_is_ours_or_nobody_s(text: str) -> None:
    found = read_callback_data(text)
    assert found is None or callback_data(*found) == text
