"""Templates at providers on the embedded cloud: what is refused before anything is accepted, and what rows lack."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localcloud.launch import LocalCloud
from localcloud.profile import BUILT_IN
from tests.cloud.campaign_client import CONTENT, StackClient, destination, eligible_users, message_order

SES_TEXT = {"Subject": "Your table", "Text": "Dear {{ name }}, table {{ table }} is ready"}
CHAT = {
    "language": "en_US",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Table {{1}} is ready.", "example": {"body_text": [["5"]]}}],
}


@pytest.fixture(autouse=True)
def smooth_carrier(cloud: LocalCloud) -> None:
    cloud.control.set_carrier_profile(BUILT_IN["smooth"])


@pytest.fixture
def mail(stack: StackClient, unique: str) -> Iterator[str]:
    """A template in SES that needs `name` and `table`."""
    ses = stack.client("sesv2")
    ses.create_email_template(TemplateName=unique, TemplateContent=SES_TEXT)
    yield unique
    ses.delete_email_template(TemplateName=unique)


@pytest.fixture
def chat(stack: StackClient, unique: str) -> Iterator[str]:
    """An approved WhatsApp template of one parameter."""
    name, account = unique.replace("-", "_"), stack.outputs.messaging.whatsapp_business_account_id
    chats = stack.client("socialmessaging")
    chats.create_whatsapp_message_template(id=account, templateDefinition=json.dumps({**CHAT, "name": name}))
    yield name
    chats.delete_whatsapp_message_template(id=account, templateName=name)


def asked(stack: StackClient, users: list[dict[str, Any]], **fields: Any) -> tuple[int, dict[str, Any]]:
    body = {"eligible_users": users, "throughput_tps": 50, **fields}
    return stack.call("POST", "/api/send-campaign", body, headers={"Idempotency-Key": uuid.uuid4().hex})


def until_sent(stack: StackClient, wait_until: Callable[..., Any], answer: dict[str, Any]) -> None:
    """Wait until the provider has a message: without its template it would be called for it again and again."""
    url = answer["url"]
    wait_until(lambda: stack.call("GET", url)[1].get("provider_id"), timeout=60, what=f"{url} is sent")


def problems(answer: tuple[int, dict[str, Any]]) -> list[str]:
    status, body = answer
    assert (status, body["error"]["code"]) == (400, "invalid_request"), body
    return list(body["error"]["problems"])


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_campaign_by_templates_that_are_not_there_is_not_accepted(
    stack: StackClient, unique: str, dry_run: bool
) -> None:
    users = eligible_users(2, ("email", "whatsapp"))
    content = {"email": {"template": unique}, "whatsapp": {"template": {"name": "order_ready", "language": "de"}}}
    assert problems(asked(stack, users, content=content, dry_run=dry_run)) == [
        f"content.email.template: the SES template {unique} does not exist in this account and region: create it, or"
        " correct the name",
        "content.whatsapp.template: the WhatsApp template order_ready in de does not exist, it is there in en_US: name"
        " that as template.language",
    ]


def test_rows_that_lack_what_the_template_shows_are_left_out_as_the_plan_said(
    stack: StackClient, mail: str, wait_until: Callable[..., Any]
) -> None:
    users = eligible_users(3, ("email",), first=9_100)
    given: tuple[dict[str, str], ...] = ({"name": "Ada", "table": "5"}, {"name": "Bob"}, {})
    users = [{**user, "variables": variables} for user, variables in zip(users, given, strict=True)]
    content = {"email": {"template": mail}}
    status, plan = asked(stack, users, content=content, dry_run=True)
    assert (status, plan["recipients"]) == (200, 1)
    assert [(row["row"], row["reason"], row["detail"]) for row in plan["excluded"]] == [
        (1, "missing_variable", f"table (of the SES template {mail})"),
        (2, "missing_variable", f"name, table (of the SES template {mail})"),
    ]
    status, accepted = asked(stack, users, content=content)
    assert status == 202, accepted
    campaign_id = accepted["campaign_id"]
    wait_until(lambda: stack.show(campaign_id)["status"] == "completed", timeout=60, what="the campaign is through")
    shown = stack.show(campaign_id)
    assert (shown["recipients"], shown["excluded"]) == (1, 2)


def test_rows_of_an_upload_are_told_by_their_lines(
    stack: StackClient, mail: str, chat: str, unique: str, wait_until: Callable[..., Any]
) -> None:
    file = (
        "customer_id,channels,phone,email,template,name,table\n"
        "c-1,email,,template1@example.com,,Ada,5\n"
        "c-2,email,,template2@example.com,,Ada,\n"
        f"c-3,email,,template3@example.com,{unique}-gone,Ada,5\n"
        "c-4,whatsapp,+12065569104,,,,\n"
        f"c-5,whatsapp,+12065569105,,{chat},,\n"
    )
    content = {"email": {"template": mail}, "whatsapp": {"template": {"name": chat, "parameters": ["5"]}}}
    audience_id = stack.upload(file.encode())
    body = {"audience_id": audience_id, "throughput_tps": 50, "content": content, "dry_run": True}
    status, answer = stack.call("POST", "/api/send-campaign", body)
    assert status == 202, answer
    wait_until(lambda: stack.call("GET", answer["url"])[1]["status"] != "planning", timeout=60, what="it is planned")
    shown = stack.call("GET", answer["url"])[1]
    assert shown["status"] == "ready", shown
    assert shown["plan"]["recipients"] == 2
    assert [(row["row"], row["reason"], row["detail"]) for row in shown["plan"]["excluded"]] == [
        (3, "missing_variable", f"table (of the SES template {mail})"),
        (4, "invalid_template", f"the SES template {unique}-gone does not exist in this account and region: create it,"
         " or correct the name"),
        (6, "invalid_template", f"the WhatsApp template {chat} in en_US takes 1 of template.parameters, not 0: give one"
         " text for each place"),
    ]  # fmt: skip


def test_an_upload_that_no_row_of_which_can_fill_the_template_is_refused_with_a_sentence(
    stack: StackClient, mail: str, wait_until: Callable[..., Any]
) -> None:
    audience_id = stack.upload(b"customer_id,email,name\nc-1,template1@example.com,Ada\n")
    content = {"email": {"template": mail}}
    body = {"audience_id": audience_id, "default_channel": "email", "throughput_tps": 50, "content": content}
    status, answer = stack.call("POST", "/api/send-campaign", {**body, "dry_run": True})
    assert status == 202, answer
    wait_until(lambda: stack.call("GET", answer["url"])[1]["status"] == "failed", timeout=60, what="it has failed")
    problem = stack.call("GET", answer["url"])[1]["problem"]
    assert problem.startswith("the campaign's email text uses {{ table }}, and the file has no such column")


def test_a_template_that_meta_has_paused_is_not_sent_until_it_goes_on(
    cloud: LocalCloud, stack: StackClient, chat: str, wait_until: Callable[..., Any]
) -> None:
    account = stack.outputs.messaging.whatsapp_business_account_id
    template = {"name": chat, "parameters": ["5"]}
    users, content = eligible_users(1, ("whatsapp",)), {"whatsapp": {"template": template}}
    cloud.control.set_template_status(account, chat, "PAUSED")
    words = f"the WhatsApp template {chat} in en_US is PAUSED at Meta: wait until Meta lets it go on, or name another"
    assert problems(asked(stack, users, content=content)) == [f"content.whatsapp.template: {words}"]
    order = message_order("whatsapp", template=template)
    status, answer = stack.call("POST", "/api/messages", order)
    assert (status, answer["error"]["code"]) == (400, "invalid_template")
    assert answer["error"]["message"] == f"the message cannot be sent: {words}"
    cloud.control.set_template_status(account, chat, "APPROVED")
    assert asked(stack, users, content=content, dry_run=True)[0] == 200
    status, answer = stack.call("POST", "/api/messages", order)
    assert status == 202, answer
    until_sent(stack, wait_until, answer)


def test_a_message_is_refused_for_what_its_channels_lack(
    stack: StackClient, mail: str, wait_until: Callable[..., Any]
) -> None:
    both = {
        "customer_id": "1",
        "channels": ["email", "whatsapp"],
        **destination("email", 1),
        **destination("whatsapp", 1),
    }
    content = {"email": {"template": mail}, "whatsapp": {"template": {"name": "order_ready", "parameters": []}}}
    variables = {"name": "Ada", "table": "5"}
    status, answer = stack.call("POST", "/api/messages", {**both, "content": content})
    assert (status, answer["error"]["code"]) == (400, "missing_variable")
    assert answer["error"]["message"] == f"the message cannot be sent: name, table (of the SES template {mail})"
    status, answer = stack.call("POST", "/api/messages", {**both, "content": content, "variables": variables})
    assert (status, answer["error"]["code"]) == (400, "invalid_template")
    whole = {**content, "whatsapp": CONTENT["whatsapp"]}
    status, answer = stack.call("POST", "/api/messages", {**both, "content": whole, "variables": variables})
    assert status == 202, answer
    until_sent(stack, wait_until, answer)
