"""Links: every place survives the way through one, and nothing else gets in."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain import ConsoleError
from console.places import PARAMETERS, Place, link, parse_link

NAMES = st.text(string.ascii_letters + string.digits + "-_./:=, äß", min_size=1, max_size=40).filter(
    lambda text: " ".join(text.split()) == text
)
PLACES = st.builds(
    Place,
    st.sampled_from(["alarms", "messages", "logs"]),
    st.just("") | NAMES,
    st.dictionaries(st.sampled_from(PARAMETERS), NAMES),
)


@given(st.text(string.ascii_lowercase + "-", min_size=1, max_size=20), PLACES)
def test_a_place_survives_its_link(stack: str, place: Place) -> None:
    assert parse_link(link(stack, place)) == (stack, place)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alarms",
        "http://dev/alarms",
        "cpaas://",
        "cpaas://dev",
        "cpaas://dev/",
        "cpaas:///alarms",
        "cpaas://dev/alarms/a/b",
        "cpaas://dev/alarms/%1b%5d52;c;x%07",
        "cpaas://dev/al%0aarms",
        "cpaas://dev/alarms/%ff",
        "cpaas://dev/alarms?" + "a=b&" * 30,
        "cpaas://dev/" + "a" * 3000,
    ],
)
def test_what_is_no_link_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ConsoleError) as raised:
        parse_link(text)
    assert "no link of this console" in str(raised.value)
    assert "\x1b" not in str(raised.value)


@given(st.text())
def test_no_text_is_anything_but_a_place_or_a_refusal(text: str) -> None:
    try:
        _, place = parse_link(text)
    except ConsoleError:
        return
    assert place.screen


def test_unknown_parameters_are_not_heard() -> None:
    assert parse_link("cpaas://dev/alarms?filter=x&action=cancel")[1] == Place("alarms", "", {"filter": "x"})
