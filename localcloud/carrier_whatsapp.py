"""A WhatsApp carrier: SendWhatsAppMessage of `socialmessaging`, with message statuses by both of AWS's paths.

As on Meta, a message may be accepted and fail later: its template does not exist or is not approved (132001), is paused
(132015) or disabled (132016), gets another number of parameters (132000), or it is free-form and nobody wrote to the
number within 24 hours (131047; nobody ever does here). AWS has no simulator numbers for WhatsApp; those of SMS succeed
and fail here too, and take free-form messages. Every other number fares as the seeded profile says. Media, flows, calls
and inbound messages are not simulated.
"""

from __future__ import annotations

import uuid

from lambdas.core.simulator import always_fails, is_simulator
from localcloud.carrier_whatsapp_account import BusinessAccounts
from localcloud.carrier_whatsapp_message import OutboundMessage, check_api_version, read_message
from localcloud.carrier_whatsapp_templates import APPROVED, Template
from localcloud.outcomes import DELIVERED, NotificationId
from localcloud.profile import Fate
from localcloud.receipts_whatsapp import (
    TEMPLATE_DISABLED,
    TEMPLATE_MISSING,
    TEMPLATE_PARAMETERS,
    TEMPLATE_PAUSED,
    UNDELIVERABLE,
    WINDOW_CLOSED,
    AcceptedWhatsAppMessage,
    WhatsAppStatus,
    detail_type,
    event_bridge_detail,
    notification,
    webhook_entry,
)
from localcloud.simulated_service import Answer, Params, SimulatedService
from localcloud.traffic import Traffic
from localcloud.wire import Service, ServiceError

SERVICE = "socialmessaging"
_UNSENDABLE = {"PAUSED": TEMPLATE_PAUSED, "DISABLED": TEMPLATE_DISABLED}
_BY_ID = ("resourceArn", "originationPhoneNumberId", "id")


class WhatsAppCarrier(SimulatedService):
    """The service behind the signing name `social-messaging`."""

    def __init__(self, *, account_id: str, region: str, traffic: Traffic) -> None:
        self.accounts = BusinessAccounts(account_id=account_id, region=region, now=traffic.now)
        self._account_id = account_id
        self._traffic = traffic
        super().__init__(
            Service(SERVICE), {**self.accounts.operations(), "SendWhatsAppMessage": self._send}, self._named
        )

    def _named(self, operation: str, params: Params) -> list[str]:
        reference = next((params[key] for key in _BY_ID if key in params), None)
        return [self.accounts.arn(reference) if reference else "*"]

    async def _send(self, params: Params) -> Answer:
        message: OutboundMessage | None = None
        try:
            message = read_message(params["message"])
            message_id = await self._accept(params, message)
        except ServiceError as error:
            self._record(None, message, error.code)
            raise
        self._record(message_id, message, "accepted")
        return {"messageId": message_id}

    def _record(self, message_id: str | None, message: OutboundMessage | None, outcome: str) -> None:
        context, to = (message.context, f"+{message.to}") if message else ({}, "")
        self._traffic.record(message_id, context, to, outcome)

    async def _accept(self, params: Params, message: OutboundMessage) -> str:
        refusal = await self._traffic.refusal()
        if refusal == "throttle":
            raise ServiceError("ThrottledRequestException", "The request was denied due to request throttling.")
        if refusal == "error":
            raise ServiceError("InternalServiceException", "The request failed because of an internal error.")
        check_api_version(params["metaApiVersion"])
        account, number = self.accounts.number(params["originationPhoneNumberId"])
        use = message.template
        template = account.templates.find(use.name, use.language) if use else None
        accepted = AcceptedWhatsAppMessage(
            message_id=str(uuid.uuid4()),
            message=message,
            number=number,
            account=account,
            category=template.category if template else None,
        )
        self._schedule(accepted, self._traffic.accepted(forced=_forced(message, template)))
        return accepted.message_id

    def _schedule(self, accepted: AcceptedWhatsAppMessage, end: Fate) -> None:
        profile = self._traffic.profile
        error = None if end.final_status == DELIVERED else end.final_status
        for after, status in _steps(end):
            self._traffic.later(
                after, self._emit, accepted, status, error, profile.paths, NotificationId(profile.notification_id)
            )

    def _emit(
        self,
        accepted: AcceptedWhatsAppMessage,
        status: WhatsAppStatus,
        error: str | None,
        paths: tuple[str, ...],
        ids: NotificationId,
    ) -> None:
        at = self._traffic.now()
        detail = event_bridge_detail(accepted, status, at, error)
        self._traffic.event_bridge(paths, detail_type(status), detail)
        account, number = accepted.account, accepted.number
        account_arn = self.accounts.arn(account.id)
        for destination in list(account.event_destinations):
            event = notification(
                webhook_entry(accepted, status, at, error),
                account=(account.meta_id, account_arn),
                number=(number.meta_id, self.accounts.arn(number.id)),
                aws_account_id=self._account_id,
                notification_id=accepted.message_id if ids is NotificationId.MESSAGE else str(uuid.uuid4()),
                at=at,
            )
            self._traffic.sns(paths, account_arn, destination["eventDestinationArn"], event)


def _steps(end: Fate) -> list[tuple[float, WhatsAppStatus]]:
    """The statuses of a message, with seconds after its acceptance; Meta tells nothing before a failure."""
    arrives = end.final_status == DELIVERED
    final = WhatsAppStatus.DELIVERED if arrives else WhatsAppStatus.FAILED
    steps = [(end.interim_after, WhatsAppStatus.SENT)] if arrives else []
    if end.lost:
        return steps
    steps.append((end.final_after, final))
    if end.duplicated:
        steps.append((end.final_after + end.interim_after, final))
    if end.read_after is not None:
        steps.append((end.read_after, WhatsAppStatus.READ))
    return steps


def _forced(message: OutboundMessage, template: Template | None) -> str | None:
    """The end that Meta's rules or a simulator number give a message, whatever the profile says."""
    use, destination = message.template, f"+{message.to}"
    if use is not None and template is None:
        return TEMPLATE_MISSING
    if template is not None and template.status != APPROVED:
        return _UNSENDABLE.get(template.status, TEMPLATE_MISSING)
    if use is not None and template is not None and use.parameters != template.variables:
        return TEMPLATE_PARAMETERS
    if is_simulator(destination):
        return UNDELIVERABLE if always_fails(destination) else DELIVERED
    return WINDOW_CLOSED if use is None else None
