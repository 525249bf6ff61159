"""What clients may send: any text has an answer, and what is read is within its bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.session_envelopes import answering, encoded, spoken
from lambdas.core.session_errors import Refusal, SessionError
from lambdas.core.session_limits import LocalWindow, window_end_ms, window_key
from lambdas.core.session_requests import (
    MAX_MESSAGE_BYTES,
    CreateSession,
    JoinSession,
    ResumeSession,
    TakeOver,
    broadcast,
    connect_request,
    message,
    replay_after,
)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
WORDS = st.sampled_from(
    ["action", "createSession", "joinSession", "resumeSession", "refreshConnection", "sessionId", "targetLanguage",
     "sourceLanguage", "refreshToken", "de", "pt-BR", "session-0001"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ({"action": "createSession", "sourceLanguage": "EN"}, CreateSession("en")),
        ({"action": "resumeSession", "sessionId": "abcd-_1234"}, ResumeSession("abcd-_1234")),
        (
            {"action": "joinSession", "sessionId": "abcd1234", "targetLanguage": "zh-Hant-TW"},
            JoinSession("abcd1234", "zh-hant-tw"),
        ),
        ({"action": "refreshConnection", "refreshToken": "t" * 256}, TakeOver("t" * 256)),
    ],
)  # fmt: skip
def test_handshakes_are_read(query: dict[str, str], read: object) -> None:
    assert connect_request(query) == read


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"action": "CreateSession", "sourceLanguage": "en"},
        {"action": "createSession"},
        {"action": "createSession", "sourceLanguage": "english"},
        {"action": "createSession", "sourceLanguage": "en\n"},
        {"action": "joinSession", "sessionId": "ACTIVE", "targetLanguage": "de"},
        {"action": "joinSession", "sessionId": "TICKET#abc", "targetLanguage": "de"},
        {"action": "joinSession", "sessionId": "session-1#7", "targetLanguage": "de"},
        {"action": "joinSession", "sessionId": "x" * 65, "targetLanguage": "de"},
        {"action": "joinSession", "sessionId": "session-1", "targetLanguage": "*"},
        {"action": "refreshConnection"},
        {"action": "refreshConnection", "refreshToken": "t" * 257},
    ],
)
def test_handshakes_that_lack_something_are_refused(query: dict[str, str]) -> None:
    refusal = connect_request(query)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.handshake()["statusCode"]) == (SessionError.BAD_REQUEST, 400)


@given(st.dictionaries(WORDS | st.text(), WORDS | st.text(), max_size=5))
def test_any_handshake_has_an_answer(query: dict[str, str]) -> None:
    read = connect_request(query)
    if isinstance(read, JoinSession):
        assert "#" not in read.session_id
        assert read.target_language == read.target_language.lower()


@given(st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1")), JSON.map(json.dumps)))
def test_any_message_has_an_answer(text: str) -> None:
    read = message(text)
    if isinstance(read, Refusal):
        assert json.loads(encoded(read.answer()))["code"] in {"BAD_JSON", "BAD_REQUEST", "MESSAGE_TOO_LARGE"}
        return
    for one in (broadcast(read), replay_after(read)):
        if isinstance(one, Refusal):
            assert one.code is SessionError.BAD_REQUEST


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "[" * 100_000,
        '{"action": NaN}',
        '{"action": "x", "payload": Infinity}',
        '{"action": "x", "n": 1e999}',
        "\ud800",
    ],
)
def test_what_is_no_json_is_told_so(text: str | None) -> None:
    refusal = message(text)
    assert isinstance(refusal, Refusal)
    assert refusal.code is SessionError.BAD_JSON


def test_a_message_may_have_128_kb() -> None:
    frame = len(json.dumps({"action": "x", "pad": ""}))
    exact = json.dumps({"action": "x", "pad": "p" * (MAX_MESSAGE_BYTES - frame)})
    assert not isinstance(message(exact), Refusal)
    refusal = message(exact + " ")
    assert isinstance(refusal, Refusal)
    assert refusal.code is SessionError.MESSAGE_TOO_LARGE


@given(JSON)
def test_what_is_spoken_arrives_as_it_was(payload: Any) -> None:
    text = encoded(spoken("session-1", 7, {"de": 6}, payload, "de", 1))
    text.encode()
    assert json.loads(text)["payload"] == payload


def test_half_a_surrogate_pair_arrives_too() -> None:
    text = encoded({"type": "message", "payload": json.loads('"\\ud83d"')})
    assert json.loads(text.encode())["payload"] == "\ud83d"


@pytest.mark.parametrize(
    ("given_", "told"), [(7, True), ("r-1", True), ("r" * 129, False), (None, False), ([1], False), (1.5, False)]
)
def test_a_request_id_comes_back(given_: object, told: bool) -> None:
    answer = answering({"action": "heartbeat", "requestId": given_}, {"type": "heartbeatAck"})
    assert ("requestId" in answer) is told


def test_errors_repeat_no_more_of_a_request_than_its_action_and_id() -> None:
    refusal = Refusal(SessionError.UNKNOWN_ACTION, "there is no such action")
    told = refusal.answer({"action": "dance", "requestId": 3, "secret": "s"})
    assert told == {
        "type": "error", "code": "UNKNOWN_ACTION", "message": "there is no such action", "action": "dance",
        "requestId": 3,
    }  # fmt: skip


def test_errors_are_short_however_long_the_request() -> None:
    refusal = Refusal(SessionError.UNKNOWN_ACTION, "there is no such action")
    assert len(encoded(refusal.answer({"action": "d" * 100_000, "requestId": "r" * 10_000}))) < 200


def test_windows_begin_at_whole_multiples_of_their_length() -> None:
    assert window_key("join", "who", 60, 59_999) == window_key("join", "who", 60, 0) == "join#who#0"
    assert window_key("join", "who", 60, 60_000) == "join#who#1"
    assert window_end_ms(60, 61_000) == 120_000


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 200_000)), max_size=60), st.integers(1, 3))
def test_a_local_window_lets_no_more_through_than_its_limit(asked: list[tuple[str, int]], limit: int) -> None:
    window = LocalWindow()
    passed: dict[tuple[str, int], int] = {}
    for who, now_ms in sorted(asked, key=lambda each: each[1]):
        if window.allow("beat", who, limit=limit, window_s=60, now_ms=now_ms):
            key = (who, now_ms // 60_000)
            passed[key] = passed.get(key, 0) + 1
    assert all(count <= limit for count in passed.values())
    assert len(passed) == len({(who, now_ms // 60_000) for who, now_ms in asked})


def test_a_local_window_remembers_no_more_than_its_capacity() -> None:
    window = LocalWindow(capacity=2)
    for who in "abcab":
        assert window.allow("beat", who, limit=1, window_s=60, now_ms=0)
    assert len(window._counts) == 2
