"""The checks of `doctor` about channels: what AWS keeps outside the stack and no deployment can set right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from console.domain import ConsoleError, ProblemKind
from console.headless.checks import Check, Word, verdict
from console.setup.sms import pages
from console.setup.whatsapp import LINK
from console.sources.clients import Clients
from console.text import safe_line
from lambdas.core.outputs import MessagingOutputs
from lambdas.core.redaction import mask_number

_DEPLOY = "deploy the stack again"


def channel_checks(clients: Clients, outputs: MessagingOutputs) -> Iterator[tuple[str, Callable[[], Check]]]:
    """Name and check, for the channels that the stack has."""
    yield "SMS receipts", lambda: _sms_events(clients, outputs.sms_configuration_set)
    yield "SMS number", lambda: _sms_number(clients, outputs.sms_origination_identity)
    yield "SMS account tier", lambda: _sms_tier(clients)
    yield "SMS spend limit", lambda: _sms_spend(clients)
    if outputs.whatsapp_business_account_id:
        yield "WhatsApp number", lambda: _whatsapp_number(clients, outputs)
        yield "WhatsApp receipts", lambda: _whatsapp_events(clients, outputs)
    if outputs.email_sender:
        yield "email identity", lambda: _email_identity(clients, outputs.email_sender)
        yield "email receipts", lambda: _email_events(clients, outputs.email_configuration_set)
        yield "email account", lambda: _email_account(clients, outputs.rates()["email"])


def _sms_events(clients: Clients, name: str) -> Check:
    found = clients.client("pinpoint-sms-voice-v2").describe_configuration_sets(ConfigurationSetNames=[name])
    sets = found.get("ConfigurationSets") or []
    if not sets:
        return verdict(Word.FAIL, f"there is no configuration set {name}", _DEPLOY)
    if not sets[0].get("EventDestinations"):
        return verdict(Word.FAIL, f"{name} has no event destination: receipts are lost", _DEPLOY)
    return verdict(Word.OK, f"{name} publishes receipts")


def _sms_number(clients: Clients, identity: str) -> Check:
    """Whether the number that messages go out from is registered, where the stack names one of the account's."""
    if not identity:
        return verdict(Word.OK, "AWS chooses among the account's")
    for number in pages(clients.client("pinpoint-sms-voice-v2").describe_phone_numbers, "PhoneNumbers"):
        if identity in (number["PhoneNumber"], number["PhoneNumberId"], number["PhoneNumberArn"]):
            status = safe_line(number.get("Status"), 40)
            if status == "ACTIVE":
                return verdict(Word.OK, f"{mask_number(safe_line(number['PhoneNumber'], 20))} is active")
            return verdict(
                Word.FAIL,
                f"{mask_number(safe_line(number['PhoneNumber'], 20))} is {status}",
                "AWS console, End User Messaging SMS, Registrations: register the number and wait for its approval",
            )
    return verdict(Word.OK, "a pool, a sender id or a shared number: nothing of this account to look at")


def _sms_tier(clients: Clients) -> Check:
    answer = clients.client("pinpoint-sms-voice-v2").describe_account_attributes()
    values = {each.get("Name"): each.get("Value") for each in answer.get("AccountAttributes") or []}
    tier = safe_line(values.get("ACCOUNT_TIER") or "unknown", 40)
    if tier == "PRODUCTION":
        return verdict(Word.OK, "production")
    if tier == "SANDBOX":
        return verdict(
            Word.WARN,
            "sandbox: verified and simulator numbers only, $1 a month",
            'AWS Support, a case "SMS sandbox" for this region, moves it out',
        )
    return verdict(Word.WARN, f"the tier is {tier}")


def _sms_spend(clients: Clients) -> Check:
    answer = clients.client("pinpoint-sms-voice-v2").describe_spend_limits()
    limits = {each.get("Name"): each for each in answer.get("SpendLimits") or []}
    text = limits.get("TEXT_MESSAGE_MONTHLY_SPEND_LIMIT")
    if text is None:
        raise ConsoleError(ProblemKind.BAD_ANSWER, "AWS names no spend limit for text messages")
    enforced, most = float(text.get("EnforcedLimit", 0)), float(text.get("MaxLimit", 0))
    if enforced <= 1 and not clients.target.is_local:
        return verdict(
            Word.WARN,
            f"${enforced:g} a month of at most ${most:g}",
            "Service Quotas raises it; `cpaas-console setup` sets a lower limit of your own",
        )
    return verdict(Word.OK, f"${enforced:g} a month of at most ${most:g}")


def _whatsapp_account(clients: Clients, account: str) -> dict[str, Any]:
    answer = clients.client("socialmessaging").get_linked_whatsapp_business_account(id=account)
    found: dict[str, Any] = answer.get("account") or {}
    return found


def _whatsapp_number(clients: Clients, outputs: MessagingOutputs) -> Check:
    account = _whatsapp_account(clients, outputs.whatsapp_business_account_id)
    numbers = {each.get("phoneNumberId") for each in account.get("phoneNumbers") or []}
    if outputs.whatsapp_phone_number_id in numbers:
        return verdict(Word.OK, "linked to the business account")
    return verdict(
        Word.FAIL,
        "the business account has no such number",
        f"{LINK}; or correct whatsapp.phone_number_id",
    )


def _whatsapp_events(clients: Clients, outputs: MessagingOutputs) -> Check:
    account = _whatsapp_account(clients, outputs.whatsapp_business_account_id)
    topics = {each.get("eventDestinationArn") for each in account.get("eventDestinations") or []}
    if outputs.whatsapp_receipts_topic_arn in topics:
        return verdict(Word.OK, "the business account publishes to the stack's topic")
    return verdict(
        Word.FAIL,
        "the business account does not publish to the stack's topic: receipts name no message of ours",
        "`cpaas-console setup --apply` points it there",
    )


def _email_identity(clients: Clients, sender: str) -> Check:
    """Either the address itself or one of its domains has to be verified."""
    client = clients.client("sesv2")
    domain = sender.rpartition("@")[2].split(".")
    covering = [sender, *(".".join(domain[start:]) for start in range(len(domain) - 1))]
    for identity in covering:
        try:
            found = client.get_email_identity(EmailIdentity=identity)
        except client.exceptions.NotFoundException:
            continue
        if found.get("VerifiedForSendingStatus"):
            return verdict(Word.OK, f"{identity} is verified")
        return verdict(Word.FAIL, f"{identity} is not verified: nothing can be sent", "publish its DKIM records in DNS")
    return verdict(Word.FAIL, f"no identity covers {safe_line(sender, 60)}", "verify its domain in SES")


def _email_events(clients: Clients, name: str) -> Check:
    answer = clients.client("sesv2").get_configuration_set_event_destinations(ConfigurationSetName=name)
    enabled = [each for each in answer.get("EventDestinations") or [] if each.get("Enabled")]
    if any("SnsDestination" in each for each in enabled):
        return verdict(Word.OK, f"{name} publishes receipts")
    return verdict(Word.FAIL, f"{name} has no enabled topic: receipts are lost", _DEPLOY)


def _email_account(clients: Clients, configured: float) -> Check:
    answer = clients.client("sesv2").get_account()
    rate = float((answer.get("SendQuota") or {}).get("MaxSendRate", 0))
    if not answer.get("SendingEnabled", True):
        return verdict(Word.FAIL, "SES has paused sending for this account", "read the case in AWS's console")
    if not answer.get("ProductionAccessEnabled", False) and not clients.target.is_local:
        return verdict(
            Word.WARN, f"sandbox: verified recipients only, {rate:g} a second", "request production access in SES"
        )
    if rate < configured and not clients.target.is_local:
        return verdict(
            Word.WARN,
            f"SES grants {rate:g} a second, the stack is set to {configured:g}: it will be throttled",
            "set email.messages_per_second to what is granted, or ask for more",
        )
    return verdict(Word.OK, f"{rate:g} a second")
