"""Texts that variables make too large: refused or left out before any of them is built."""

from __future__ import annotations

import pytest

from lambdas.core.campaign_request import Recipient, RequestError
from lambdas.core.channels import Channel
from lambdas.core.content import MAX_TEXT_CHARACTERS, Content
from lambdas.core.plan import MAX_RENDERED_CHARACTERS, require_room
from lambdas.core.plan_row import Exclusion
from tests.support.plans import make_plan


def test_texts_that_variables_make_too_large_together_are_refused_before_any_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(Content, "render")
    body = "{{ name }}" * 150
    audience = [
        Recipient(row, f"c-{row}", Channel.EMAIL, f"a{row}@example.com", Content(body, "news"), {"name": "x" * 660})
        for row in range(5_000)
    ]
    with pytest.raises(RequestError) as caught:
        require_room(audience)
    (problem,) = caught.value.problems
    assert problem == (
        f"the messages of all recipients have {5_000 * (150 * 660 + 4)} characters with their variables filled in, "
        f"more than {MAX_RENDERED_CHARACTERS}; split the audience"
    )


def test_a_text_that_variables_make_too_long_is_left_out_and_never_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Content, "render")
    plan = make_plan(
        [
            Recipient(row, f"c-{row}", Channel.SMS, "+14254147755", Content("{{a}}" * 20_000), {"a": "x" * 4_096})
            for row in range(2)
        ],
        channels=frozenset({Channel.SMS}),
        opted_out=lambda _channel, _addresses: (),
    )
    assert [(row.reason, row.detail) for row in plan.excluded] == [(Exclusion.TOO_LONG, "81920000 characters")] * 2
    assert 81_920_000 > MAX_RENDERED_CHARACTERS > MAX_TEXT_CHARACTERS


def test_what_fits_is_taken_to_the_last_character() -> None:
    full, rest = divmod(MAX_RENDERED_CHARACTERS, 100_000)
    bodies = ["{{a}}" * 100] * full + ["x" * (rest or 1)]

    def audience(count: int) -> list[Recipient]:
        return [
            Recipient(row, "c", Channel.EMAIL, f"a{row}@example.com", Content(body), {"a": "y" * 1_000})
            for row, body in enumerate(bodies[:count])
        ]

    require_room(audience(full))
    with pytest.raises(RequestError):
        require_room(audience(full + 1))
