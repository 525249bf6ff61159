"""Secrets in log lines: never shown, whatever they stand in; lines without any stay as they are."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from console.secrecy import MASK, mask_secrets
from console.sources.log_lines import log_line
from console.text import without_sequences

FORMS = (
    "password={}",
    "PASSWORD: {} and more",
    "db_passwd = '{}'",
    "client_secret={}&grant_type=code",
    'secret: "{}", then',
    "https://x/y?X-Amz-Signature={}&X-Amz-Expires=60",
    "https://x/y?X-Amz-Security-Token={}",
    "Authorization: Bearer {}",
    "authorization=Basic {}",
    "called with bearer 1{} by",
    "apiKey={}",
    "x-api-key: {}",
    "aws_secret_access_key = {}",
    "aws_session_token={}",
    "key AKIA{:X<12} used",
    "ASIA{:X<12}",
    "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/{:x<18.18}",
    "id eyJhbGciOiJIUzI1NiJ9.{}.c2ln",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\n{}",
)
SECRETS = st.text(string.ascii_uppercase + string.digits, min_size=16, max_size=32)
AROUND = st.text(string.ascii_letters + string.digits + " .,-", max_size=20)
ORDINARY = (
    "START RequestId: 8f5e Version: $LATEST",
    "parked why=token_expired tokens=3",
    "password was not given",
    "work token 7 claimed by chunk 3",
    '{"level": "INFO", "event": "planned", "idempotency_key": "console-1", "token": null}',
    "Unexpected token: }",
    "the bearer of this letter",
    "secretary: none",
    "EASIA is no key, nor is AKIA",
)


def line(message: str) -> str:
    found = log_line("/g", {"eventId": "e", "timestamp": 1_500, "logStreamName": "s", "message": message})
    return f"{found.message}\n{found.raw}"


@given(st.sampled_from(FORMS), SECRETS, AROUND, AROUND)
def test_no_secret_is_shown_in_any_form(form: str, secret: str, before: str, after: str) -> None:
    text = form.format(secret)
    secret = secret[:18] if ".18}" in form else secret
    assume(secret not in before + after)
    assert secret not in line(f"{before} {text} {after}")
    assert secret not in line(json.dumps({"event": "x", "detail": text}))
    assert secret not in line(json.dumps({"event": "x", "detail": json.dumps({"text": text})}))


@given(
    st.sampled_from(("password", "clientSecret", "SessionToken", "x-api-key", "Authorization", "signature")),
    st.text(min_size=1, max_size=40),
    st.text(max_size=10),
)
@example("password", 'two words "and" a quote', "")
@example("password", "back\\slash", "")
@example("password", "it's", "")
@example("password", 'ends in "', "")
@example("password", "ends in \\", "")
def test_a_field_of_a_json_line_is_masked_whole_and_the_others_stay(name: str, secret: str, other: str) -> None:
    text = json.dumps({"event": "x", name: secret, "other": other})
    assert json.loads(mask_secrets(text)) == {"event": "x", name: MASK, "other": other} or mask_secrets(other) != other
    inner = json.dumps({"body": text})
    assert json.loads(json.loads(mask_secrets(inner))["body"])[name] == MASK


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_lines_are_untouched(text: str) -> None:
    assert mask_secrets(text) == text


@given(st.text(max_size=200))
def test_what_names_no_secret_is_untouched(text: str) -> None:
    assume("=" not in text and ":" not in text and "eyJ" not in text and "A" not in text and "earer" not in text)
    assert mask_secrets(text) == text


def test_a_number_of_a_json_line_becomes_a_string_of_it() -> None:
    assert json.loads(mask_secrets('{"pwd": 1234, "n": 5}')) == {"pwd": MASK, "n": 5}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[1;38;5;9mloud\x1b[m", "loud"),
        ("a\x1b]52;c;ZXZpbA==\x07b", "ab"),
        ("a\x1b]0;title\x1b\\b", "ab"),
        ("a\x9b31mb", "ab"),
        ("a\x9d0;t\x9cb", "ab"),
        ("a\x1bPq#0\x1b\\b", "ab"),
        ("a\x1b(Bb\x1b7c\x1bcd", "abcd"),
        ("\x1b]0;left open\nERROR", "\x1b]0;left open\nERROR"),
        ("[31m is text", "[31m is text"),
    ],
)
def test_control_sequences_go_as_a_whole(text: str, plain: str) -> None:
    assert without_sequences(text) == plain


def test_no_residue_of_a_colour_is_left_in_a_line() -> None:
    assert line("\x1b[31mERROR\x1b[0m done") == "ERROR done\nERROR done"
    assert line(json.dumps({"event": "x", "why": "\x1b[31mred\x1b[0m"})).splitlines()[0] == "x why=red"
    assert "hunter2" not in line("pass\x1b[0mword=hunter2")


@pytest.mark.parametrize("hidden", ["pass\\u0077ord", "\\u0070assword", "pass\\u001b[0mword"])
def test_escapes_of_json_hide_no_name(hidden: str) -> None:
    assert "hunter2" not in line(f'{{"event": "x", "{hidden}": "hunter2"}}')
    assert "hunter2" not in line(f'{{"event": "x", "detail": "{hidden}=hunter2"}}')
