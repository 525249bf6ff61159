"""Uploaded audiences on the embedded cloud: the form, the plan of a dry run, a campaign, its report."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.core.audience_lines import MAX_UPLOAD_BYTES
from lambdas.core.simulator import SUCCESS_BY_COUNTRY
from tests.cloud.campaign_client import StackClient

US = SUCCESS_BY_COUNTRY["US"]
HEADER = "customer_id,selected_channel,phone,email,name\n"
ROWS = f"""{HEADER}c-1,sms,{US},,Ada
c-2,sms,12,,Ada
c-3,email,,success+3@simulator.amazonses.com,Ada
c-4,sms,+12065550104,,Ada
=c-5,sms,+12065550104,,Ada
c-6,sms,{US},,
c-7,sms
""".encode()
BODY = {"throughput_tps": 20, "body": "Hello {{ name }}", "content": {"email": {"subject": "For {{ name }}"}}}


def send(stack: StackClient, audience_id: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    body = {**BODY, "audience_id": audience_id, **fields}
    return stack.call("POST", "/api/send-campaign", body, headers={"Idempotency-Key": uuid.uuid4().hex})


def test_a_form_takes_one_file_of_the_right_size_and_nothing_else(stack: StackClient) -> None:
    status, audience = stack.call("POST", "/api/audiences", {"format": "csv"})
    assert status == 201
    path = audience["url"]
    assert stack.call("GET", path)[1]["uploaded"] is False
    assert send(stack, audience["audience_id"])[1]["error"]["code"] == "not_uploaded"
    form = audience["upload"]
    assert form["max_bytes"] == MAX_UPLOAD_BYTES
    assert stack.post_form(form, b"")[0] == 400
    for field, value in (("key", "parts/somebody/index.json"), ("Content-Type", "text/html")):
        other = {**form, "fields": {**form["fields"], field: value}}
        assert stack.post_form(other, ROWS)[0] == 403
    assert stack.post_form(form, ROWS)[0] == 204
    shown = stack.call("GET", path)[1]
    assert (shown["uploaded"], shown["bytes"], shown["format"]) == (True, len(ROWS), "csv")


@pytest.mark.parametrize("body", [None, {}, {"format": "xlsx"}, {"format": "csv", "more": 1}, []])
def test_a_form_is_asked_for_by_its_format(stack: StackClient, body: object) -> None:
    status, answer = stack.call("POST", "/api/audiences", body)
    assert status == 400, answer


def test_who_names_no_audience_is_told(stack: StackClient) -> None:
    assert stack.call("GET", "/api/audiences/a-unknown")[0] == 404
    assert send(stack, "a-" + "0" * 20)[0] == 404
    assert send(stack, "nothing")[1]["error"]["code"] == "invalid_request"
    assert stack.call("GET", "/api/plans/p-unknown")[0] == 404
    assert stack.call("GET", "/api/campaigns/unknown/report")[0] == 404


def ready(stack: StackClient, wait_until: Callable[..., Any], url: str) -> dict[str, Any]:
    def plan() -> dict[str, Any] | None:
        shown = stack.call("GET", url)[1]
        return shown if shown["status"] != "planning" else None

    found: dict[str, Any] = wait_until(plan, timeout=60, what=f"{url} is planned")
    return found


def test_a_dry_run_is_the_plan_that_the_campaign_gets(stack: StackClient, wait_until: Callable[..., Any]) -> None:
    audience_id = stack.upload(ROWS)
    status, asked = send(stack, audience_id, dry_run=True)
    assert (status, asked["status"]) == (202, "planning")
    plan = ready(stack, wait_until, asked["url"])
    assert (plan["status"], plan["planned_rows"]) == ("ready", 7)
    assert plan["plan"]["recipients"] == 3
    assert plan["plan"]["excluded_by_reason"] == {
        "duplicate": 1,
        "invalid_number": 1,
        "invalid_row": 1,
        "missing_variable": 1,
    }
    assert plan["plan"]["by_channel"].keys() == {"sms", "email"}
    assert plan["plan"]["forecast"]["limited_by"] in ("throughput_tps", "sms_rate", "email_rate")
    code, text = stack.get_link(plan["report"]["url"])
    assert code == 200
    found = list(csv.reader(io.StringIO(text)))
    assert found[1][3] == "it is no number in international form (+, country code, number)"
    assert [row[:3] for row in found] == [
        ["line", "customer_id", "reason"],
        ["3", "c-2", "invalid_number"],
        ["6", "'=c-5", "duplicate"],
        ["7", "c-6", "missing_variable"],
        ["8", "", "invalid_row"],
    ]
    status, campaign = send(stack, audience_id)
    assert status == 202, campaign
    campaign_id = campaign["campaign_id"]
    wait_until(lambda: stack.show(campaign_id)["results"]["total_sent"] == 3, timeout=60, what="all messages are sent")
    shown = stack.show(campaign_id)
    assert (
        shown["plan"]["plan"].items()
        >= {name: value for name, value in plan["plan"].items() if name != "forecast"}.items()
    )
    assert (shown["recipients"], shown["excluded"]) == (3, 4)
    status, link = stack.call("GET", f"/api/campaigns/{campaign_id}/report")
    assert status == 200
    assert stack.get_link(link["url"]) == (200, text)


def test_a_file_that_cannot_be_planned_is_refused_in_one_sentence(
    stack: StackClient, wait_until: Callable[..., Any]
) -> None:
    audience_id = stack.upload(b"customer_id,selected_channel,phone\nc-1,sms,+12065550100\n")
    sentence = "the campaign's sms text uses {{ name }}, and the file has no such column"
    plan = ready(stack, wait_until, send(stack, audience_id, dry_run=True)[1]["url"])
    assert plan["status"] == "failed"
    assert plan["problem"].startswith(sentence)
    campaign_id = send(stack, audience_id)[1]["campaign_id"]
    wait_until(lambda: stack.show(campaign_id)["status"] == "stopped", timeout=60, what="the campaign is stopped")
    shown = stack.show(campaign_id)
    assert shown["stop_reason"] == "plan_failed"
    assert shown["plan"]["problem"].startswith(sentence)
    assert stack.call("GET", f"/api/campaigns/{campaign_id}/report")[1]["error"]["code"] == "not_planned"
