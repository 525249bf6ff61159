"""The linked WhatsApp account with its number and templates, and calls that it or IAM refuses."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest

from localcloud.carrier_whatsapp_account import BUSINESS_ACCOUNT_ID, PHONE_NUMBER_ID
from localcloud.launch import ControlClient, LocalCloud
from tests.cloud.carriers.chats import TEMPLATE, WORKS, arguments, send_chat, templated, text
from tests.cloud.carriers.refusals import code_and_status


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"metaApiVersion": "20"}, "ValidationException"),
        ({"originationPhoneNumberId": "not-an-id"}, "ValidationException"),
        ({"message": b"x" * 2_048_001}, "ValidationException"),
        ({"originationPhoneNumberId": f"phone-number-id-{0:032x}"}, "ResourceNotFoundException"),
        ({"message": b"{"}, "InvalidParametersException"),
        ({"message": b"[]"}, "InvalidParametersException"),
        ({"message": json.dumps({**text(), "messaging_product": "sms"})}, "InvalidParametersException"),
        ({"message": json.dumps({**text(), "to": "nobody"})}, "InvalidParametersException"),
        ({"message": json.dumps({**text(), "type": "telegram"})}, "InvalidParametersException"),
        ({"message": json.dumps({**text(), "type": "image"})}, "InvalidParametersException"),
        ({"message": json.dumps(text(body="x" * 4097))}, "InvalidParametersException"),
        ({"message": json.dumps({**text(), "biz_opaque_callback_data": "x" * 513})}, "InvalidParametersException"),
        ({"message": json.dumps(templated(""))}, "InvalidParametersException"),
        (
            {"message": json.dumps({**templated("x"), "template": {"name": "x", "language": "en_US"}})},
            "InvalidParametersException",
        ),
    ],
)
def test_what_is_wrong_is_refused(change: dict[str, Any], code: str, chat: Any, carrier_control: ControlClient) -> None:
    status = 404 if code == "ResourceNotFoundException" else 400
    assert code_and_status(lambda: chat.send_whatsapp_message(**{**arguments(text()), **change})) == (code, status)


def test_a_number_is_named_by_id_or_arn(chat: Any, carrier_control: ControlClient) -> None:
    found = chat.get_linked_whatsapp_business_account_phone_number(id=PHONE_NUMBER_ID)
    arn = found["phoneNumber"]["arn"]
    hexadecimal = PHONE_NUMBER_ID.removeprefix("phone-number-id-")
    assert arn == f"arn:aws:social-messaging:us-east-1:123456789012:phone-number-id/{hexadecimal}"
    assert found["linkedWhatsAppBusinessAccountId"] == BUSINESS_ACCOUNT_ID
    sent = send_chat(chat, {**text(), "biz_opaque_callback_data": "local/m-2"}, originationPhoneNumberId=arn)
    (call,) = carrier_control.carrier_calls()
    assert (call.message_id, call.destination, call.parts) == (sent, WORKS, 1)
    assert call.context == {
        "biz_opaque_callback_data": "local/m-2",
        "stack": "local",
        "message_id": "m-2",
    }


def test_the_account_is_linked_from_the_start(chat: Any) -> None:
    (account,) = chat.list_linked_whatsapp_business_accounts()["linkedAccounts"]
    assert (account["id"], account["registrationStatus"], account["eventDestinations"]) == (
        BUSINESS_ACCOUNT_ID,
        "COMPLETE",
        [],
    )
    chat.tag_resource(resourceArn=account["arn"], tags=[{"key": "team", "value": "x"}, {"key": "gone", "value": "y"}])
    chat.untag_resource(resourceArn=account["arn"], tagKeys=["gone"])
    assert chat.list_tags_for_resource(resourceArn=account["arn"])["tags"] == [{"key": "team", "value": "x"}]
    missing = functools.partial(chat.get_linked_whatsapp_business_account, id=f"waba-{0:032x}")
    assert code_and_status(missing) == ("ResourceNotFoundException", 404)


def test_templates_can_be_made_listed_read_and_deleted(chat: Any, greeting: str) -> None:
    waba = BUSINESS_ACCOUNT_ID
    german = {**TEMPLATE, "name": greeting, "language": "de"}
    made = chat.create_whatsapp_message_template(id=waba, templateDefinition=json.dumps(german))
    assert (made["templateStatus"], made["category"]) == ("APPROVED", "UTILITY")
    again = functools.partial(chat.create_whatsapp_message_template, id=waba, templateDefinition=json.dumps(german))
    assert code_and_status(again) == ("InvalidParametersException", 400)
    first = chat.list_whatsapp_message_templates(id=waba, maxResults=1)
    rest = chat.list_whatsapp_message_templates(id=waba, nextToken=first["nextToken"])
    summaries = [*first["templates"], *rest["templates"]]
    assert {(each["templateLanguage"], each["templateStatus"]) for each in summaries} == {
        ("en_US", "APPROVED"),
        ("de", "APPROVED"),
    }
    by_id = json.loads(chat.get_whatsapp_message_template(id=waba, metaTemplateId=made["metaTemplateId"])["template"])
    by_name = chat.get_whatsapp_message_template(id=waba, templateName=greeting, templateLanguageCode="de")
    assert by_id == json.loads(by_name["template"])
    assert by_id["components"] == german["components"]
    chat.delete_whatsapp_message_template(id=waba, templateName=greeting, metaTemplateId=made["metaTemplateId"])
    (left,) = chat.list_whatsapp_message_templates(id=waba)["templates"]
    assert left["templateLanguage"] == "en_US"
    gone = functools.partial(chat.get_whatsapp_message_template, id=waba, metaTemplateId=made["metaTemplateId"])
    assert code_and_status(gone) == ("ResourceNotFoundException", 404)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Has Spaces"},
        {"language": ""},
        {"category": "NEWS"},
        {"components": []},
        {"components": [{"type": "FOOTER", "text": "x"}]},
    ],
)
def test_a_template_meta_would_refuse_is_refused(change: dict[str, Any], chat: Any) -> None:
    definition = json.dumps({**TEMPLATE, **change})
    create = functools.partial(
        chat.create_whatsapp_message_template, id=BUSINESS_ACCOUNT_ID, templateDefinition=definition
    )
    assert code_and_status(create) == ("InvalidParametersException", 400)


def test_an_operation_that_is_not_simulated_says_so(chat: Any) -> None:
    with pytest.raises(chat.exceptions.ValidationException, match="does not simulate ListWhatsAppFlows"):
        chat.list_whatsapp_flows(id=BUSINESS_ACCOUNT_ID)


def test_a_role_may_send_from_the_numbers_it_is_granted(
    carrier_control: ControlClient, bare_cloud: LocalCloud, deploy_function: Any
) -> None:
    source = """
import boto3
def handler(event, context):
    chat = boto3.client("socialmessaging")
    try:
        return chat.send_whatsapp_message(**event)["messageId"]
    except chat.exceptions.AccessDeniedException as error:
        return error.response["Error"]["Message"]
"""
    prefix = "arn:aws:social-messaging:us-east-1:123456789012:phone-number-id"
    own = PHONE_NUMBER_ID.removeprefix("phone-number-id-")
    grant = {"Effect": "Allow", "Action": "social-messaging:SendWhatsAppMessage"}
    call = arguments(text())
    functions = bare_cloud.client("lambda")

    def answer(name: str) -> str:
        return str(json.load(functions.invoke(FunctionName=name, Payload=json.dumps(call))["Payload"]))

    refused = answer(deploy_function(source, statements=[{**grant, "Resource": f"{prefix}/{0:032x}"}]))
    assert "is not authorized to perform: social-messaging:SendWhatsAppMessage" in refused
    message_id = answer(deploy_function(source, statements=[{**grant, "Resource": f"{prefix}/{own}"}]))
    assert [call.message_id for call in carrier_control.carrier_calls()] == [message_id]
