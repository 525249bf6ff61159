"""The matcher behind the tests of rules, against the examples of the EventBridge user guide's operators."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.event_patterns import matches

EVENT = {
    "source": "aws.ses",
    "detail-type": "Email Sent",
    "resources": ["arn:aws:ses:us-east-1:123456789012:configuration-set/a", "arn:other"],
    "detail": {"state": "running", "count": 5, "mail": {"tags": {"stack": ["dev"]}}},
}


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        {"source": ["aws.ses"]},
        {"source": ["aws.sms-voice", "aws.ses"], "detail-type": ["Email Sent"]},
        {"source": [{"prefix": "aws."}]},
        {"resources": [{"suffix": "/a"}]},
        {"resources": ["arn:other"]},
        {"detail": {"count": [5], "state": [{"equals-ignore-case": "RUNNING"}]}},
        {"detail": {"mail": {"tags": {"stack": ["dev"]}}}},
        {"detail": {"mail": {"tags": {"stack": [{"exists": True}], "other": [{"exists": False}]}}}},
        {"detail": {"state": [{"anything-but": ["stopped"]}]}},
        {"detail": {"state": [{"anything-but": {"prefix": "stop"}}]}},
        {"detail-type": [{"wildcard": "Email *"}]},
    ],
)
def test_what_matches(pattern: dict[str, Any]) -> None:
    assert matches(pattern, EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.SES"]},
        {"source": ["aws.ses"], "detail-type": ["Email Opened"]},
        {"source": [{"prefix": "ses"}]},
        {"detail": {"count": ["5"]}},
        {"detail": {"count": {"value": [5]}}},
        {"detail": {"absent": ["x"]}},
        {"detail": {"absent": [{"anything-but": ["x"]}]}},
        {"detail": {"state": [{"exists": False}]}},
        {"detail": {"state": [{"anything-but": "running"}]}},
        {"absent": {"deeper": ["x"]}},
    ],
)
def test_what_does_not(pattern: dict[str, Any]) -> None:
    assert not matches(pattern, EVENT)


@pytest.mark.parametrize("pattern", [{"source": "aws.ses"}, {"source": []}, {"source": [{"close-to": "aws"}]}])
def test_what_is_no_pattern_is_refused(pattern: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="pattern"):
        matches(pattern, EVENT)
