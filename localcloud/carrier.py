"""An SMS carrier: SendTextMessage of `pinpoint-sms-voice-v2`, with delivery receipts by both of AWS's paths.

AWS's simulator destinations succeed and fail as documented; every other number fares as the seeded profile says.
Runs on one event loop and never blocks it.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lambdas.core.simulator import always_fails, is_simulator
from localcloud.carrier_account import Account, AccountFigures, Params
from localcloud.carrier_configuration_sets import ConfigurationSet
from localcloud.carrier_resources import Resources
from localcloud.message_parts import Airtime, airtime
from localcloud.profile import CarrierProfile, Fate, ReceiptPath, fate, verdict
from localcloud.receipts import (
    AcceptedMessage,
    configuration_set_event,
    event_bridge_detail,
    matches,
    price_per_part,
)
from localcloud.wire import Response, Service, ServiceError

SERVICE = "pinpoint-sms-voice-v2"
_INTERIM_STATUS = "PENDING"
_SIMULATED_FAILURE = "BLOCKED"
_LONGEST = {"GSM": 1530, "UNICODE": 630}
"""Septets and UTF-16 code units (AWS End User Messaging SMS user guide, character limits)."""
_CALLS_KEPT = 500_000


class ReceiptPublisher(Protocol):
    """Where receipts go; both are called on the event loop and return quickly."""

    def event_bridge(self, detail: dict[str, Any]) -> None:
        """Publish a receipt on the account's default event bus."""

    def sns(self, topic_arn: str, event: dict[str, Any]) -> None:
        """Publish a receipt to a topic."""


Authorize = Callable[[str, str], None]
"""Asks IAM about (action, resource ARN); raises `ServiceError` when it is denied."""


@dataclass(frozen=True, slots=True)
class Call:
    """One SendTextMessage as received. `outcome`: `accepted`, `dry_run`, or the error's code."""

    at: float
    message_id: str | None
    context: Mapping[str, str]
    destination: str
    parts: int
    outcome: str


class Carrier:
    """The service behind the signing name `sms-voice`."""

    def __init__(
        self,
        *,
        account_id: str,
        region: str,
        publisher: ReceiptPublisher,
        profile: CarrierProfile | None = None,
        figures: AccountFigures | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.resources = Resources(Account(account_id=account_id, region=region, figures=figures, now=now))
        self._service = Service(SERVICE)
        self._operations = self.resources.operations()
        self._publisher = publisher
        self._now = now
        self._calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.set_profile(profile or CarrierProfile())

    @property
    def signing_name(self) -> str:
        """The service part of the credential scope of requests for this carrier."""
        return self._service.signing_name

    @property
    def profile(self) -> CarrierProfile:
        """The behaviour in force."""
        return self._profile

    def set_profile(self, profile: CarrierProfile) -> None:
        """Behave so from the next call on; the sequence of outcomes starts anew."""
        self._profile = profile
        self._calls_judged = 0
        self._messages_accepted = 0

    def calls(self) -> list[Call]:
        """Every SendTextMessage received since the last `forget_calls`, oldest first."""
        return list(self._calls)

    def forget_calls(self) -> None:
        """Empty the record of calls."""
        self._calls.clear()

    async def respond(
        self,
        *,
        method: str,
        path: str,
        query: Mapping[str, list[str]],
        headers: Mapping[str, str],
        body: bytes,
        authorize: Authorize,
    ) -> Response:
        """Answer one request."""
        operation = ""
        try:
            operation = self._service.operation_of(method, path, headers)
            request = self._service.decode(operation, path, query, body)
            authorize(f"{self.signing_name}:{operation}", self._resource(request.params))
            if operation == "SendTextMessage":
                answer = await self._send(request.params)
            elif operation in self._operations:
                answer = self._operations[operation](request.params)
            else:
                raise ServiceError(
                    "ValidationException",
                    f"the embedded carrier does not simulate {operation}",
                    Reason="UNKNOWN_OPERATION",
                )
            return self._service.encode(operation, answer)
        except ServiceError as error:
            return self._service.encode_error(error, operation)

    def _resource(self, params: Params) -> str:
        if "DestinationPhoneNumber" in params:
            return self.resources.numbers.identity_arn(params.get("OriginationIdentity"))
        return "*"

    async def _send(self, params: Params) -> dict[str, Any]:
        destination = params["DestinationPhoneNumber"]
        destination = destination if destination.startswith("+") else f"+{destination}"
        weight = airtime(params["MessageBody"]) if params.get("MessageBody") else Airtime("GSM", 1)
        try:
            message_id = await self._accept(params, destination, weight)
        except ServiceError as error:
            self._record(None, params, destination, weight, error.code)
            raise
        self._record(message_id, params, destination, weight, "dry_run" if params.get("DryRun") else "accepted")
        return {"MessageId": message_id}

    async def _accept(self, params: Params, destination: str, weight: Airtime) -> str:
        self._calls_judged += 1
        judged = verdict(self._profile, self._calls_judged)
        if judged.latency:
            await asyncio.sleep(judged.latency)
        if judged.refusal == "throttle":
            raise ServiceError("ThrottlingException", "Rate exceeded")
        if judged.refusal == "error":
            raise ServiceError("InternalServerException", "An internal error occurred", RequestId=str(uuid.uuid4()))
        origin = self.resources.numbers.identity(params.get("OriginationIdentity"))
        reference = params.get("ConfigurationSetName")
        events = self.resources.configuration_sets.named(reference) if reference else None
        if self.resources.numbers.is_opted_out(origin, destination):
            raise ServiceError(
                "ConflictException",
                "The destination phone number is opted out",
                Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT",
                ResourceType="opted-out-number",
                ResourceId=destination,
            )
        _check_text(params, destination, weight)
        message_id = str(uuid.uuid4())
        if not params.get("DryRun"):
            message = AcceptedMessage(
                message_id=message_id,
                destination=destination,
                origination=origin.number,
                body_encoding=weight.encoding,
                parts=weight.parts,
                message_type=params.get("MessageType", origin.message_type),
                accepted_at=self._now(),
                configuration_set=events.name if events else None,
                context=dict(params.get("Context") or {}),
            )
            self._schedule(message, events, params.get("TimeToLive"))
        return message_id

    def _record(self, message_id: str | None, params: Params, destination: str, weight: Airtime, outcome: str) -> None:
        context = dict(params.get("Context") or {})
        self._calls.append(Call(self._now(), message_id, context, destination, weight.parts, outcome))

    def _schedule(self, message: AcceptedMessage, events: ConfigurationSet | None, time_to_live: int | None) -> None:
        self._messages_accepted += 1
        end = fate(self._profile, self._messages_accepted, forced=_simulated(message.destination))
        status = _status(end, time_to_live)
        loop, paths = asyncio.get_running_loop(), self._profile.paths
        loop.call_later(end.interim_after, self._emit, message, events, _INTERIM_STATUS, paths)
        if end.lost:
            return
        loop.call_later(end.final_after, self._emit, message, events, status, paths)
        if end.duplicated:
            loop.call_later(end.final_after + end.interim_after, self._emit, message, events, status, paths)

    def _emit(
        self, message: AcceptedMessage, events: ConfigurationSet | None, status: str, paths: tuple[str, ...]
    ) -> None:
        at = self._now()
        if ReceiptPath.EVENTBRIDGE in paths:
            self._publisher.event_bridge(event_bridge_detail(message, status, at))
        if ReceiptPath.SNS not in paths or events is None:
            return
        for destination in list(events.destinations.values()):
            topic = destination.get("SnsDestination", {}).get("TopicArn")
            if topic and destination["Enabled"] and matches(destination["MatchingEventTypes"], status):
                self._publisher.sns(topic, configuration_set_event(message, status, at))


def _simulated(destination: str) -> str | None:
    if not is_simulator(destination):
        return None
    return _SIMULATED_FAILURE if always_fails(destination) else "DELIVERED"


def _status(end: Fate, time_to_live: int | None) -> str:
    expired = time_to_live is not None and end.final_after > time_to_live
    return "TTL_EXPIRED" if expired else end.final_status


def _check_text(params: Params, destination: str, weight: Airtime) -> None:
    body = params.get("MessageBody")
    if not body:
        raise ServiceError("ValidationException", "MessageBody is required", Reason="MISSING_PARAMETER")
    if weight.units > _LONGEST[weight.encoding]:
        message = f"the message is {weight.units} long and may be {_LONGEST[weight.encoding]} ({weight.encoding})"
        raise ServiceError("ValidationException", message, Reason="MAXIMUM_SIZE_EXCEEDED")
    price = price_per_part(destination)
    cost = (price.message + price.carrier_fee) * weight.parts
    highest = params.get("MaxPrice")
    if highest is not None and cost > float(highest):
        message = f"the message costs {cost:.5f} USD, which is over the MaxPrice of {highest}"
        raise ServiceError("ValidationException", message, Reason="PRICE_OVER_THRESHOLD")
