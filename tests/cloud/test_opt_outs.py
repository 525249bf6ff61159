"""Opt-outs on the embedded stack: what people say to us, what operators record, lift and erase."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lambdas.adapters.opt_out_register import OptOutRegister, VersionChanged
from lambdas.adapters.opt_outs import OptOuts
from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.opt_out_words import OptOutWord
from tests.cloud.campaign_client import StackClient
from tests.cloud.conftest import WaitUntil

NOW_MS = 1_900_000_000_000


@pytest.fixture
def number() -> str:
    """A number of the test's own."""
    return f"+1312{2 * 10**6 + uuid.uuid4().int % (8 * 10**6)}"


@pytest.fixture
def register(stack: StackClient) -> OptOutRegister:
    """The register of SMS."""
    return OptOutRegister(stack.campaigns, Channel.SMS)


def path(number: str, channel: str = "sms") -> str:
    """The opt-out's URL, the number with or without an encoded plus."""
    return f"/api/opt-outs/{channel}/{number}"


def put(stack: StackClient, *bodies: dict[str, Any]) -> None:
    """Put events into the receipts queue as a topic does."""
    url = stack.outputs.messaging.receipts_queue_url
    for body in bodies:
        stack.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body))


def inbound_sms(number: str, text: str) -> dict[str, Any]:
    return {"originationNumber": number, "destinationNumber": "+12125550101", "messageKeyword": "x",
            "messageBody": text, "inboundMessageId": str(uuid.uuid4())}  # fmt: skip


def inbound_whatsapp(number: str, text: str, at_s: int) -> dict[str, Any]:
    message = {"from": number[1:], "id": "wamid.x", "timestamp": str(at_s), "type": "text", "text": {"body": text}}
    entry = {"id": "1", "changes": [{"field": "messages", "value": {"messages": [message]}}]}
    return {"whatsAppWebhookEntry": json.dumps(entry), "messageId": str(uuid.uuid4())}


def test_stop_and_start_by_sms(stack: StackClient, number: str, wait_until: WaitUntil) -> None:
    opt_outs = OptOuts(stack.campaigns, Channel.SMS)
    put(stack, inbound_sms(number, "Please don't stop"), inbound_sms(number, "S.T.O.P."))
    wait_until(lambda: opt_outs.opted_out({number}), what="STOP is heard")
    put(stack, inbound_sms(number, "start"))
    wait_until(lambda: not opt_outs.opted_out({number}), what="START is heard")


def test_a_stop_on_whatsapp_is_that_channel_s_and_no_older_start_lifts_it(
    stack: StackClient, number: str, wait_until: WaitUntil
) -> None:
    now_s = int(time.time())
    put(stack, inbound_whatsapp(number, "Baja", now_s))
    opt_outs = OptOuts(stack.campaigns, Channel.WHATSAPP)
    wait_until(lambda: opt_outs.opted_out({number}), what="STOP is heard")
    assert not OptOuts(stack.campaigns, Channel.SMS).opted_out({number})
    register = OptOutRegister(stack.campaigns, Channel.WHATSAPP)
    version = register.state(number).version
    put(stack, inbound_whatsapp(number, "START", now_s - 60))
    wait_until(lambda: register.state(number).version > version, what="the late START is on record")
    assert opt_outs.opted_out({number})
    status, refused = stack.call("POST", "/api/messages", {
        "customer_id": "1", "channel": "whatsapp", "phone": number, "body": "hi",
    })  # fmt: skip
    assert status == 202
    shown = wait_until(
        lambda: (found := stack.call("GET", refused["url"])[1])["status"] == "failed" and found, what="it is refused"
    )
    assert shown["error_code"] == "OPTED_OUT"


def test_the_api_records_shows_and_lifts(stack: StackClient, number: str) -> None:
    status, shown = stack.call("GET", path(number.replace("+", "%2B")))
    assert (status, shown["opted_out"], shown["version"], shown["address"]) == (200, False, 0, number)
    status, recorded = stack.call("PUT", path(number))
    assert (status, recorded["opted_out"], list(recorded["sources"])) == (200, True, ["api"])
    status, stale = stack.call("DELETE", f"{path(number)}?expected_version=0")
    assert (status, stale["error"]["code"]) == (409, "version_changed")
    status, lifted = stack.call("DELETE", f"{path(number)}?expected_version={recorded['version']}")
    assert (status, lifted["opted_out"]) == (200, False)
    status, again = stack.call("DELETE", f"{path(number)}?expected_version={lifted['version']}")
    assert (status, again["error"]["code"]) == (404, "not_opted_out")


def test_the_provider_s_own_list_cannot_be_lifted_here(stack: StackClient, number: str) -> None:
    OptOuts(stack.campaigns, Channel.SMS).remember(number)
    version = stack.call("GET", path(number))[1]["version"]
    status, refused = stack.call("DELETE", f"{path(number)}?expected_version={version}")
    assert (status, refused["error"]["code"]) == (409, "on_providers_list")
    assert "delete-opted-out-number" in refused["error"]["message"]
    url = f"{path(number)}?expected_version={version}&provider_list_lifted=true"
    assert stack.call("DELETE", url)[0] == 200
    assert not OptOuts(stack.campaigns, Channel.SMS).opted_out({number})


@pytest.mark.parametrize(
    ("method", "wrong", "status"),
    [
        ("GET", path("+14255550123", "fax"), 404),
        ("GET", path("12"), 400),
        ("PUT", path("nobody", "email"), 400),
        ("PUT", path("+14254147755"), 400),
        ("DELETE", path("+14255550123"), 400),
        ("DELETE", f"{path('+14255550123')}?expected_version=x", 400),
        ("DELETE", "/api/recipients/nobody", 400),
    ],
)
def test_what_cannot_be_asked_for(stack: StackClient, method: str, wrong: str, status: int) -> None:
    found, answer = stack.call(method, wrong)
    assert (found, bool(answer["error"]["message"])) == (status, True)


def test_erasure_forgets_who_may_be_written_to_and_keeps_opt_outs_that_hold(
    stack: StackClient, register: OptOutRegister, number: str
) -> None:
    register.said(number, OptOutWord.STOP, NOW_MS)
    register.said(number, OptOutWord.START, NOW_MS + 1_000)
    OptOutRegister(stack.campaigns, Channel.WHATSAPP).record(number, NOW_MS)
    status, answer = stack.call("DELETE", f"/api/recipients/{number}")
    assert (status, answer) == (200, {"forgotten": ["sms"], "opt_outs_kept": ["whatsapp"]})
    assert register.state(number).version == 0
    items = stack.campaigns.query("#pk = :pk", {"pk": keys.recipient(number)})
    assert [item["sk"] for item in items] == [keys.recipient_state(Channel.WHATSAPP)]


def test_lifting_does_not_undo_a_stop_that_came_after_what_was_read(register: OptOutRegister, number: str) -> None:
    read = register.record(number, NOW_MS)
    register.said(number, OptOutWord.STOP, NOW_MS + 5_000)
    with pytest.raises(VersionChanged):
        register.lift(number, read.version, NOW_MS + 9_000)
    assert set(register.state(number).standing) == {"api", "stop"}


def test_words_and_refusals_of_many_writers_are_all_kept(
    stack: StackClient, register: OptOutRegister, number: str
) -> None:
    opt_outs = OptOuts(stack.campaigns, Channel.SMS)

    def write(turn: int) -> None:
        if turn % 3 == 0:
            opt_outs.remember(number, "bounce")
        else:
            register.said(number, OptOutWord.STOP if turn % 3 == 1 else OptOutWord.START, NOW_MS + turn * 1_000)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(12)))
    state = register.state(number)
    assert set(state.asked) == {"stop", "bounce"}
    assert state.standing.keys() == {"bounce"}, "the last word was START"
