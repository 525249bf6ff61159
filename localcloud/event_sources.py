"""Event source mappings: SQS queues and DynamoDB streams that invoke functions.

Takes the place of ministack's poll thread. Queues and streams are only touched on the host's event loop, where every
API call that changes them runs too, so nothing is lost between a read and a write; functions run in threads.
Behaviour: Lambda developer guide, "Using Lambda with Amazon SQS" and "with Amazon DynamoDB".
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ministack.core import concurrency
from ministack.core.responses import request_scope
from ministack.services import dynamodb, lambda_svc, sqs

from localcloud.batch_answers import failed_messages, processed
from localcloud.queue_batches import Mapping, Message, delete, most_at_a_time, queue_record, receive
from localcloud.service_metrics import Behind

_log = logging.getLogger(__name__)

_IDLE_SECONDS = 0.5
"""A message that becomes visible again wakes nobody, so the queues are looked at this often."""
_SHORTEST_PAUSE = 0.002
_STREAM_RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0)


class EventSources:
    """Polls every enabled mapping and invokes its function."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._wake = asyncio.Event()
        self._queues: dict[str, _QueueState] = {}
        self._streams: dict[str, _StreamState] = {}
        self._on_stream_batch: list[Callable[[Behind], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def install(self) -> None:
        """Take the place of ministack's poll thread; call on the event loop."""
        loop = asyncio.get_running_loop()
        # Producers import the event by name, so the object stays and its `set` changes.
        concurrency.esm_wake.set = lambda: loop.call_soon_threadsafe(self._wake.set)
        lambda_svc._poll_loop = _nothing

    def subscribe(self, on_stream_batch: Callable[[Behind], None]) -> None:
        """Call `on_stream_batch` whenever a batch of a stream goes to its function."""
        self._on_stream_batch.append(on_stream_batch)

    def behind(self) -> list[Behind]:
        """The stream batches in work; callable from any thread."""
        return [state.batch for state in list(self._streams.values()) if state.batch is not None]

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            self._wake.clear()
            began = time.monotonic()
            wait = self._poll_all()
            # Looking at a long queue takes time that the API needs too: rest several times as long as it took.
            await asyncio.sleep(max(_SHORTEST_PAUSE, 4 * (time.monotonic() - began)))
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
            except TimeoutError:
                continue

    def _poll_all(self) -> float:
        """Look at every mapping once; seconds until the next look if nothing wakes the loop before."""
        wait = _IDLE_SECONDS
        for account, region, mapping in list(lambda_svc._iter_all_esms()):
            if not mapping.get("Enabled", True):
                continue
            with request_scope(account, region):
                service = mapping.get("EventSourceArn", "").split(":")[2:3]
                try:
                    if service == ["sqs"]:
                        wait = min(wait, self._poll_queue(mapping, account, region))
                    elif service == ["dynamodb"]:
                        wait = min(wait, self._poll_stream(mapping, account, region))
                except Exception:  # one broken mapping must not stop the others
                    _log.exception("event source mapping %s failed", mapping.get("UUID"))
        return wait

    def _poll_queue(self, mapping: Mapping, account: str, region: str) -> float:
        function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
        queue = sqs._queue_by_arn(mapping["EventSourceArn"])
        if function is None or queue is None:
            return _IDLE_SECONDS
        state = self._queues.setdefault(mapping["UUID"], _QueueState())
        while state.in_flight < most_at_a_time(mapping, queue):
            batch, wait = receive(mapping, queue, _IDLE_SECONDS)
            if not batch:
                return wait
            handles = [(message, message["receipt_handle"]) for message in batch]
            records = [queue_record(message, mapping["EventSourceArn"], account, region) for message in batch]
            wanted = lambda_svc._apply_filter_criteria(records, mapping)
            ids = {record["messageId"] for record in wanted}
            delete(queue, [(message, handle) for message, handle in handles if message["id"] not in ids])
            if wanted:
                state.in_flight += 1
                kept = [(message, handle) for message, handle in handles if message["id"] in ids]
                self._start(self._run_queue_batch(state, mapping, function, wanted, queue, kept, (account, region)))
        return _IDLE_SECONDS

    async def _run_queue_batch(
        self,
        state: _QueueState,
        mapping: Mapping,
        function: Mapping,
        records: list[dict[str, Any]],
        queue: dict[str, Any],
        handles: list[tuple[Message, str]],
        scope: tuple[str, str],
    ) -> None:
        try:
            result = await self._invoke(function, {"Records": records}, scope)
        finally:
            state.in_flight -= 1
            self._wake.set()
        failed = failed_messages(mapping, result, {record["messageId"] for record in records})
        delete(queue, [(message, handle) for message, handle in handles if message["id"] not in failed])
        mapping["LastProcessingResult"] = f"{len(records) - len(failed)} processed, {len(failed)} failed"

    def _poll_stream(self, mapping: Mapping, account: str, region: str) -> float:
        table = mapping["EventSourceArn"].split("/stream/")[0].rpartition("/")[2]
        function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
        if function is None or dynamodb._tables.get(table, {}).get("LatestStreamArn") != mapping["EventSourceArn"]:
            return _IDLE_SECONDS
        state = self._streams.setdefault(mapping["UUID"], _StreamState())
        positions = lambda_svc._dynamodb_stream_positions
        if mapping["UUID"] not in positions:
            oldest = mapping.get("StartingPosition") == "TRIM_HORIZON"
            start = dynamodb.stream_start_position if oldest else dynamodb.stream_end_position
            positions[mapping["UUID"]] = start(table)
        position = max(positions[mapping["UUID"]], dynamodb.stream_start_position(table))
        if state.busy:
            return _IDLE_SECONDS
        records = dynamodb.stream_records_since(table, position, int(mapping.get("BatchSize", 100)))
        if not records:
            state.first_seen = None
            return _IDLE_SECONDS
        wait = state.window_left(mapping, len(records))
        if wait > 0:
            return wait
        state.busy, state.first_seen = True, None

        def advance() -> None:
            positions.set_scoped(account, region, mapping["UUID"], position + len(records))

        self._start(self._run_stream_batch(state, mapping, function, list(records), advance, (account, region)))
        return _IDLE_SECONDS

    async def _run_stream_batch(
        self,
        state: _StreamState,
        mapping: Mapping,
        function: Mapping,
        records: list[dict[str, Any]],
        advance: Callable[[], None],
        scope: tuple[str, str],
    ) -> None:
        try:
            await self._work_off(state, mapping, function, lambda_svc._apply_filter_criteria(records, mapping), scope)
            advance()
        finally:
            state.busy, state.batch = False, None
            self._wake.set()

    async def _work_off(
        self,
        state: _StreamState,
        mapping: Mapping,
        function: Mapping,
        records: list[dict[str, Any]],
        scope: tuple[str, str],
    ) -> None:
        """Invoke with one shard's records, in order, until each is processed or given up."""
        retries, age = int(mapping.get("MaximumRetryAttempts", -1)), int(mapping.get("MaximumRecordAgeInSeconds", -1))
        pending, attempt = [records] if records else [], 0
        while pending:
            batch = pending[0]
            state.batch = Behind(function["config"]["FunctionName"], _written(batch[-1]))
            for observer in self._on_stream_batch:
                observer(state.batch)
            result = await self._invoke(function, {"Records": batch}, scope)
            done = processed(mapping, result, batch)
            if done == len(batch):
                pending.pop(0)
                attempt = 0
                continue
            if done:
                pending[0] = batch = batch[done:]
                attempt = 0
            bisect = mapping.get("BisectBatchOnFunctionError") and result.get("error") and len(batch) > 1
            if bisect:
                middle = len(batch) // 2
                pending[0:1] = [batch[:middle], batch[middle:]]
                continue
            attempt += 1
            expired = age > 0 and time.time() - min(_written(record) for record in batch) > age
            if expired or 0 <= retries < attempt:
                condition = "MaxRecordAgeExceeded" if expired else "RetryAttemptsExhausted"
                with request_scope(*scope):
                    lambda_svc._send_ddb_stream_failure_record(
                        mapping, function, batch, mapping["EventSourceArn"], result, condition
                    )
                pending.pop(0)
                attempt = 0
                continue
            await asyncio.sleep(_STREAM_RETRY_SECONDS[min(attempt, len(_STREAM_RETRY_SECONDS)) - 1])

    async def _invoke(self, function: Mapping, event: dict[str, Any], scope: tuple[str, str]) -> dict[str, Any]:
        def call() -> dict[str, Any]:
            with request_scope(*scope):
                answer: dict[str, Any] = lambda_svc._execute_function(function, event)
                return answer

        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("an event source batch failed", exc_info=task.exception())


@dataclass(slots=True)
class _QueueState:
    in_flight: int = 0


@dataclass(slots=True)
class _StreamState:
    busy: bool = False
    batch: Behind | None = None
    first_seen: float | None = field(default=None)

    def window_left(self, mapping: Mapping, records: int) -> float:
        """Seconds until a batch that is not full may go."""
        window = float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
        now = time.monotonic()
        if self.first_seen is None:
            self.first_seen = now
        if records >= int(mapping.get("BatchSize", 100)):
            return 0.0
        return self.first_seen + window - now


def _written(record: dict[str, Any]) -> float:
    return float(record["dynamodb"].get("ApproximateCreationDateTime", time.time()))


def _nothing() -> None:
    """In the place of a thread that is not wanted."""
