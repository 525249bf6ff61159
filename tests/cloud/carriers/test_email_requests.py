"""Mails as they are asked for, as an unmodified boto3 client does: templates, raw mails, what is refused, who may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambdas.core.simulator import MAILBOXES
from localcloud.launch import ControlClient, LocalCloud
from localcloud.profile import CarrierProfile
from tests.cloud import receipt_queues
from tests.cloud.carriers.mails import ORDINARY, SENDER, SES_ARN, kept_mail, mail, send_mail
from tests.cloud.carriers.refusals import code_and_status

QUICK = CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 5))


@pytest.fixture
def template(ses: Any, unique: str) -> Iterator[str]:
    """Name of a template with one variable in subject and text."""
    content = {"Subject": "Order {{order}}", "Text": "Hello {{ name }}, order {{order}} is ready."}
    ses.create_email_template(TemplateName=unique, TemplateContent=content)
    yield unique
    ses.delete_email_template(TemplateName=unique)


def test_a_template_is_rendered_with_its_data(
    bare_cloud: LocalCloud, ses: Any, template: str, carrier_control: ControlClient
) -> None:
    data = json.dumps({"name": "Ada", "order": 17})
    sent = send_mail(ses, ORDINARY, Content={"Template": {"TemplateName": template, "TemplateData": data}})
    (kept,) = kept_mail(bare_cloud, sent)
    assert (kept["Subject"], kept["BodyText"]) == ("Order 17", "Hello Ada, order 17 is ready.")
    inline = {"Subject": "{{name}}", "Html": "<b>{{name}}</b>"}
    sent = send_mail(ses, ORDINARY, Content={"Template": {"TemplateContent": inline, "TemplateData": data}})
    (kept,) = kept_mail(bare_cloud, sent)
    assert (kept["Subject"], kept["BodyHtml"]) == ("Ada", "<b>Ada</b>")


def test_a_missing_variable_is_accepted_and_fails_to_render(
    bare_cloud: LocalCloud,
    ses: Any,
    template: str,
    ses_configuration_set: str,
    ses_events: str,
    carrier_control: ControlClient,
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    data = json.dumps({"order": 17})
    content = {"Template": {"TemplateName": template, "TemplateData": data}}
    sent = send_mail(ses, MAILBOXES["success"], Content=content, ConfigurationSetName=ses_configuration_set)
    (record,) = receipt_queues.gather(drain, wait_until, ses_events, 1)
    assert (record["eventType"], record["mail"]["messageId"]) == ("Rendering Failure", sent)
    assert record["failure"] == {
        "errorMessage": "Attribute 'name' is not present in the rendering data.",
        "templateName": template,
    }
    assert kept_mail(bare_cloud, sent) == []


def test_a_raw_mail_names_its_own_recipients(bare_cloud: LocalCloud, ses: Any, carrier_control: ControlClient) -> None:
    raw = f"From: {SENDER}\r\nTo: {ORDINARY}\r\nSubject: Hi\r\n\r\nHello\r\n".encode()
    sent = str(ses.send_email(Content={"Raw": {"Data": raw}})["MessageId"])
    (call,) = carrier_control.carrier_calls()
    assert (call.message_id, call.destination) == (sent, ORDINARY)
    (kept,) = kept_mail(bare_cloud, sent)
    assert kept["Subject"] == "Hi"


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"FromEmailAddress": "stranger@example.net"}, "MessageRejected", 400),
        ({"ConfigurationSetName": "nobody-made-it"}, "NotFoundException", 404),
        ({"Content": {"Template": {"TemplateName": "nobody-made-it"}}}, "NotFoundException", 404),
        ({"Content": {"Template": {"TemplateContent": {"Subject": "{{#if a}}"}}}}, "BadRequestException", 400),
        ({"Content": {}}, "BadRequestException", 400),
        ({"Destination": {}}, "BadRequestException", 400),
        ({"Destination": {"ToAddresses": [ORDINARY] * 51}}, "BadRequestException", 400),
        ({"FromEmailAddress": ""}, "BadRequestException", 400),
        ({"EmailTags": [{"Name": "id", "Value": "a b"}]}, "BadRequestException", 400),
    ],
)
def test_what_ses_refuses_is_refused(
    change: dict[str, Any], code: str, status: int, ses: Any, carrier_control: ControlClient
) -> None:
    assert code_and_status(lambda: send_mail(ses, ORDINARY, **change)) == (code, status)


def test_a_set_whose_sending_is_paused_sends_nothing(
    ses: Any, ses_configuration_set: str, carrier_control: ControlClient
) -> None:
    ses.put_configuration_set_sending_options(ConfigurationSetName=ses_configuration_set, SendingEnabled=False)
    with pytest.raises(ses.exceptions.SendingPausedException):
        send_mail(ses, ORDINARY, ConfigurationSetName=ses_configuration_set)


@pytest.mark.parametrize(
    "granted",
    [
        [],
        ["identity"],
        ["configuration-set"],
        ["identity", "configuration-set"],
        ["identity", "configuration-set", "template"],
    ],
)
def test_a_role_needs_the_identity_the_set_and_the_template(
    granted: list[str],
    bare_cloud: LocalCloud,
    ses: Any,
    ses_configuration_set: str,
    template: str,
    carrier_control: ControlClient,
    deploy_function: Any,
) -> None:
    source = """
import boto3, botocore.exceptions
def handler(event, context):
    try:
        return boto3.client("sesv2").send_email(**event)["MessageId"]
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"] + " " + error.response["Error"]["Message"]
"""
    arns = {
        "identity": "identity/shop.example.com",
        "configuration-set": f"configuration-set/{ses_configuration_set}",
        "template": f"template/{template}",
    }
    statements = [
        {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": f"{SES_ARN}:{arns[kind]}"} for kind in granted
    ]
    name = deploy_function(source, statements=statements)
    content = {"Template": {"TemplateName": template, "TemplateData": json.dumps({"name": "Ada"})}}
    call = mail(ORDINARY, ConfigurationSetName=ses_configuration_set, Content=content)
    payload = bare_cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(call))["Payload"]
    answer = str(json.load(payload))
    calls = carrier_control.carrier_calls()
    if len(granted) == len(arns):
        assert [call.message_id for call in calls] == [answer]
    else:
        missing = next(arn for kind, arn in arns.items() if kind not in granted)
        assert answer.startswith("AccessDeniedException")
        assert f"ses:SendEmail on resource: {SES_ARN}:{missing}" in answer
        assert calls == []
