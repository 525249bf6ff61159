"""SendEmail of SES v2, with sending events to the configuration set's event destinations.

The mailbox simulator's addresses behave as documented, every other one fares as the seeded profile says; a mail to
several fares alike for all that are no simulators. The account is out of the sandbox. Events need a configuration set
with an enabled destination that is a topic or the default event bus, as on AWS. Opens, clicks, suppression lists,
identity notifications and events of the other sending calls (SendBulkEmail, SES v1) are not simulated.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from lambdas.core.simulator import mailbox
from localcloud.carrier_email_message import Mail, Template, read_mail, sender_of
from localcloud.outcomes import DELIVERED
from localcloud.profile import Fate
from localcloud.receipts_email import SUPPRESSED, AcceptedMail, EmailEvent, sending_event
from localcloud.simulated_service import Answer, Params, SimulatedService
from localcloud.traffic import Traffic
from localcloud.wire import Service, ServiceError

SERVICE = "sesv2"
_OPERATION = "SendEmail"
_MAILBOXES = {
    "success": DELIVERED,
    "ooto": DELIVERED,
    "bounce": "bounce_permanent",
    "complaint": "complaint",
    "suppressionlist": SUPPRESSED,
}
"""The outcome of each mailbox of the simulator."""
_COMPLAINT, _DELAY, _REJECT, _RENDERING_FAILURE = "complaint", "delivery_delay", "reject", "rendering_failure"
_SOURCE_IP = "127.0.0.1"


class Post(Protocol):
    """What the carrier needs of the SES around it; see `mailbox.Mailbox`."""

    def identity(self, sender: str) -> str:
        """The identity a sender stands for."""

    def check_sender(self, sender: str) -> None:
        """Raise the `ServiceError` for a sender that is not verified."""

    def configuration_set(self, name: str) -> Mapping[str, Any]:
        """A configuration set with its event destinations; raises `ServiceError`."""

    def template(self, name: str) -> Template:
        """A stored template's parts; raises `ServiceError`."""

    def caller(self) -> str:
        """Who sends."""

    async def keep(self, mail: Mail) -> str:
        """Put a mail into the mailbox; its message id."""


class EmailCarrier(SimulatedService):
    """SendEmail behind the signing name `ses`; every other call of SES is ministack's."""

    def __init__(self, *, account_id: str, region: str, traffic: Traffic, post: Post) -> None:
        self._service = Service(SERVICE)
        self._account_id = account_id
        self._prefix = f"arn:aws:ses:{region}:{account_id}"
        self._traffic = traffic
        self._post = post
        super().__init__(self._service, {_OPERATION: self._send}, self._named)

    def serves(self, method: str, path: str) -> bool:
        """Whether a request is a SendEmail."""
        try:
            return self._service.operation_of(method, path.rstrip("/"), {}) == _OPERATION
        except ServiceError:
            return False

    def _named(self, operation: str, params: Params) -> list[str]:
        """Identity, configuration set and template (Service Authorization Reference, Amazon SES v2, SendEmail)."""
        named = [params.get("FromEmailAddressIdentityArn") or self._identity_arn(sender_of(params))]
        if name := params.get("ConfigurationSetName"):
            named.append(self._configuration_set_arn(name))
        template = params.get("Content", {}).get("Template", {})
        if arn := template.get("TemplateArn") or self._template_arn(template.get("TemplateName")):
            named.append(arn)
        return named

    def _identity_arn(self, sender: str) -> str:
        return f"{self._prefix}:identity/{self._post.identity(sender)}"

    def _configuration_set_arn(self, name: str) -> str:
        return f"{self._prefix}:configuration-set/{name}"

    def _template_arn(self, name: str | None) -> str | None:
        return f"{self._prefix}:template/{name}" if name else None

    async def _send(self, params: Params) -> Answer:
        mail: Mail | None = None
        try:
            mail = read_mail(params, self._post.template)
            message_id = await self._accept(params, mail)
        except ServiceError as error:
            self._record(None, mail, error.code)
            raise
        self._record(message_id, mail, "accepted")
        return {"MessageId": message_id}

    def _record(self, message_id: str | None, mail: Mail | None, outcome: str) -> None:
        tags, recipients = (mail.tags, mail.recipients) if mail else ({}, [])
        self._traffic.record(message_id, tags, ", ".join(recipients), outcome)

    async def _accept(self, params: Params, mail: Mail) -> str:
        refusal = await self._traffic.refusal()
        if refusal == "throttle":
            raise ServiceError("TooManyRequestsException", "Maximum sending rate exceeded.")
        if refusal == "error":
            raise ServiceError("InternalServiceErrorException", "The request failed because of an internal error.")
        name = params.get("ConfigurationSetName")
        events = self._post.configuration_set(name) if name else {}
        if not events.get("SendingOptions", {}).get("SendingEnabled", True):
            raise ServiceError("SendingPausedException", f"Sending is paused for the configuration set {name}.")
        self._post.check_sender(mail.sender)
        # A mail that cannot be rendered is accepted all the same, and never leaves.
        message_id = f"{uuid.uuid4()}@email.amazonses.com" if mail.failure else await self._post.keep(mail)
        accepted = AcceptedMail(
            message_id=message_id,
            source=mail.source,
            source_arn=params.get("FromEmailAddressIdentityArn") or self._identity_arn(mail.sender),
            account_id=self._account_id,
            accepted_at=self._traffic.now(),
            destination=mail.recipients,
            headers=mail.headers(),
            subject=mail.subject,
            to=mail.addresses.to,
            tags=self._tags(mail, name),
            failure=mail.failure,
        )
        self._schedule(accepted, self._traffic.accepted(), events, name)
        return message_id

    def _tags(self, mail: Mail, configuration_set: str | None) -> dict[str, list[str]]:
        own = {
            "ses:operation": _OPERATION,
            "ses:source-ip": _SOURCE_IP,
            "ses:from-domain": mail.sender.rpartition("@")[2],
            "ses:caller-identity": self._post.caller(),
            **({"ses:configuration-set": configuration_set} if configuration_set else {}),
        }
        return {name: [value] for name, value in {**own, **mail.tags}.items()}

    def _schedule(self, mail: AcceptedMail, end: Fate, events: Mapping[str, Any], name: str | None) -> None:
        if name is None:
            return
        emit = functools.partial(self._emit, mail, events, name, self._traffic.profile.paths)
        outcomes = _outcomes(mail, end)
        if outcomes.keys() - {_REJECT, _RENDERING_FAILURE}:
            self._traffic.later(end.interim_after, emit, EmailEvent.SEND, mail.destination, DELIVERED)
        for outcome, recipients in outcomes.items():
            for after, event in _steps(outcome, end):
                self._traffic.later(after, emit, event, recipients, outcome)

    def _emit(
        self,
        mail: AcceptedMail,
        events: Mapping[str, Any],
        name: str,
        paths: tuple[str, ...],
        event: EmailEvent,
        recipients: Sequence[str],
        outcome: str,
    ) -> None:
        record = sending_event(mail, event, self._traffic.now(), recipients, outcome)
        for destination in list((events.get("EventDestinations") or {}).values()):
            if not destination["Enabled"] or event.matching not in destination["MatchingEventTypes"]:
                continue
            if topic := destination.get("SnsDestination", {}).get("TopicArn"):
                self._traffic.sns(paths, self._configuration_set_arn(name), topic, record)
            if "EventBridgeDestination" in destination:
                self._traffic.event_bridge(paths, event.detail_type, record)


def _outcomes(mail: AcceptedMail, end: Fate) -> dict[str, list[str]]:
    """Recipients by what becomes of their mail."""
    found: dict[str, list[str]] = {}
    for recipient in mail.destination:
        box = mailbox(recipient)
        outcome = _MAILBOXES[box] if box else end.final_status
        found.setdefault(_RENDERING_FAILURE if mail.failure else outcome, []).append(recipient)
    return found


def _steps(outcome: str, end: Fate) -> list[tuple[float, EmailEvent]]:
    """The events of an outcome after Send, with seconds after the mail's acceptance."""
    if end.lost:
        return []
    final, afterwards = end.final_after, end.final_after + end.interim_after
    steps = {
        DELIVERED: [(final, EmailEvent.DELIVERY)],
        _COMPLAINT: [(final, EmailEvent.DELIVERY), (afterwards, EmailEvent.COMPLAINT)],
        _DELAY: [(final, EmailEvent.DELIVERY_DELAY), (afterwards, EmailEvent.DELIVERY)],
        _REJECT: [(final, EmailEvent.REJECT)],
        _RENDERING_FAILURE: [(final, EmailEvent.RENDERING_FAILURE)],
    }.get(outcome, [(final, EmailEvent.BOUNCE)])
    after, last = steps[-1]
    return [*steps, (after + end.interim_after, last)] if end.duplicated else steps
