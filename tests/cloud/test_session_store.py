"""The session store over DynamoDB, held against the one in memory that the session machine runs on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lambdas.adapters.dynamo import Table
from lambdas.adapters.session_rates import RateLimitTable
from lambdas.adapters.session_tables import SessionTables
from lambdas.core.keys import LISTENERS_INDEX
from lambdas.core.session import Connection, EndReason, Role, Session, SessionStatus, Suspicion
from lambdas.core.session_drift import EVERY_LOOK, Blur
from lambdas.core.session_entry import Caller, Entry
from lambdas.core.session_history import MOST_LANGUAGES, KeptMessage
from lambdas.core.session_limits import LocalWindow
from lambdas.core.session_ports import Admission, Roster, SessionStore
from lambdas.core.session_requests import JoinSession
from localcloud.launch import LocalCloud
from tests.support.bare_tables import dynamo
from tests.support.memory_sessions import MemorySessions
from tests.support.session_world import GENEROUS, START_MS

NOW = START_MS
SESSION = Session(
    id="session-1", speaker="ann", speaker_connection="c-1", source_language="en",
    created_ms=NOW, changed_ms=NOW, expires_s=NOW // 1000 + 3600,
)  # fmt: skip
LISTENER = Connection(
    id="l-1", session_id="session-1", role=Role.LISTENER, opened_ms=NOW, last_seen_ms=NOW, language="de", counted=True
)
SPEAKER = Connection(id="c-1", session_id="session-1", role=Role.SPEAKER, opened_ms=NOW, last_seen_ms=NOW, speaker="a")


def make_session_tables(cloud: LocalCloud, *, connections: int = 50) -> SessionTables:
    """Two empty tables with the keys and the index of the stack's."""
    client, prefix = dynamo(cloud, connections=connections), f"t-{uuid.uuid4().hex[:8]}"
    for name, key in (("sessions", "sessionId"), ("connections", "connectionId")):
        index = {}
        attributes = [key]
        if name == "connections":
            attributes += ["sessionId", "targetLanguage"]
            schema = [
                {"AttributeName": "sessionId", "KeyType": "HASH"},
                {"AttributeName": "targetLanguage", "KeyType": "RANGE"},
            ]
            projection = {"ProjectionType": "KEYS_ONLY"}
            index = {
                "GlobalSecondaryIndexes": [
                    {"IndexName": LISTENERS_INDEX, "KeySchema": schema, "Projection": projection}
                ]
            }
        client.create_table(
            TableName=f"{prefix}-{name}",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in attributes],
            **index,
        )
    return SessionTables(Table(client, f"{prefix}-sessions"), Table(client, f"{prefix}-connections"))


@pytest.fixture(params=["memory", "tables"])
def store(request: pytest.FixtureRequest) -> Iterator[SessionStore]:
    """Both stores: what holds for one holds for the other."""
    if request.param == "memory":
        yield MemorySessions()
    else:
        yield make_session_tables(request.getfixturevalue("bare_cloud"))


def test_a_session_is_opened_whole_or_not_at_all(store: SessionStore) -> None:
    assert store.open_session(SESSION, 2)
    assert store.session("session-1") == SESSION
    assert not store.open_session(SESSION, 2), "an id is used once"
    assert store.open_session(replace(SESSION, id="session-2"), 2)
    assert not store.open_session(replace(SESSION, id="session-3"), 2)
    assert store.session("session-3") is None
    assert store.roster().active == {"session-1", "session-2"}
    assert {each.id for each in store.sessions({"session-1", "session-2", "session-9"})} == {"session-1", "session-2"}


def test_a_session_opened_before_languages_were_told_apart_is_read(bare_cloud: LocalCloud) -> None:
    tables = make_session_tables(bare_cloud)
    tables.open_session(SESSION, 1)
    tables._table.update({"sessionId": SESSION.id}, "SET #sequence = :seven REMOVE toAll, toLanguages", {"seven": 7})
    found = tables.session(SESSION.id)
    assert found is not None
    assert (found.to_all, found.to_languages) == (7, {})


def test_a_session_ends_once_and_leaves_the_roster_in_two_steps(store: SessionStore) -> None:
    assert not store.end("session-1", EndReason.EXPIRED, NOW)
    store.open_session(SESSION, 1)
    assert store.end("session-1", EndReason.SPEAKER_LOST, NOW + 5)
    assert not store.end("session-1", EndReason.EXPIRED, NOW + 6)
    ended = store.session("session-1")
    assert ended is not None
    assert (ended.status, ended.reason, ended.ended_ms) == (SessionStatus.ENDED, "speakerLost", NOW + 5)
    store.move_to_closing("session-1")
    assert store.roster() == Roster(frozenset(), frozenset({"session-1"}))
    assert store.open_session(replace(SESSION, id="session-2"), 1), "there is room again"
    store.retire("session-1")
    store.retire("session-1")
    assert store.roster() == Roster(frozenset({"session-2"}), frozenset())


def test_places_are_given_up_to_the_limit_and_never_below_none(store: SessionStore) -> None:
    assert store.admit("session-1", 2, NOW) is Admission.UNKNOWN
    store.open_session(SESSION, 1)
    assert [store.admit("session-1", 2, NOW + n) for n in (1, 2, 3)] == [
        Admission.ADMITTED, Admission.ADMITTED, Admission.FULL,
    ]  # fmt: skip
    store.dismiss("session-1", 1, NOW + 9)
    found = store.session("session-1")
    assert found is not None
    assert (found.listeners, found.changed_ms) == (1, NOW + 9)
    store.dismiss("session-1", 2, NOW + 10)
    store.dismiss("session-1", 1, NOW + 11)
    store.dismiss("session-1", 1, NOW + 12)
    found = store.session("session-1")
    assert found is not None
    assert (found.listeners, found.changed_ms) == (0, NOW + 11)
    store.end("session-1", EndReason.EXPIRED, NOW)
    assert store.admit("session-1", 2, NOW) is Admission.ENDED


def test_a_number_is_suspected_only_while_nobody_comes_or_goes(store: SessionStore) -> None:
    store.open_session(SESSION, 1)
    for _ in range(3):
        store.admit("session-1", 9, NOW)
    seen = store.session("session-1")
    assert seen is not None
    store.touch("session-1", NOW + 8)
    store.suspect(seen, Suspicion(1, 2, NOW + 9))
    now = store.session("session-1")
    assert now is not None
    assert now.suspicion is None
    store.suspect(now, Suspicion(1, 2, NOW + 9))
    suspected = store.session("session-1")
    assert suspected is not None
    assert suspected.suspicion == Suspicion(1, 2, NOW + 9)
    store.withdraw("session-1", Suspicion(1, 2, NOW + 8))
    assert store.session("session-1") == suspected
    store.withdraw("session-1", suspected.suspicion)
    assert store.session("session-1") == now


def test_places_that_are_nobodys_are_written_off_once(store: SessionStore) -> None:
    store.open_session(replace(SESSION, listeners=5), 1)
    noted = Suspicion(1, 3, NOW)
    store.suspect(replace(SESSION, listeners=5), noted)
    store.admit("session-1", 9, NOW + 1)
    store.dismiss("session-1", 1, NOW + 2, Blur(left_ms=NOW + 1))
    assert not store.write_off("session-1", replace(noted, at_ms=NOW + 1), 3, NOW + 3)
    assert not store.write_off("session-1", noted, 6, NOW + 3)
    assert store.write_off("session-1", noted, 3, NOW + 3)
    assert not store.write_off("session-1", noted, 1, NOW + 4)
    corrected = store.session("session-1")
    assert corrected is not None
    assert (corrected.listeners, corrected.changed_ms, corrected.suspicion) == (2, NOW + 3, None)


@pytest.mark.parametrize(
    ("blur", "hidden"),
    [
        (EVERY_LOOK, True),
        (Blur(left_ms=NOW), True),
        (Blur(left_ms=NOW + 1), False),
        (Blur(left_ms=NOW + 1, since_ms=NOW, until_ms=NOW), True),
        (Blur(left_ms=NOW + 1, since_ms=NOW - 9, until_ms=NOW - 1), False),
        (Blur(left_ms=NOW + 1, since_ms=NOW + 1, until_ms=NOW + 9), False),
    ],
)
def test_a_place_that_a_look_may_have_meant_withdraws_its_suspicion(
    store: SessionStore, blur: Blur, hidden: bool
) -> None:
    store.open_session(replace(SESSION, listeners=5), 1)
    store.suspect(replace(SESSION, listeners=5), Suspicion(1, 3, NOW))
    store.dismiss("session-1", 9, NOW + 1, blur)
    untouched = store.session("session-1")
    assert untouched is not None
    assert (untouched.listeners, untouched.suspicion) == (5, Suspicion(1, 3, NOW))
    store.dismiss("session-1", 2, NOW + 1, blur)
    left = store.session("session-1")
    assert left is not None
    assert (left.listeners, left.suspicion is None) == (3, hidden)


def test_the_speaker_has_one_connection_at_a_time(store: SessionStore) -> None:
    store.open_session(SESSION, 1)
    store.speaker_left("session-1", "c-9", NOW + 1)
    store.speaker_left("session-1", "c-1", NOW + 2)
    store.speaker_left("session-1", "c-1", NOW + 3)
    gone = store.session("session-1")
    assert gone is not None
    assert gone.speaker_gone_ms == NOW + 2
    assert not store.speaker_arrived("session-1", "c-2", "c-7")
    assert store.speaker_arrived("session-1", "c-2", "c-1")
    back = store.session("session-1")
    assert back is not None
    assert (back.speaker_connection, back.speaker_gone_ms) == ("c-2", None)
    store.end("session-1", EndReason.EXPIRED, NOW)
    assert not store.speaker_arrived("session-1", "c-3", "c-2")


def test_messages_are_numbered_and_kept_in_a_ring(store: SessionStore) -> None:
    store.open_session(SESSION, 1)
    assert store.next_message("session-1", None) == SESSION
    assert store.next_message("session-1", "pt-br") == replace(SESSION, sequence=1, to_all=1)
    assert store.next_message("session-1", "de") == replace(SESSION, sequence=2, to_all=1, to_languages={"pt-br": 2})
    told = {"pt-br": 2, "de": 3}
    assert store.session("session-1") == replace(SESSION, sequence=3, to_all=1, to_languages=told)
    assert store.next_message("session-1", None) == replace(SESSION, sequence=3, to_all=1, to_languages=told)
    assert store.session("session-1") == replace(SESSION, sequence=4, to_all=4)
    messages = [KeptMessage(1, None, "one"), KeptMessage(101, "de", "later"), KeptMessage(2, "fr", "zwei \U0001f600")]
    for message in messages:
        store.keep("session-1", message, NOW // 1000 + 60)
    store.keep("session-1", messages[0], NOW // 1000 + 60)
    found = store.kept("session-1", range(1, 4))
    assert sorted(found, key=lambda each: each.sequence) == [messages[2], messages[1]]
    store.end("session-1", EndReason.EXPIRED, NOW)
    assert store.next_message("session-1", None) is None
    assert store.next_message("session-1", "de") is None
    assert store.next_message("session-9", "de") is None


def test_a_language_too_many_is_noted_as_one_to_all(store: SessionStore) -> None:
    store.open_session(SESSION, 1)
    languages = [f"de-{number:04d}" for number in range(MOST_LANGUAGES)]
    for language in languages:
        store.next_message("session-1", language)
    assert store.next_message("session-1", languages[0]) is not None
    full = store.next_message("session-1", "fr")
    assert full is not None
    assert (full.latest_for("fr"), full.latest_for(languages[0])) == (0, MOST_LANGUAGES + 1)
    number = MOST_LANGUAGES + 2
    assert store.session("session-1") == replace(SESSION, sequence=number, to_all=number)


def test_a_token_is_a_connections_last_one_and_used_once_and_not_after_its_time(store: SessionStore) -> None:
    until = NOW // 1000 + 60
    assert not store.put_refresh_token("l-1", "first", until)
    assert store.connection("l-1") is None
    store.put_connection(LISTENER)
    store.put_connection(replace(LISTENER, id="l-2", counted=False))
    store.put_connection(SPEAKER)
    assert not store.put_refresh_token("l-2", "first", until), "it has no place to hand on"
    assert store.put_refresh_token("c-1", "first", until)
    assert store.put_refresh_token("l-1", "first", until)
    assert store.put_refresh_token("l-1", "second", until)
    assert store.take_refresh_token("l-1", "first", "l-3", NOW) is None
    assert store.take_refresh_token("l-9", "second", "l-3", NOW) is None
    assert store.take_refresh_token("l-1", "second", "l-3", NOW + 60_000) is None
    assert store.take_refresh_token("l-1", "second", "l-3", NOW + 59_000) == LISTENER
    assert store.take_refresh_token("l-1", "second", "l-4", NOW + 59_000) is None
    assert store.connection("l-1") == replace(LISTENER, successor="l-3")


def test_a_place_is_handed_on_to_the_successor_and_back_whole(store: SessionStore) -> None:
    until, uncounted = NOW // 1000 + 60, replace(LISTENER, counted=False)
    old, new = LISTENER, replace(uncounted, id="l-2", replaces="l-1")
    store.put_connection(old)
    store.put_connection(new)
    assert not store.hand_on("l-1", "l-2"), "it has shown no token"
    store.put_refresh_token("l-1", "first", until)
    store.take_refresh_token("l-1", "first", "l-3", NOW)
    assert not store.hand_on("l-1", "l-3"), "it is not there"
    assert store.connection("l-1") == replace(old, successor="l-3")
    store.put_refresh_token("l-1", "second", until)
    store.take_refresh_token("l-1", "second", "l-2", NOW)
    store.put_refresh_token("l-1", "third", until)
    assert store.hand_on("l-1", "l-2")
    assert not store.hand_on("l-1", "l-2")
    assert store.connection("l-1") == replace(uncounted, successor="l-2")
    assert store.connection("l-2") == replace(new, counted=True)
    assert store.take_refresh_token("l-1", "third", "l-4", NOW) is None, "tokens go with the place"
    assert not store.hand_back("l-2", "l-9")
    assert not store.hand_back("l-9", "l-1")
    assert store.connection("l-1") == replace(uncounted, successor="l-2")
    assert store.hand_back("l-2", "l-1")
    assert (store.connection("l-1"), store.connection("l-2")) == (replace(old, successor="l-2"), None)
    assert not store.hand_back("l-2", "l-1")


def test_rows_come_and_go_under_their_conditions(store: SessionStore) -> None:
    store.put_connection(LISTENER)
    store.put_connection(SPEAKER)
    store.put_connection(replace(LISTENER, id="l-2", language="fr", counted=False, replaces="l-1"))
    if isinstance(store, MemorySessions):
        store.unindexed.clear()
    assert sorted(store.listener_ids("session-1")) == ["l-1", "l-2"], "speakers are no listeners"
    assert store.listener_ids("session-1", "fr") == ["l-2"]
    assert store.connection("l-1") == LISTENER
    assert {each.id for each in store.connections(["l-1", "l-1", "c-1", "x"])} == {"l-1", "c-1"}
    assert store.mark_counted("l-2")
    assert not store.mark_counted("l-2")
    assert not store.mark_counted("l-9")
    store.mark_seen("l-9", NOW)
    store.mark_seen("l-1", NOW + 9)
    assert store.connection("l-9") is None
    assert store.remove_lost(["l-1", "l-9"], NOW + 8) == []
    assert store.remove_lost(["l-9", "l-1"], NOW + 9) == [replace(LISTENER, last_seen_ms=NOW + 9)]
    assert store.remove_gone(["l-2"], NOW - 1) == []
    (removed,) = store.remove_gone(["l-2", "l-2"], NOW)
    assert removed.counted
    assert store.remove_connection("c-1") == SPEAKER
    assert store.remove_connection("c-1") is None
    store.put_connection(replace(LISTENER, id="l-3", counted=False))
    store.put_connection(SPEAKER)
    assert store.mark_all_counted(["l-9", "l-3"]) == ["l-3"]
    assert store.mark_all_counted(["l-3"]) == [], "it was counted"
    assert [row.id for row in store.remove_all(["c-1", "l-9", "l-3"])] == ["c-1", "l-3"]
    assert store.remove_all(["c-1", "l-3"]) == []


def test_five_hundred_are_let_in_of_six_hundred_who_come_at_once(bare_cloud: LocalCloud) -> None:
    store = make_session_tables(bare_cloud)
    store.open_session(SESSION, 1)
    entry = Entry(store, LocalWindow(), GENEROUS, lambda: "never")

    def join(number: int) -> str:
        caller = Caller(f"l-{number}", "address", None)
        refusal = entry.connect(JoinSession("session-1", "de"), caller, NOW)
        return refusal.code.value if refusal else "in"

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(join, range(600)))
    session = store.session("session-1")
    assert session is not None
    assert session.listeners == len(store.listener_ids("session-1")) == answers.count("in") == 500
    assert answers.count("SESSION_FULL") == 100


def test_a_hundred_sessions_are_opened_of_those_that_come_at_once(bare_cloud: LocalCloud) -> None:
    store = make_session_tables(bare_cloud)
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda n: store.open_session(replace(SESSION, id=f"session-{n}"), 20), range(40)))
    assert opened.count(True) == len(store.roster().active) == 20


def test_a_window_counts_exactly_whoever_asks(bare_cloud: LocalCloud) -> None:
    client, name = dynamo(bare_cloud), f"t-{uuid.uuid4().hex[:8]}-rates"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "identifier", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "identifier", "AttributeType": "S"}],
    )
    environments = [RateLimitTable(Table(client, name)) for _ in range(4)]

    def ask(number: int) -> bool:
        return environments[number % 4].allow("join", "who", limit=10, window_s=60, now_ms=NOW)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(60))).count(True) == 10
    assert not ask(0)
    assert environments[0].allow("join", "another", limit=10, window_s=60, now_ms=NOW)
    assert environments[0].allow("join", "who", limit=10, window_s=60, now_ms=NOW + 60_000)
