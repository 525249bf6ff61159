"""Greets connections when their rows appear, and each minute looks for what was lost."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lambdas.adapters.aws import client
from lambdas.adapters.connections_api import ConnectionsApi
from lambdas.adapters.logs import Log
from lambdas.adapters.queues import Queue
from lambdas.adapters.session_tables import session_tables
from lambdas.core.attribute_values import from_item
from lambdas.core.metrics import (
    ACTIVE_SESSIONS,
    LISTENER_JOIN_LATENCY,
    SESSION_CREATION_LATENCY,
    TOTAL_LISTENERS,
    Datum,
)
from lambdas.core.session import Role, hashed
from lambdas.core.session_greeting import Greeter, Greeting, again_in_s
from lambdas.core.session_presence import NoticeTimes
from lambdas.core.session_reconciling import Reconciler
from lambdas.session_notifier.settings import SessionNotifierSettings

GREETINGS_AT_A_TIME = 16

SETTINGS = SessionNotifierSettings.from_environ(os.environ)
LOG = Log(SETTINGS)
STORE = session_tables(SETTINGS.sessions_table, SETTINGS.connections_table)
POSTING = ConnectionsApi(SETTINGS.management_url, LOG)
GREETER = Greeter(
    STORE,
    POSTING,
    NoticeTimes.of_minutes(SETTINGS.refresh_minutes, SETTINGS.warning_minutes),
    SETTINGS.max_listeners,
    time.sleep,
)
ONCE_MORE = dataclasses.replace(GREETER, waits_s=())
"""Between its tries others are served."""
RECONCILER = Reconciler(STORE, POSTING, lambda: int(time.time() * 1000))
WORKERS = ThreadPoolExecutor(GREETINGS_AT_A_TIME, "greet")


@functools.cache
def late_openers() -> Queue:
    """Made for the first one: hardly anybody opens late, and a second client is a third of a cold start."""
    return Queue(client("sqs"), SETTINGS.session_sweep_queue_url)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any] | None:
    """Deal with one batch: new rows of the stream, or a message of the sweep queue: a minute's, a late opener's."""
    records = event["Records"]
    body = json.loads(records[0]["body"]) if records and records[0]["eventSource"] == "aws:sqs" else None
    sweep = body is not None and "connectionId" not in body
    LOG.begin(correlation_id=context.aws_request_id, operation="sweep" if sweep else "greet")
    if sweep:
        _look()
    elif body is not None:
        _greet(ONCE_MORE, body)
    else:
        failed = [number for number in WORKERS.map(_greeted, records) if number is not None]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
    return None


def _greeted(record: Mapping[str, Any]) -> str | None:
    """Greet one connection; the record's number if that failed and is to be tried again."""
    if record["eventName"] != "INSERT":
        return None
    row = from_item(record["dynamodb"]["NewImage"])
    try:
        _greet(GREETER, row)
    except Exception as error:  # one connection's trouble is not another's, though those after it are greeted again
        LOG.line("ERROR", "not greeted", connection=hashed(row["connectionId"]), error=str(error))
        return str(record["dynamodb"]["SequenceNumber"])
    return None


def _greet(greeter: Greeter, row: Mapping[str, Any]) -> None:
    """Greet a connection by what its row was when it appeared; one that is still opening comes again by the queue."""
    connection_id, opened_ms = row["connectionId"], int(row["openedAt"])
    greeting = greeter.greet(connection_id, _now_ms())
    LOG.line("INFO", "new connection", connection=hashed(connection_id), greeting=greeting.value)
    if greeting is Greeting.OPENING:
        again = {"connectionId": connection_id, "openedAt": opened_ms, "role": row["role"]}
        late_openers().send(again, delay_s=again_in_s(opened_ms, _now_ms()))
    if greeting is Greeting.GREETED and "replaces" not in row:
        opened = row["role"] == Role.SPEAKER.value
        took_ms = max(0, _now_ms() - opened_ms)
        LOG.metrics([Datum(SESSION_CREATION_LATENCY if opened else LISTENER_JOIN_LATENCY, took_ms)])


def _look() -> None:
    census = RECONCILER.census()
    # Before anything is done, which may take long: where the gauges are missing, sessions count as out of order.
    LOG.metrics([Datum(ACTIVE_SESSIONS, census.active_sessions), Datum(TOTAL_LISTENERS, census.listeners)])
    found = RECONCILER.look(census)
    LOG.line("INFO", "looked", lost=found.lost, ended=found.ended, recounted=found.recounted, left=found.left)
    for trouble in found.troubles:
        LOG.line("ERROR", "a session was not looked at", error=f"{type(trouble).__name__}: {trouble}")


def _now_ms() -> int:
    return int(time.time() * 1000)
