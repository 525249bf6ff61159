"""An SMS carrier: SendTextMessage of `pinpoint-sms-voice-v2`, with delivery receipts by both of AWS's paths.

AWS's simulator destinations succeed and fail as documented; every other number fares as the seeded profile says.
Runs on one event loop and never blocks it.
"""

from __future__ import annotations

import uuid
from typing import Any

from lambdas.core.simulator import always_fails, is_simulator
from localcloud.carrier_account import SANDBOX, Account, AccountFigures, Params
from localcloud.carrier_configuration_sets import ConfigurationSet
from localcloud.carrier_resources import Resources
from localcloud.message_parts import Airtime, airtime
from localcloud.outcomes import DELIVERED
from localcloud.profile import Fate
from localcloud.receipts import (
    DETAIL_TYPE,
    AcceptedMessage,
    configuration_set_event,
    event_bridge_detail,
    matches,
    price_per_part,
)
from localcloud.simulated_service import SimulatedService
from localcloud.traffic import Traffic
from localcloud.wire import Service, ServiceError

SERVICE = "pinpoint-sms-voice-v2"
_INTERIM_STATUS = "PENDING"
_SIMULATED_FAILURE = "BLOCKED"
_LONGEST = {"GSM": 1530, "UNICODE": 630}
"""Septets and UTF-16 code units (AWS End User Messaging SMS user guide, character limits)."""


class Carrier(SimulatedService):
    """The service behind the signing name `sms-voice`."""

    def __init__(
        self, *, account_id: str, region: str, traffic: Traffic, figures: AccountFigures | None = None
    ) -> None:
        self.resources = Resources(Account(account_id=account_id, region=region, figures=figures, now=traffic.now))
        self._traffic = traffic
        super().__init__(
            Service(SERVICE),
            {**self.resources.operations(), "SendTextMessage": self._send},
            self._named,
            unknown={"Reason": "UNKNOWN_OPERATION"},
        )

    def _named(self, operation: str, params: Params) -> list[str]:
        if operation == "SendTextMessage":
            return [self.resources.origin_arn(params.get("OriginationIdentity"))]
        return ["*"]

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
        refusal = await self._traffic.refusal()
        if refusal == "throttle":
            raise ServiceError("ThrottlingException", "Rate exceeded")
        if refusal == "error":
            raise ServiceError("InternalServerException", "An internal error occurred", RequestId=str(uuid.uuid4()))
        origin, opt_out_list = self.resources.origin(params.get("OriginationIdentity"))
        reference = params.get("ConfigurationSetName")
        events = self.resources.configuration_sets.named(reference) if reference else None
        if self.resources.opt_out_lists.has(opt_out_list, destination):
            raise ServiceError(
                "ConflictException",
                "The destination phone number is opted out",
                Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT",
                ResourceType="opted-out-number",
                ResourceId=destination,
            )
        self._check_destination(destination, reference)
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
                accepted_at=self._traffic.now(),
                configuration_set=events.name if events else None,
                context=dict(params.get("Context") or {}),
            )
            self._schedule(message, events, params.get("TimeToLive"))
        return message_id

    def _check_destination(self, destination: str, configuration_set: str | None) -> None:
        """Raise the `ServiceError` for a country that is blocked, and in the sandbox for a number nobody verified."""
        self.resources.protect.check(destination, configuration_set)
        verified = is_simulator(destination) or self.resources.verified_numbers.has(destination)
        if self.resources.figures.tier == SANDBOX and not verified:
            raise ServiceError(
                "ConflictException",
                "The destination phone number is not verified",
                Reason="DESTINATION_PHONE_NUMBER_NOT_VERIFIED",
                ResourceType="verified-destination-number",
                ResourceId=destination,
            )

    def _record(self, message_id: str | None, params: Params, destination: str, weight: Airtime, outcome: str) -> None:
        self._traffic.record(message_id, dict(params.get("Context") or {}), destination, outcome, parts=weight.parts)

    def _schedule(self, message: AcceptedMessage, events: ConfigurationSet | None, time_to_live: int | None) -> None:
        end = self._traffic.accepted(forced=_simulated(message.destination))
        status, paths = _status(end, time_to_live), self._traffic.profile.paths
        self._traffic.later(end.interim_after, self._emit, message, events, _INTERIM_STATUS, paths)
        if end.lost:
            return
        self._traffic.later(end.final_after, self._emit, message, events, status, paths)
        if end.duplicated:
            self._traffic.later(end.final_after + end.interim_after, self._emit, message, events, status, paths)

    def _emit(
        self, message: AcceptedMessage, events: ConfigurationSet | None, status: str, paths: tuple[str, ...]
    ) -> None:
        at = self._traffic.now()
        self._traffic.event_bridge(paths, DETAIL_TYPE, event_bridge_detail(message, status, at))
        if events is None:
            return
        source = self.resources.configuration_sets.arn(events.name)
        for destination in list(events.destinations.values()):
            topic = destination.get("SnsDestination", {}).get("TopicArn")
            if topic and destination["Enabled"] and matches(destination["MatchingEventTypes"], status):
                self._traffic.sns(paths, source, topic, configuration_set_event(message, status, at))


def _simulated(destination: str) -> str | None:
    if not is_simulator(destination):
        return None
    return _SIMULATED_FAILURE if always_fails(destination) else DELIVERED


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
