"""CloudWatch's metrics and alarms inside the emulator's process: our store and evaluator behind ministack's API.

ministack keeps alarm CRUD, history, composite rules, tags and dashboards. `REPLACED` names everything of its own that
this module puts something else in place of.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from localcloud import service_metrics
from localcloud.alarm_events import StateChangeEvents
from localcloud.alarm_loop import AlarmLoop, Clock, expression_series
from localcloud.alarm_rule import Alarm, Decision, alarm_from_api
from localcloud.metric_intake import MetricIntake
from localcloud.metric_queries import InvalidQuery, get_metric_data, get_metric_statistics, list_metrics, with_times
from localcloud.metric_store import Axis, MetricStore

log = logging.getLogger(__name__)

CLOUDWATCH = "ministack.services.cloudwatch"
LAMBDA = "ministack.services.lambda_svc"
EVENTS = "ministack.services.eventbridge"
SQS = "ministack.services.sqs"
RESPONSES = "ministack.core.responses"

REPLACED: Mapping[str, tuple[str, ...]] = {
    CLOUDWATCH: (
        "_dispatch_alarm_actions",
        "_evaluate_alarm",
        "_evict_old_metrics",
        "_get_metric_data",
        "_get_metric_statistics",
        "_list_metrics",
        "_put_metric_alarm",
        "_set_alarm_state",
        "_store_datum",
        "record_metric",
        "reset",
    ),
    LAMBDA: ("_acquire_execution_slot", "_emit_lambda_metrics"),
}
"""Names of ministack 1.5.33 that are replaced, by module."""

USED: Mapping[str, tuple[str, ...]] = {
    CLOUDWATCH: ("_alarms", "_composite_alarms", "_cbor_ok", "_cbor_timestamp", "_error", "_json_ok"),
    EVENTS: ("_ensure_default_bus", "_put_events"),
    SQS: ("_queues",),
    RESPONSES: ("request_scope",),
}
"""Names of ministack that are called or read."""

Answer = tuple[int, dict[str, str], bytes]


def install(*, clock: Clock, speed: float, region: str, account_id: str) -> MetricsPlane:
    """Put the metrics plane into ministack; raises `RuntimeError` if ministack is not the version it knows.

    `clock` runs `speed` times as fast as wall time (`localcloud.clock.Clock(speed)`); `region` and `account_id` are
    the stack's, in which alarms are evaluated. Nothing is evaluated until `start` or `evaluate_all`.
    """
    for path, names in [*REPLACED.items(), *USED.items()]:
        module = importlib.import_module(path)
        for name in names:
            if not hasattr(module, name):
                raise RuntimeError(f"{path} has no {name}: install ministack 1.5.33, the version this is built on")
    own_speed = getattr(clock, "speed", speed)
    if not math.isclose(own_speed, speed):
        raise ValueError(f"the clock runs at speed {own_speed:g}, the metrics plane was given {speed:g}")
    plane = MetricsPlane(clock=clock, speed=speed, region=region, account_id=account_id)
    plane.bend()
    return plane


class MetricsPlane:
    """Metrics and alarms of one region; made by `install`."""

    def __init__(self, *, clock: Clock, speed: float, region: str, account_id: str) -> None:
        self.store = MetricStore()
        self.intake = MetricIntake(store=self.store, clock=clock, speed=speed)
        self._region = region
        self._account_id = account_id
        self._cloudwatch = importlib.import_module(CLOUDWATCH)
        self._lambda = importlib.import_module(LAMBDA)
        self._events = importlib.import_module(EVENTS)
        self._originals: list[tuple[ModuleType, str, Any]] = []
        self._state_changes = StateChangeEvents()
        self._behind: Callable[[], Iterable[service_metrics.Behind]] = tuple
        self._sampler = service_metrics.ServiceSampler(
            self.store, self._queues, lambda: self._behind(), jumped_since=clock.jumped_since
        )
        self._loop = AlarmLoop(store=self.store, clock=clock, speed=speed, alarms=self, before=self._sampler.sample)

    # ---- what the host calls

    def start(self) -> None:
        """Begin evaluating alarms as the clock passes their steps."""
        self._loop.start()

    def stop(self) -> None:
        """Stop evaluating and give ministack its own functions back."""
        self._loop.stop()
        for module, name, original in reversed(self._originals):
            setattr(module, name, original)
        self._originals.clear()

    def evaluate_all(self) -> dict[str, str]:
        """Evaluate every alarm at the clock's time; state by name, composite alarms included."""
        with self._scope():
            states = self._loop.evaluate_all()
            states |= {name: str(entry["StateValue"]) for name, entry in self._cloudwatch._composite_alarms.items()}
        return states

    def on_stream_batch(self, batch: service_metrics.Behind) -> None:
        """Take the age of a stream batch that goes to its function now."""
        age_ms = self._sampler.age_of_record(batch.written)
        self.intake.publish("AWS/Lambda", "IteratorAge", {"FunctionName": batch.function_name}, age_ms)

    def watch_streams(self, behind: Callable[[], Iterable[service_metrics.Behind]]) -> None:
        """Sample the age of stream batches that functions are at work on, however long they take."""
        self._behind = behind

    # ---- the book of alarms that the loop reads and writes

    def read(self) -> Mapping[str, dict[str, Any]]:
        """Metric alarms of the stack's region by name."""
        with self._scope():
            return dict(self._cloudwatch._alarms.items())

    def apply(self, name: str, decision: Decision) -> None:
        """Move an alarm as SetAlarmState would: with actions, history, composite alarms and an event."""
        request = {
            "AlarmName": name,
            "StateValue": decision.state.value,
            "StateReason": decision.reason,
            "StateReasonData": decision.reason_data,
        }
        with self._scope():
            self._original("_set_alarm_state")({}, request, False, True)

    def _queues(self) -> list[dict[str, Any]]:
        with self._scope():
            return list(importlib.import_module(SQS)._queues.values())

    @contextlib.contextmanager
    def _scope(self) -> Iterator[None]:
        with importlib.import_module(RESPONSES).request_scope(self._account_id, self._region):
            yield

    # ---- what takes the place of ministack's functions

    def bend(self) -> None:
        """Put this plane's functions in place of ministack's."""
        replacements: dict[str, Callable[..., Any]] = {
            "_evaluate_alarm": lambda alarm: None,
            "_evict_old_metrics": lambda: None,
            "_store_datum": self.intake.store_datum,
            "record_metric": self.intake.record_metric,
            "_get_metric_data": self._reader("GetMetricData", get_metric_data),
            "_get_metric_statistics": self._reader("GetMetricStatistics", get_metric_statistics),
            "_list_metrics": self._reader("ListMetrics", lambda request, store, _: list_metrics(request, store)),
            "_put_metric_alarm": self._put_metric_alarm,
            "_set_alarm_state": self._set_alarm_state,
            "_dispatch_alarm_actions": self._dispatch_alarm_actions,
            "reset": self._reset,
        }
        for name, function in replacements.items():
            self._replace(self._cloudwatch, name, function)
        self._replace(self._lambda, "_emit_lambda_metrics", lambda *_, **__: None)
        self._replace(self._lambda, "_acquire_execution_slot", self._acquire_execution_slot)

    def _replace(self, module: ModuleType, name: str, function: Callable[..., Any]) -> None:
        self._originals.append((module, name, getattr(module, name)))
        setattr(module, name, function)

    def _original(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = next(original for _, known, original in self._originals if known == name)
        return found

    def _reader(
        self, operation: str, answer: Callable[[Mapping[str, Any], MetricStore, Axis], dict[str, Any]]
    ) -> Callable[..., Answer]:
        def read(_: object, request: Mapping[str, Any], is_cbor: bool, is_json: bool = False) -> Answer:
            if not (is_cbor or is_json):
                message = f"{operation} is served over the JSON and CBOR protocols only; use a current SDK or AWS CLI."
                return self._refuse("InvalidAction", message, is_cbor, is_json)
            try:
                result = answer(request, self.store, self.intake.axis())
            except InvalidQuery as error:
                return self._refuse(error.code, str(error), is_cbor, is_json)
            if is_cbor:
                result = with_times(result, self._cloudwatch._cbor_timestamp)
            encoded: Answer = (self._cloudwatch._cbor_ok if is_cbor else self._cloudwatch._json_ok)(result)
            return encoded

        return read

    def _refuse(self, code: str, message: str, is_cbor: bool, is_json: bool) -> Answer:
        refused: Answer = self._cloudwatch._error(code, message, 400, use_json=is_json, use_cbor=is_cbor)
        return refused

    def _put_metric_alarm(
        self, params: Mapping[str, Any], request: Mapping[str, Any], is_cbor: bool, is_json: bool = False
    ) -> Answer:
        original = self._original("_put_metric_alarm")
        if not (is_cbor or is_json):
            plain: Answer = original(params, request, is_cbor, is_json)
            return plain
        try:
            _check_expression(alarm_from_api(request))
        except ValueError as error:
            return self._refuse("ValidationError", str(error), is_cbor, is_json)
        # The loop must not read the alarm before its Metrics are there.
        with self._loop.lock:
            answer: Answer = original(params, request, is_cbor, is_json)
            stored = self._cloudwatch._alarms.get(request["AlarmName"])
            if answer[0] == 200 and stored is not None:
                _keep_what_ministack_drops(stored, request)
        return answer

    def _set_alarm_state(
        self, params: Mapping[str, Any], request: Mapping[str, Any], is_cbor: bool, is_json: bool = False
    ) -> Answer:
        name = request.get("AlarmName")
        if name in self._cloudwatch._alarms:
            # First, so that no evaluation comes between the change and the hold.
            self._loop.hold(str(name))
        answer: Answer = self._original("_set_alarm_state")(params, request, is_cbor, is_json)
        return answer

    def _dispatch_alarm_actions(self, alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
        self._original("_dispatch_alarm_actions")(alarm, old, new, reason)
        entry = self._state_changes.entry(alarm, old)
        self._events._ensure_default_bus()
        status, _, body = self._events._put_events({"Entries": [entry]}, allow_aws_source=True)
        if status != 200 or json.loads(body).get("FailedEntryCount"):
            log.error("the state change of alarm %s was not published as an event: %s", alarm["AlarmName"], body)

    def _reset(self) -> None:
        self._original("reset")()
        self.store.clear()
        self._state_changes.clear()

    def _acquire_execution_slot(self, func: Any, config: Mapping[str, Any]) -> Any:
        slot, limit = self._original("_acquire_execution_slot")(func, config)
        if slot is None:
            service_metrics.count_throttle(self.intake.publish, str(config.get("FunctionName")))
        return slot, limit


def _check_expression(alarm: Alarm) -> None:
    """Evaluate a math alarm once over a made-up minute, so that a wrong expression is refused when it is put."""
    if alarm.result.expression is not None:
        expression_series(alarm, {query.id: {0.0: 1.0} for query in alarm.queries if query.key is not None}, [0.0])


def _keep_what_ministack_drops(stored: dict[str, Any], request: Mapping[str, Any]) -> None:
    for name in ("Metrics", "EvaluateLowSampleCountPercentile"):
        if request.get(name):
            stored[name] = request[name]
    if "Metrics" in stored:
        for name in ("Period", "Statistic", "MetricName", "Namespace", "Unit", "ExtendedStatistic"):
            stored.pop(name, None)
        stored["Dimensions"] = []
    elif stored.get("ExtendedStatistic"):
        stored.pop("Statistic", None)
