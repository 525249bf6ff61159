"""Statements refuse what nobody should be granted."""

from __future__ import annotations

import pytest

from components.iam import DECRYPT, READ, WRITE, Statement, role_policy


def test_actions_are_enumerated() -> None:
    with pytest.raises(ValueError, match="enumerate actions instead of dynamodb:\\*"):
        Statement(sid="All", actions=["dynamodb:*"], resources=["arn:x"])


def test_a_star_resource_needs_its_reason() -> None:
    with pytest.raises(ValueError, match="carries its reason"):
        Statement(sid="Trace", actions=["xray:PutTraceSegments"], resources=["*"])
    Statement(sid="Trace", actions=["xray:PutTraceSegments"], resources=["*"], reason="no resource exists")


def test_a_reason_without_a_star_is_left_over() -> None:
    with pytest.raises(ValueError, match="carries its reason"):
        Statement(sid="Read", actions=["s3:GetObject"], resources=["arn:x"], reason="once upon a time")


@pytest.mark.parametrize("sid", ["", "Read tables", "read-tables"])
def test_ids_are_what_iam_accepts(sid: str) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        Statement(sid=sid, actions=["s3:GetObject"], resources=["arn:x"])


def test_a_statement_says_something() -> None:
    with pytest.raises(ValueError, match="needs actions and resources"):
        Statement(sid="Nothing", actions=["s3:GetObject"], resources=[])


def test_two_statements_of_one_name_are_refused() -> None:
    once = Statement(sid="Read", actions=["s3:GetObject"], resources=["arn:x"])
    with pytest.raises(ValueError, match="repeat within one policy: Read"):
        role_policy([once, once], "arn:key")


def test_writing_to_encrypted_things_includes_reading_the_data_key() -> None:
    assert READ < WRITE
    assert DECRYPT in READ
