"""Log events of the embedded cloud: one hook for all of them, and a bound on how many are kept."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch_logs

OnLogEvents = Callable[[str, str, Sequence[dict[str, Any]]], None]
"""Called with group, stream and events (`timestamp` in ms, `message`), in the thread that logged them."""

EVENTS_PER_STREAM = 2_000
STREAMS_PER_GROUP = 100
_RECORDS_KEPT = 20_000


class LogPlane:
    """Writes function logs, tells subscribers about every log event, and trims what ministack would keep for ever."""

    def __init__(self, *, account_id: str, region: str) -> None:
        self._account_id = account_id
        self._region = region
        self._subscribers: list[OnLogEvents] = []
        self._fan_out = cloudwatch_logs._fanout_to_subscription_filters
        self._lock = threading.Lock()
        self._streams: dict[str, deque[str]] = {}
        self._ids = itertools.count()

    def install(self) -> None:
        """Take the place of ministack's hook; its subscription filters keep working."""
        cloudwatch_logs._fanout_to_subscription_filters = self._on_events

    def subscribe(self, callback: OnLogEvents) -> None:
        """Call `callback` with every batch of log events from now on."""
        self._subscribers.append(callback)

    def write(self, group: str, stream: str, messages: Sequence[str]) -> None:
        """Append function output to a stream; group and stream are made when missing."""
        now = int(time.time() * 1000)
        with request_scope(self._account_id, self._region):
            with self._lock:
                target = self._stream(group, stream, now)
            events = [
                {"timestamp": now, "message": message, "ingestionTime": now, "eventId": f"{now}{next(self._ids):012d}"}
                for message in messages
            ]
            cloudwatch_logs._append_log_events(target, events)
            cloudwatch_logs._fanout_to_subscription_filters(group, stream, events)

    def _stream(self, group: str, stream: str, now: int) -> dict[str, Any]:
        groups = cloudwatch_logs._log_groups
        if group not in groups:
            groups[group] = {
                "arn": cloudwatch_logs._make_group_arn(group),
                "creationTime": now,
                "retentionInDays": None,
                "tags": {},
                "subscriptionFilters": {},
                "streams": {},
            }
        streams: dict[str, dict[str, Any]] = groups[group]["streams"]
        if stream not in streams:
            streams[stream] = {
                "events": [],
                "uploadSequenceToken": "1",
                "creationTime": now,
                "firstEventTimestamp": None,
                "lastEventTimestamp": None,
                "lastIngestionTime": None,
            }
        return streams[stream]

    def _on_events(self, group: str, stream: str, events: Sequence[dict[str, Any]]) -> None:
        self._fan_out(group, stream, events)
        for subscriber in self._subscribers:
            subscriber(group, stream, events)
        with self._lock:
            self._trim(group, stream)

    def _trim(self, group: str, stream: str) -> None:
        found = cloudwatch_logs._log_groups.get(group)
        if found is None:
            return
        streams = found["streams"]
        kept = streams.get(stream)
        if kept is not None and len(kept["events"]) > 2 * EVENTS_PER_STREAM:
            del kept["events"][:-EVENTS_PER_STREAM]
        while len(streams) > STREAMS_PER_GROUP:
            del streams[next(iter(streams))]
        records = cloudwatch_logs._log_records
        while len(records) > _RECORDS_KEPT:
            records.pop(next(iter(records)), None)
