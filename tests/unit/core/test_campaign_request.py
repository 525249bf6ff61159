"""The body of a campaign request: every problem at once, and nothing but problems from garbage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.campaign_request import (
    MAX_INLINE_RECIPIENTS,
    MAX_PROBLEMS,
    RequestError,
    canonical_hash,
    parse_campaign_request,
    with_promotional_window,
)
from lambdas.core.content import Content, Template
from lambdas.core.send_options import SendOptions
from lambdas.core.send_window import SendWindow

SIMULATOR = "+14254147755"


def recipient(number: int = 0, **changes: Any) -> dict[str, Any]:
    user = {"customer_id": f"c-{number}", "selected_channel": "sms", "phone": SIMULATOR, **changes}
    return {name: value for name, value in user.items() if value is not ...}


def request(**changes: Any) -> dict[str, Any]:
    document = {"eligible_users": [recipient()], "throughput_tps": 10, "body": "hello", **changes}
    return {name: value for name, value in document.items() if value is not ...}


def problems_of(document: object) -> list[str]:
    with pytest.raises(RequestError) as caught:
        parse_campaign_request(document)
    assert str(caught.value) == "; ".join(caught.value.problems)
    return caught.value.problems


def test_a_whole_request() -> None:
    parsed = parse_campaign_request(
        request(
            campaign_id="spring_2026-a",
            dry_run=True,
            eligible_users=[recipient(0), recipient(1, body="hi {{name}}", variables={"name": "you", "n": 3})],
            options={
                "message_type": "PROMOTIONAL",
                "spend_cap_usd": 5,
                "max_price_usd": 0.05,
                "validity_seconds": 3_600,
            },
        )
    )
    assert (parsed.campaign_id, parsed.dry_run, parsed.throughput_tps) == ("spring_2026-a", True, 10.0)
    assert parsed.options == SendOptions("PROMOTIONAL", 0.05, 3_600, 5.0)
    assert [(row.row, row.customer_id, row.content.body) for row in parsed.recipients] == [
        (0, "c-0", "hello"),
        (1, "c-1", "hi {{name}}"),
    ]
    assert parsed.recipients[1].variables == {"name": "you", "n": "3"}


def test_defaults() -> None:
    parsed = parse_campaign_request(request())
    assert (parsed.campaign_id, parsed.dry_run, parsed.options) == (None, False, SendOptions("TRANSACTIONAL"))


def test_all_problems_at_once() -> None:
    problems = problems_of(
        {
            "throughput_tps": "fast",
            "campaign_id": "no spaces please",
            "dry_run": "yes",
            "colour": "red",
            "options": {"message_type": "URGENT", "spend_cap_usd": -1, "validity_seconds": 4, "shiny": True},
            "eligible_users": [recipient(body="x"), recipient(phone=...), "nobody", recipient(body="  ")],
        }
    )
    for name in (
        "'colour'", "throughput_tps", "campaign_id", "dry_run", "options.message_type", "options.spend_cap_usd",
        "options.validity_seconds", "options.shiny", "eligible_users[1].phone", "eligible_users[2]",
        "eligible_users[3]",
    ):  # fmt: skip
        assert any(name in problem for problem in problems), name
    assert len(problems) == 11


@pytest.mark.parametrize(
    "tps",
    [
        0,
        -1,
        -0.0,
        1e-9,
        10_001,
        1e308,
        10**400,
        -(10**400),
        float("nan"),
        float("inf"),
        True,
        False,
        "10",
        None,
        [],
        {},
    ],
)
def test_a_rate_that_is_none(tps: object) -> None:
    (problem,) = problems_of(request(throughput_tps=tps))
    assert problem.startswith("throughput_tps")


@pytest.mark.parametrize("tps", [0.01, 1, 10_000])
def test_rates_that_are_served(tps: float) -> None:
    assert parse_campaign_request(request(throughput_tps=tps)).throughput_tps == tps


@pytest.mark.parametrize("name", ["spend_cap_usd", "max_price_usd"])
@pytest.mark.parametrize("money", [0, -5, float("nan"), float("-inf"), True, "1", 10**400, []])
def test_money_that_is_none(name: str, money: object) -> None:
    (problem,) = problems_of(request(options={name: money}))
    assert problem.startswith(f"options.{name}")


@pytest.mark.parametrize("validity", [4, 259_201, 5.5, True, "60", float("nan"), 10**400])
def test_a_validity_that_is_none(validity: object) -> None:
    (problem,) = problems_of(request(options={"validity_seconds": validity}))
    assert problem.startswith("options.validity_seconds")


@pytest.mark.parametrize("campaign_id", ["", "-a", "_a", "a" * 49, "a b", "a\n", "\u00e4", 5, True, []])
def test_an_id_that_is_none(campaign_id: object) -> None:
    (problem,) = problems_of(request(campaign_id=campaign_id))
    assert problem.startswith("campaign_id")


@pytest.mark.parametrize("users", [..., None, [], {}, "all", 5])
def test_an_audience_that_is_none(users: object) -> None:
    (problem,) = problems_of(request(eligible_users=users))
    assert problem.startswith("eligible_users must be a list")


def test_the_largest_audience_and_one_more() -> None:
    users = [recipient(number) for number in range(MAX_INLINE_RECIPIENTS + 1)]
    assert len(parse_campaign_request(request(eligible_users=users[:-1])).recipients) == MAX_INLINE_RECIPIENTS
    (problem,) = problems_of(request(eligible_users=users))
    assert "5001 recipients" in problem


def test_a_flood_of_problems_is_cut() -> None:
    assert len(problems_of(request(eligible_users=[None] * 1_000))) == MAX_PROBLEMS


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"customer_id": ""}, "customer_id"),
        ({"customer_id": "x" * 129}, "customer_id"),
        ({"customer_id": 5}, "customer_id"),
        ({"selected_channel": "fax"}, "selected_channel"),
        ({"selected_channel": ["sms"]}, "selected_channel"),
        ({"phone": ""}, "phone"),
        ({"phone": 14254147755}, "phone"),
        ({"selected_channel": "email"}, "email"),
        ({"body": 5}, "text"),
        ({"variables": []}, "variables"),
        ({"variables": {"a": None}}, "variables"),
        ({"variables": {"a": {}}}, "variables"),
    ],
)
def test_each_problem_names_its_row_and_field(changes: dict[str, Any], field: str) -> None:
    (problem,) = problems_of(request(eligible_users=[recipient(), recipient(**changes)]))
    assert problem.startswith("eligible_users[1]")
    assert field in problem


@pytest.mark.parametrize(
    "changes",
    [
        {"body": "half a pair \ud83d"},
        {"eligible_users": [recipient(customer_id="\ud800")]},
        {"eligible_users": [recipient(phone="+1\udfff")]},
        {"eligible_users": [recipient(body="\udc00")]},
        {"eligible_users": [recipient(variables={"name": "\ud83d"})]},
    ],
)
def test_text_that_cannot_be_stored_is_a_problem(changes: dict[str, Any]) -> None:
    document = json.loads(json.dumps(request(**changes)))
    assert any("surrogate" in problem for problem in problems_of(document))
    assert canonical_hash(document)


def test_the_hash_does_not_depend_on_order_or_white_space() -> None:
    document = request(options={"spend_cap_usd": 1, "message_type": "PROMOTIONAL"})
    shuffled = {name: document[name] for name in reversed(document)}
    shuffled["options"] = {name: document["options"][name] for name in reversed(document["options"])}
    assert canonical_hash(shuffled) == canonical_hash(document)
    assert canonical_hash(json.loads(json.dumps(document, indent=4))) == canonical_hash(document)
    assert canonical_hash({**document, "body": "hello "}) != canonical_hash(document)
    users = [recipient(1), recipient(2)]
    assert canonical_hash(request(eligible_users=users)) != canonical_hash(request(eligible_users=users[::-1]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)
FIELDS = ["eligible_users", "throughput_tps", "campaign_id", "body", "content", "dry_run", "options"]
OPTIONS = ["message_type", "spend_cap_usd", "max_price_usd", "validity_seconds"]
USER_FIELDS = ["customer_id", "selected_channel", "phone", "email", "body", "variables", "subject", "html", "template"]


@given(json_values)
def test_garbage_is_a_request_error(document: object) -> None:
    with pytest.raises(RequestError):
        parse_campaign_request(document)


@given(
    st.dictionaries(st.sampled_from(FIELDS), json_values),
    st.dictionaries(st.sampled_from(OPTIONS), json_values),
    st.dictionaries(st.sampled_from(USER_FIELDS), json_values),
)
def test_a_request_with_anything_in_it_is_served_or_refused(
    fields: dict[str, Any], options: dict[str, Any], user: dict[str, Any]
) -> None:
    document = {**request(options=options, eligible_users=[{**recipient(), **user}]), **fields}
    assert len(canonical_hash(document)) == 64
    try:
        parsed = parse_campaign_request(document)
    except RequestError as error:
        problems = error.problems
    else:
        assert 0 < parsed.throughput_tps <= 10_000
        return
    assert 1 <= len(problems) <= MAX_PROBLEMS


@pytest.mark.parametrize("body", ["{{ bad", "bad }}", "{{ two words }}", "{{}}", "{{ a }} {{"])
def test_an_unfinished_variable_is_refused(body: str) -> None:
    user = {"customer_id": "1", "selected_channel": "sms", "phone": "+14254147755", "body": body}
    with pytest.raises(RequestError, match="unfinished variable"):
        parse_campaign_request({"eligible_users": [user], "throughput_tps": 1})


WHATSAPP: dict[str, Any] = {"selected_channel": "whatsapp"}
EMAIL: dict[str, Any] = {"selected_channel": "email", "phone": ..., "email": "success@simulator.amazonses.com"}
BY_CHANNEL = {
    "whatsapp": {"template": {"name": "order_ready", "parameters": ["{{ name }}"]}},
    "email": {"subject": "for {{ name }}", "html": "<b>{{ name }}</b>"},
}


def contents(*users: dict[str, Any], **changes: Any) -> list[Content]:
    """What each recipient of a request gets."""
    return [row.content for row in parse_campaign_request(request(eligible_users=list(users), **changes)).recipients]


def test_each_channel_says_its_own_and_all_say_the_common_text() -> None:
    sms, whatsapp, email = contents(recipient(), recipient(**WHATSAPP), recipient(**EMAIL), content=BY_CHANNEL)
    assert sms == Content("hello")
    assert whatsapp == Content(template=Template("order_ready", parameters=("{{ name }}",)))
    assert email == Content("hello", "for {{ name }}", "<b>{{ name }}</b>")


def test_a_recipient_s_own_content_goes_before_its_campaign_s() -> None:
    assert contents(
        recipient(body="mine"),
        recipient(**WHATSAPP, body="mine"),
        recipient(**WHATSAPP, template="another"),
        recipient(**EMAIL, subject="mine"),
        recipient(**EMAIL, template="mine"),
        content=BY_CHANNEL,
    ) == [
        Content("mine"),
        Content("mine"),
        Content(template=Template("another")),
        Content("hello", "mine", "<b>{{ name }}</b>"),
        Content(template=Template("mine")),
    ]


def test_recipients_may_bring_all_there_is_to_say() -> None:
    assert contents(
        recipient(body="mine"),
        recipient(**EMAIL, subject="s", html="<p>"),
        recipient(**WHATSAPP, template="t"),
        body=...,
    ) == [Content("mine"), Content("", "s", "<p>"), Content(template=Template("t"))]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"content": []}, "content must be an object with entries for sms, whatsapp, email"),
        ({"content": {"fax": {}}}, "content must be an object with entries for sms, whatsapp, email"),
        ({"content": {"sms": "hi"}}, "content.sms must be an object"),
        ({"content": {"sms": {"text": "hi"}}}, "content.sms.'text' is not a field of a content"),
        ({"content": {"email": {"subject": 5}}}, "content.email.subject must be text"),
        ({"content": {"whatsapp": {"template": {"name": 5}}}}, "content.whatsapp.template.name must be"),
        ({"body": "{{ x"}, "body has an unfinished variable"),
        ({"eligible_users": [recipient(**EMAIL)]}, "eligible_users[0] has no email: give it a subject"),
        ({"eligible_users": [recipient(**WHATSAPP)], "body": ...}, "eligible_users[0] has nothing to say on WhatsApp"),
        ({"eligible_users": [recipient(template="t")], "body": ...}, "eligible_users[0] has no text"),
        ({"eligible_users": [recipient(template=5)]}, "eligible_users[0].template must be a name"),
        ({"eligible_users": [recipient(html="x" * 100_001)]}, "eligible_users[0].html has 100001 characters"),
        ({"eligible_users": [recipient(variables={"a": "x" * 4_097})]}, "eligible_users[0].variables may be"),
        ({"eligible_users": [recipient(variables={"x" * 4_097: "a"})]}, "eligible_users[0].variables may be"),
    ],
)
def test_what_is_wrong_with_a_content_is_named_with_its_path(changes: dict[str, Any], problem: str) -> None:
    assert problems_of(request(**changes))[0].startswith(problem)


def test_the_texts_of_all_recipients_together_are_bounded() -> None:
    users = [recipient(number) for number in range(501)]
    assert len(contents(*users[:500], body="x" * 100_000)) == 500
    (problem,) = problems_of(request(eligible_users=users, body="x" * 100_000))
    assert "split the audience" in problem


STACK_WINDOW = SendWindow(8 * 60, 21 * 60, timezone="America/New_York")


@pytest.mark.parametrize(
    ("options", "window"),
    [
        ({"message_type": "PROMOTIONAL"}, STACK_WINDOW),
        ({"message_type": "PROMOTIONAL", "send_window": {"start": "10:00", "end": "12:00"}}, SendWindow(600, 720)),
        ({"message_type": "PROMOTIONAL", "send_window": None}, None),
        ({"message_type": "TRANSACTIONAL"}, None),
        ({}, None),
    ],
    ids=["says nothing", "its own", "asks for none", "transactional", "no options"],
)
def test_promotional_campaigns_keep_the_stacks_hours_unless_they_say_otherwise(
    options: dict[str, Any], window: SendWindow | None
) -> None:
    asked = request(options=options)
    assert parse_campaign_request(with_promotional_window(asked, STACK_WINDOW)).options.window == window
    assert with_promotional_window(asked, None) == asked


@pytest.mark.parametrize("document", [None, [], "x", {}, {"options": None}, {"options": []}])
def test_what_is_no_request_stays_what_it_is(document: object) -> None:
    assert with_promotional_window(document, STACK_WINDOW) == document
