"""Orders of single messages: one contract for the API's body and the outbox, every problem at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core import keys
from lambdas.core.campaign_request import MAX_PROBLEMS, RequestError
from lambdas.core.channels import Channel
from lambdas.core.content import Content, Template
from lambdas.core.message_order import MessageOrder, outbox_body, parse_message_order
from lambdas.core.send_options import SendOptions
from tests.unit.core.test_content import json_values

ORDER = {"customer_id": "c-1", "channel": "sms", "phone": "+14254147755", "body": "hi {{ name }}"}
FIELDS = [
    "message_id", "customer_id", "channel", "phone", "email", "body", "subject", "html", "template", "variables",
    "options", "ordered_at_ms",
]  # fmt: skip


def order(**changes: Any) -> dict[str, Any]:
    document = {**ORDER, **changes}
    return {name: value for name, value in document.items() if value is not ...}


def problems_of(document: object) -> list[str]:
    with pytest.raises(RequestError) as caught:
        parse_message_order(document)
    return caught.value.problems


def test_a_whole_order() -> None:
    parsed = parse_message_order(
        order(
            message_id="code-1",
            variables={"name": "you"},
            options={"message_type": "PROMOTIONAL", "max_price_usd": 0.05, "validity_seconds": 60},
            ordered_at_ms=5,
        )
    )
    assert (parsed.message_id, parsed.ordered_at_ms) == ("code-1", 5)
    assert parsed.options == SendOptions("PROMOTIONAL", 0.05, 60)
    recipient = parsed.recipient
    assert (recipient.customer_id, recipient.channel, recipient.address) == ("c-1", Channel.SMS, "+14254147755")
    assert (recipient.content, recipient.variables) == (Content("hi {{ name }}"), {"name": "you"})


def test_each_channel_s_own_fields() -> None:
    whatsapp = parse_message_order(order(channel="whatsapp", body=..., template={"name": "a", "parameters": ["x"]}))
    assert whatsapp.recipient.content == Content(template=Template("a", parameters=("x",)))
    email = parse_message_order(
        order(channel="email", phone=..., email="a@example.com", subject="s", body=..., html="<b>x</b>")
    )
    assert email.recipient.content == Content("", "s", "<b>x</b>")
    assert email.recipient.address == "a@example.com"


def test_all_problems_at_once() -> None:
    problems = problems_of(
        order(
            message_id="no spaces",
            ordered_at_ms="now",
            colour="red",
            body=5,
            options={"message_type": "URGENT", "spend_cap_usd": 5, "validity_seconds": 1},
        )
    )
    for name in (
        "'colour'", "message_id", "ordered_at_ms", "options.message_type", "options.spend_cap_usd",
        "options.validity_seconds", "body must be text",
    ):  # fmt: skip
        assert any(name in problem for problem in problems), name
    assert len(problems) == 7


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"customer_id": ...}, "customer_id must be"),
        ({"channel": "fax"}, "channel must be one of sms, whatsapp, email"),
        ({"channel": "email"}, "email is missing"),
        ({"phone": ...}, "phone is missing"),
        ({"body": ...}, "the message has no text"),
        ({"channel": "whatsapp", "body": ...}, "the message has nothing to say on WhatsApp"),
        ({"channel": "email", "email": "a@example.com"}, "the message has no email"),
        ({"variables": []}, "variables must be"),
        ({"variables": {"name": "x" * 4_097}}, "variables may be"),
        ({"variables": {f"v{number}": 1 for number in range(101)}}, "variables may be"),
        ({"variables": {"name": "\ud800"}}, "the message holds half a surrogate pair"),
        ({"message_id": ""}, "message_id must be"),
        ({"message_id": "x" * 65}, "message_id must be"),
        ({"message_id": "a\n"}, "message_id must be"),
        ({"message_id": 5}, "message_id must be"),
        ({"ordered_at_ms": True}, "ordered_at_ms must be"),
        ({"ordered_at_ms": 1.5}, "ordered_at_ms must be"),
        ({"options": []}, "options must be"),
    ],
)
def test_each_problem_names_its_field(changes: dict[str, Any], problem: str) -> None:
    (found,) = problems_of(order(**changes))
    assert found.startswith(problem)


def test_a_flood_of_problems_is_cut() -> None:
    assert len(problems_of(order(**{f"field-{number}": 1 for number in range(1_000)}))) == MAX_PROBLEMS


@pytest.mark.parametrize("message_id", [keys.message("spring", 0), keys.message("a-0000001", 9_999_999)])
def test_no_message_takes_the_id_of_a_campaign_s_row(message_id: str) -> None:
    (problem,) = problems_of(order(message_id=message_id))
    assert "seven digits" in problem


@pytest.mark.parametrize("message_id", ["m-12345678901234567890", "order-123456", "-1234567", "1234567", "a-123456x"])
def test_other_ids_are_free(message_id: str) -> None:
    assert parse_message_order(order(message_id=message_id)).message_id == message_id


@pytest.mark.parametrize("document", [order(), order(message_id="mine", options={"validity_seconds": 60})])
def test_the_outbox_carries_the_api_s_body(document: dict[str, Any]) -> None:
    body = json.loads(json.dumps(outbox_body(document, message_id="m-1", ordered_at_ms=7)))
    asked, carried = parse_message_order(document), parse_message_order(body)
    assert carried == MessageOrder("m-1", asked.recipient, asked.options, 7)
    assert outbox_body(body, message_id="m-1", ordered_at_ms=7) == body


@pytest.mark.parametrize(
    ("validity", "ordered_at_ms", "now_ms", "expired"),
    [
        (60, 1_000, 61_000, False),
        (60, 1_000, 61_001, True),
        (60, None, 62_000, False),
        (60, None, 62_001, True),
        (None, 1_000, 1_000 + 72 * 3_600_000, False),
        (None, 1_000, 1_001 + 72 * 3_600_000, True),
    ],
)
def test_an_order_expires_after_its_validity_and_no_order_waits_for_ever(
    validity: int | None, ordered_at_ms: int | None, now_ms: int, expired: bool
) -> None:
    parsed = parse_message_order(order(options={"validity_seconds": validity}, ordered_at_ms=ordered_at_ms))
    assert parsed.expired(now_ms, first_seen_ms=2_000) is expired


@given(json_values)
def test_garbage_is_a_request_error(document: object) -> None:
    problems = problems_of(document)
    assert 1 <= len(problems) <= MAX_PROBLEMS


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_an_order_with_anything_in_it_is_served_or_refused(fields: dict[str, Any]) -> None:
    document = {**ORDER, **fields}
    try:
        parsed = parse_message_order(document)
    except RequestError as error:
        problems = error.problems
    else:
        carried = json.loads(json.dumps(outbox_body(document, message_id="m", ordered_at_ms=1)))
        assert parse_message_order(carried).recipient == parsed.recipient
        return
    assert 1 <= len(problems) <= MAX_PROBLEMS
