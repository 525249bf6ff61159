"""What WhatsApp templates need, as Meta describes them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.template_flaw import TemplateFlawError
from lambdas.core.whatsapp_template import body_places, require_approved

BODY = {"type": "BODY", "text": "Hello {{1}}, table {{2}} is yours, {{1}}."}


def definition(*components: Any) -> str:
    return json.dumps({"name": "t", "components": list(components)})


@pytest.mark.parametrize(
    ("components", "places"),
    [
        ([{"type": "BODY", "text": "Hello"}], 0),
        ([BODY], 2),
        ([{"type": "body", "text": "{{ 1 }}"}], 1),
        ([{"type": "HEADER", "format": "TEXT", "text": "News"}, BODY, {"type": "FOOTER", "text": "Bye"}], 2),
        ([BODY, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Yes"}]}], 2),
        ([BODY, {"type": "BUTTONS", "buttons": [{"type": "URL", "url": "https://example.com/"}]}], 2),
    ],
)
def test_how_many_texts_the_body_takes(components: list[Any], places: int) -> None:
    assert body_places(definition(*components)) == places


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[]", "cannot be read"),
        ('{"components": ["BODY"]}', "cannot be read"),
        (definition({"type": "BODY", "text": "Hello {{name}}"}), "write {{1}}, {{2}} at Meta"),
        (definition(BODY, {"type": "HEADER", "format": "TEXT", "text": "For {{1}}"}), "takes parameters in its header"),
        (definition(BODY, {"type": "HEADER", "format": "IMAGE"}), "takes parameters in its header"),
        (
            definition(BODY, {"type": "BUTTONS", "buttons": [{"type": "URL", "url": "https://example.com/{{1}}"}]}),
            "takes parameters in a button",
        ),
        (definition(BODY, {"type": "BUTTONS", "buttons": [{"type": "OTP"}]}), "takes parameters in a button"),
        (definition(BODY, {"type": "CAROUSEL", "cards": []}), "takes parameters in carousel"),
        (definition(BODY, {}), "takes parameters in a part without a type"),
    ],
)
def test_what_no_message_can_fill(template: str, words: str) -> None:
    with pytest.raises(TemplateFlawError) as caught:
        body_places(template)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("PENDING", "is PENDING at Meta: wait until Meta has approved it"),
        ("PAUSED", "is PAUSED at Meta: wait until Meta lets it go on"),
        ("DISABLED", "is DISABLED at Meta: name one that is approved"),
        ("", "is of no known status at Meta"),
    ],
)
def test_only_an_approved_template_is_sent(status: str, words: str) -> None:
    with pytest.raises(TemplateFlawError) as caught:
        require_approved(status)
    assert words in str(caught.value)
    require_approved("APPROVED")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "format", "buttons", "url", "components"]), inner, max_size=4
        )
    ),
    max_leaves=15,
)


@given(JSON | st.builds(lambda components: {"components": components}, st.lists(JSON, max_size=4)))
def test_any_answer_is_read_or_refused(document: Any) -> None:
    with suppress(TemplateFlawError):
        assert body_places(json.dumps(document)) >= 0


@given(st.lists(st.integers(1, 9), max_size=6))
def test_a_place_that_repeats_is_one_parameter(places: list[int]) -> None:
    text = " and ".join(f"{{{{{place}}}}}" for place in places)
    assert body_places(definition({"type": "BODY", "text": text})) == len(set(places))
