"""Sessions over canned answers of AWS: what is asked how often, who is counted, and that nobody is named."""

from __future__ import annotations

import dataclasses
from typing import cast

import pytest

from console.domain import ConsoleError, ProblemKind
from console.sessions.state import AGE_STEPS, Percentiles, SessionTerms, SpeakerState, Status
from console.sources.clients import Clients
from console.sources.fake_outputs import fake_outputs
from console.sources.session_metrics import GAUGES, HOURLY, hour_before
from console.sources.sessions import MOST_ROWS, TERMS_SECONDS, AwsSessions
from lambdas.core.metrics import SESSIONS
from lambdas.core.outputs import SessionOutputs
from lambdas.core.session import hashed
from lambdas.core.session_limits import Operation
from tests.support.canned_sessions import NOW, NOW_MS, CannedSessions

OUTPUTS = fake_outputs("dev")
FIVE = hour_before(NOW) + 3_600


class Moment:
    """A clock."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at


def source(canned: CannedSessions, now: Moment | None = None) -> AwsSessions:
    return AwsSessions(OUTPUTS, cast(Clients, canned), now or Moment())


def operations(canned: CannedSessions) -> list[str]:
    return [name for name, _ in canned.asked]


def test_the_roster_is_one_item_and_its_sessions_one_batch() -> None:
    canned = CannedSessions()
    canned.session("one", speakerGoneAt=NOW_MS - 20_000, suspicion=[2, NOW_MS - 90_000, NOW_MS - 61_000])
    canned.session("two", "closing", status="ended", endedAt=NOW_MS - 5_000, reason="expired")
    canned.roster["sessions"].add("just opened")
    found = source(canned).roster()
    assert operations(canned) == ["BatchGetItem", "BatchGetItem", *["GetFunctionConfiguration"] * 2]
    assert [key["sessionId"]["S"] for key in canned.asked[0][1]["RequestItems"]["fake-sessions-table"]["Keys"]] == [
        "ACTIVE"
    ]
    one, two = sorted(found.sessions, key=lambda session: session.id)
    assert (one.status, one.listeners, one.sequence, one.created) == (Status.ACTIVE, 3, 7, NOW - 600)
    assert (one.speaker, one.speaker_connection) == (hashed("speaker of one"), hashed("connection of one"))
    assert one.doubt is not None
    assert (one.doubt.listeners, one.doubt.at) == (2, NOW - 61)
    assert (two.status, two.ended, two.reason) == (Status.CLOSING, NOW - 5, "expired")
    assert found.unread == 1
    assert found.terms == SessionTerms(100, 500, None, None)


def test_an_empty_roster_asks_for_nothing_more() -> None:
    canned = CannedSessions()
    assert source(canned).roster().sessions == ()
    assert operations(canned).count("BatchGetItem") == 1


def test_settings_are_read_again_only_after_a_while() -> None:
    canned, now = CannedSessions(), Moment()
    sessions = source(canned, now)
    sessions.roster()
    canned.environment["MAX_LISTENERS"] = "900"
    now.at += TERMS_SECONDS - 1
    assert sessions.roster().terms.max_listeners == 500
    now.at += 1
    assert sessions.roster().terms.max_listeners == 900
    assert operations(canned).count("GetFunctionConfiguration") == 4


@pytest.mark.parametrize("text", ["", "-5", "five", "٥", "1" * 12])
def test_a_setting_that_is_no_number_is_not_known(text: str) -> None:
    canned = CannedSessions()
    canned.environment["MAX_LISTENERS"] = text
    assert source(canned).roster().terms.max_listeners is None


def test_a_session_is_counted_by_language_and_by_the_age_of_its_connections() -> None:
    canned = CannedSessions(page=2)
    canned.session("one")
    canned.environment |= {"REFRESH_MINUTES": "100", "WARNING_MINUTES": "105"}
    for language, minutes, changes in (
        ("de", 5, {}),
        ("de", 99.9, {}),
        ("fr", 101, {}),
        ("fr", 106, {"lastSeenAt": NOW_MS - 8 * 60_000}),
        ("pt-br\x1b[31m", 0, {"counted": False}),
    ):
        canned.listener("one", language, minutes, **changes)
    canned.listener("another", "de", 1)
    detail = source(canned).session("one")
    assert detail.by_language == {"de": 2, "fr": 2, "pt-br[31m": 1}
    assert (detail.found, detail.complete) == (5, True)
    found = detail.connections
    assert (found.read, found.to_move, found.warned, found.unseen, found.uncounted) == (5, 2, 1, 1, 1)
    assert found.ages == (2, 0, 0, 0, 1, 2)
    assert len(found.ages) == AGE_STEPS
    assert found.oldest == NOW - 106 * 60
    assert {request.get("IndexName") for name, request in canned.asked if name == "Query"} == {
        "sessionId-targetLanguage-index"
    }


def test_of_many_connections_some_are_looked_at_and_all_are_counted() -> None:
    canned = CannedSessions()
    canned.session("one")
    for _ in range(MOST_ROWS + 150):
        canned.listener("one", "de", 10)
    detail = source(canned).session("one")
    assert (detail.found, detail.connections.read) == (MOST_ROWS + 150, MOST_ROWS)


def test_a_session_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(ConsoleError, match="there is no session nowhere; it never was, or ended more than") as told:
        source(CannedSessions()).session("nowhere")
    assert told.value.problem.kind is ProblemKind.NOT_FOUND


def test_a_row_of_another_shape_is_one_sentence() -> None:
    canned = CannedSessions()
    canned.session("one", listeners={"not": "a number"})
    with pytest.raises(ConsoleError, match="a session has a shape this version does not know"):
        source(canned).roster()


def test_a_stack_without_sessions_says_which_setting_turns_them_on_and_asks_nobody() -> None:
    canned = CannedSessions()
    sessions = AwsSessions(dataclasses.replace(OUTPUTS, sessions=SessionOutputs()), cast(Clients, canned))
    for ask in (sessions.roster, sessions.gauges, sessions.hour, lambda: sessions.session("one")):
        with pytest.raises(ConsoleError, match="has no sessions; the setting `sessions` turns them on"):
            ask()
    assert canned.asked == []


def test_gauges_have_a_point_for_each_minute_and_gaps_where_nothing_was_published() -> None:
    canned = CannedSessions()
    minute = NOW // 60 * 60 - 60
    canned.metrics["ActiveSessions", "Maximum", ""] = {minute: 4.0}
    canned.metrics["ConnectionErrors", "Sum", ""] = {minute: 2.0}
    found = source(canned).gauges()
    assert len(found.active.points) >= 60
    assert dict(found.active.points)[minute] == 4.0
    assert dict(found.active.points)[minute - 60] is None
    assert all(value is None for _, value in found.listeners.points)
    assert dict(found.refused.points)[minute] == 2.0
    (request,) = [request for _, request in canned.asked]
    assert len(request["MetricDataQueries"]) == len(GAUGES) == 3


def test_the_hour_has_the_latest_latencies_and_the_sums_of_what_was_refused() -> None:
    canned = CannedSessions()
    for statistic, value in (("p50", 80.0), ("p95", 210.0), ("p99", 400.0)):
        canned.metrics["ListenerJoinLatency", statistic, ""] = {FIVE - 600: 1.0, FIVE - 300: value}
    canned.metrics["ConnectionErrors", "Sum", "RATE_LIMITED"] = {FIVE - 600: 3.0, FIVE - 300: 4.0}
    canned.metrics["ConnectionErrors", "Sum", "SESSION_FULL"] = {FIVE - 300: 0.0}
    canned.metrics["RateLimitExceeded", "Sum", "join"] = {FIVE - 300: 7.0}
    found = source(canned).hour()
    assert found.join == Percentiles(FIVE - 300, 80.0, 210.0, 400.0)
    assert found.creation == Percentiles()
    assert (found.refused, found.limited) == ({"RATE_LIMITED": 7}, {"join": 7})


def test_every_limit_that_was_met_is_shown() -> None:
    canned = CannedSessions()
    for operation in Operation:
        canned.metrics["RateLimitExceeded", "Sum", operation.value] = {FIVE - 300: 2.0}
    assert source(canned).hour().limited == {operation.value: 2 for operation in Operation}


def test_every_metric_of_sessions_is_asked_for_within_what_one_call_takes() -> None:
    asked = {query.metric for query in (*GAUGES, *HOURLY)}
    assert asked == set(SESSIONS)
    assert len({query.id for query in HOURLY}) == len(HOURLY) <= 500


def test_a_speaker_is_gone_for_a_minute_before_being_lost() -> None:
    canned = CannedSessions()
    canned.session("one", speakerGoneAt=NOW_MS)
    canned.session("two")
    one, two = sorted(source(canned).roster().sessions, key=lambda session: session.id)
    states = [one.speaker_state(NOW + seconds) for seconds in (0, 59.9, 60)]
    assert states == [SpeakerState.GONE, SpeakerState.GONE, SpeakerState.LOST]
    assert two.speaker_state(NOW + 1_000) is SpeakerState.CONNECTED
