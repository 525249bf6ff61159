"""Opt-outs in words."""

from __future__ import annotations

from console.view.opt_outs import opt_out_lines
from console.view.segments import text_of

MASKED = "+1******0191"


def test_sources_are_told_with_their_times() -> None:
    found = {"channel": "sms", "opted_out": True, "sources": {"stop": 1_700_000_000_000, "brand_new\x1b[2J": None}}
    lines = text_of(opt_out_lines(found, MASKED)).splitlines()
    assert lines[0] == f"{MASKED} has opted out of sms"
    assert lines[1] == "  2023-11-14T22:13:20.000Z  the recipient said STOP"
    assert lines[2].split() == ["-", "brand_new[2J"]


def test_nobody_who_may_be_written_to_has_a_reason() -> None:
    found = {"channel": "email", "opted_out": False, "sources": {}}
    assert text_of(opt_out_lines(found, "a**@example.com")) == "a**@example.com may be written to on email"
