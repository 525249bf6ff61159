"""The steps of WhatsApp: where the business account's events go, and the templates that Meta has to approve."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from console.domain import ConsoleError, ProblemKind
from console.setup.outcome import Word
from console.setup.steps import Finding, Step, by_hand, there, would
from console.setup.wishes import Template, Wishes
from console.sources.clients import Clients
from console.text import safe_line
from lambdas.core.outputs import MessagingOutputs

LINK = "AWS console, End User Messaging Social, WhatsApp business accounts: link the account and its number"
_REVIEWED = frozenset({"APPROVED", "ACTIVE"})
_IN_REVIEW = frozenset({"PENDING", "IN_APPEAL", "SUBMITTED"})


def steps(clients: Clients, outputs: MessagingOutputs, wishes: Wishes) -> Iterator[Step]:
    """What a stack with WhatsApp needs, and the templates asked for."""
    account = outputs.whatsapp_business_account_id
    if account:
        yield Step("WhatsApp events", lambda: _events(clients, account, outputs.whatsapp_receipts_topic_arn))
    for template in wishes.templates:
        name = safe_line(f"template {template.name} {template.language}", 60)
        yield Step(name, partial(_template, clients, account, template))


def _events(clients: Clients, account: str, topic: str) -> Finding:
    client = clients.client("socialmessaging")
    try:
        found = client.get_linked_whatsapp_business_account(id=account)["account"]
    except client.exceptions.ResourceNotFoundException:
        return by_hand(f"the business account {account} is not linked to this AWS account", LINK)
    current = [str(each.get("eventDestinationArn")) for each in found.get("eventDestinations") or []]
    if topic in current:
        return there("the business account publishes to the stack's topic")
    if current:
        return by_hand(
            f"the business account publishes to {safe_line(current[0], 120)}, and has room for one destination only",
            "if nobody needs that: aws socialmessaging put-whatsapp-business-account-event-destinations "
            f"--id {account} --event-destinations eventDestinationArn={topic}",
        )

    def act() -> str:
        client.put_whatsapp_business_account_event_destinations(
            id=account, eventDestinations=[{"eventDestinationArn": topic}]
        )
        return "the business account publishes to the stack's topic"

    return would("make the business account publish to the stack's topic; receipts name our messages only there", act)


def _template(clients: Clients, account: str, template: Template) -> Finding:
    if not account:
        raise ConsoleError(
            ProblemKind.BAD_INPUT, "this stack has no WhatsApp", "set whatsapp.business_account_id and deploy it"
        )
    found = _listed(clients, account).get((template.name, template.language))
    if found is None:
        return would(f"create it from {template.source}; Meta reviews it", partial(_create, clients, account, template))
    status = safe_line(found.get("templateStatus"), 20)
    if _differs(clients, account, template, found):
        return by_hand(
            f"what is there differs from {template.source} (status {status})",
            "give the new text a name of its own, or change it in AWS's console: it is reviewed again",
        )
    if status in _REVIEWED:
        return there(f"approved, {safe_line(found.get('templateCategory'), 20).lower()}")
    if status in _IN_REVIEW:
        return Finding(Word.WAITING, f"Meta reviews it (status {status}), which takes up to a day")
    return by_hand(f"it cannot be sent: status {status}", "Meta says why in WhatsApp Manager, Message templates")


def _create(clients: Clients, account: str, template: Template) -> str:
    answer = clients.client("socialmessaging").create_whatsapp_message_template(
        id=account, templateDefinition=template.data
    )
    return f"created, status {safe_line(answer.get('templateStatus'), 20)}"


def _listed(clients: Clients, account: str) -> dict[tuple[str, str], Mapping[str, Any]]:
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    request: dict[str, Any] = {"id": account, "maxResults": 100}
    while True:
        answer = clients.client("socialmessaging").list_whatsapp_message_templates(**request)
        for each in answer.get("templates") or []:
            found[str(each.get("templateName")), str(each.get("templateLanguage"))] = each
        if not answer.get("nextToken"):
            return found
        request["nextToken"] = answer["nextToken"]


def _differs(clients: Clients, account: str, template: Template, found: Mapping[str, Any]) -> bool:
    """Whether something we say is not so there; what Meta adds on its own is no difference."""
    answer = clients.client("socialmessaging").get_whatsapp_message_template(
        id=account, metaTemplateId=str(found["metaTemplateId"])
    )
    try:
        current = json.loads(answer["template"])
    except (KeyError, ValueError) as error:
        raise ConsoleError(ProblemKind.BAD_ANSWER, f"AWS's answer about {template.name} is no template") from error
    return not _within({name: template.definition[name] for name in ("category", "components")}, current)


def _within(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, dict):
        return isinstance(theirs, dict) and all(
            name in theirs and _within(each, theirs[name]) for name, each in ours.items() if name != "example"
        )
    if isinstance(ours, list):
        return (
            isinstance(theirs, list)
            and len(ours) == len(theirs)
            and all(_within(each, their) for each, their in zip(ours, theirs, strict=True))
        )
    return bool(ours == theirs)
