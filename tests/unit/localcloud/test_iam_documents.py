"""Policy documents in all of IAM's shorthands."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.graph import UNKNOWN
from localcloud.iam_documents import refuses_plain_http, statements


def test_shorthands_are_one_form() -> None:
    long = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": ["*"]},
                "Action": ["sqs:SendMessage"],
                "Resource": ["arn:x"],
                "Condition": {"Bool": {"aws:SecureTransport": ["true"]}},
            }
        ]
    }
    short = {
        "Statement": {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "sqs:SendMessage",
            "Resource": "arn:x",
            "Condition": {"Bool": {"aws:SecureTransport": True}},
        }
    }
    assert statements(json.dumps(long)) == statements(short)


def test_negations_keep_their_meaning() -> None:
    (statement,) = statements({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:x"}})
    assert statement.actions == ("everything but iam:*",)
    assert statement.resources == ("everything but arn:x",)


@pytest.mark.parametrize("document", [UNKNOWN, None, 7, "", "not json", "[]", {"Statement": [7]}])
def test_what_is_no_document_says_nothing(document: object) -> None:
    assert statements(document) == ()
    assert not refuses_plain_http(document)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("Allow"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["Statement", "Effect", "Principal", "Action", "Resource", "Condition", "AWS", "Bool"]),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_nothing_breaks_the_reader(document: object) -> None:
    statements(document)
    statements(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({}, True),
        ({"Effect": "Allow"}, False),
        ({"Principal": {"AWS": "123456789012"}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, False),
        ({"Condition": {"Bool": {"AWS:SECURETRANSPORT": "false"}}}, True),
    ],
)
def test_plain_http_is_refused_to_everybody_or_not_at_all(change: dict[str, object], refused: bool) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    condition = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert refuses_plain_http({"Statement": [{**deny, **condition, **change}]}) is refused
