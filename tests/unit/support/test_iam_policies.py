"""IAM's matching as the tests know it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.iam_policies import Grant, grants_of, matches, uncovered, unused

QUEUE = "arn:aws:sqs:us-east-1:123456789012:plan"
plain_text = st.text(st.characters(exclude_characters="*?"))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("arn:aws:s3:::b/parts/*", "arn:aws:s3:::b/parts/c-1/x/0.jsonl", True),
        ("arn:aws:s3:::b/parts/*", "arn:aws:s3:::b/requests/c-1.json", False),
        ("arn:aws:s3:::b/parts/*", "arn:aws:s3:::b/parts", False),
        ("*", "", True),
        ("?", "", False),
        ("a?c", "abc", True),
        ("a?c", "abbc", False),
        ("a[bc]d", "abd", False),
        ("a.c", "abc", False),
        ("Queue", "queue", False),
    ],
)
def test_patterns(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@given(plain_text)
def test_a_pattern_without_wildcards_is_itself(text: str) -> None:
    assert matches(text, text)
    assert not matches(text, text + "x")


@given(plain_text, plain_text, plain_text)
def test_a_star_stands_for_anything(before: str, between: str, after: str) -> None:
    assert matches(f"{before}*{after}", before + between + after)
    assert matches(f"{before}{'?' * len(between)}{after}", before + between + after)


def test_actions_are_compared_without_case() -> None:
    grant = Grant("role", "Send", "sqs:sendmessage", QUEUE)
    assert grant.covers("sqs:SendMessage", QUEUE)
    assert not grant.covers("sqs:SendMessage", QUEUE.upper())


def test_a_statement_is_each_action_on_each_resource() -> None:
    statement = {"Sid": "Both", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["a", "b"]}
    found = list(grants_of("role", {"Statement": statement}))
    assert [(grant.action, grant.resource) for grant in found] == [
        ("s3:GetObject", "a"),
        ("s3:GetObject", "b"),
        ("s3:PutObject", "a"),
        ("s3:PutObject", "b"),
    ]


@pytest.mark.parametrize("change", [{"Effect": "Deny"}, {"NotAction": "s3:GetObject"}, {"NotResource": "a"}])
def test_what_is_more_than_an_allow_is_not_guessed_at(change: dict[str, str]) -> None:
    statement = {"Sid": "Odd", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "a", **change}
    with pytest.raises(ValueError, match="role: Odd is not a plain Allow"):
        list(grants_of("role", {"Statement": [statement]}))


def test_calls_without_grant_and_grants_without_call() -> None:
    send, receive = Grant("a", "Send", "sqs:SendMessage", QUEUE), Grant("a", "Receive", "sqs:ReceiveMessage", QUEUE)
    calls = [("a", "sqs:SendMessage", QUEUE), ("b", "sqs:SendMessage", QUEUE)]
    assert unused([send, receive], calls) == [receive]
    assert uncovered([send, receive], calls) == [calls[1]]
