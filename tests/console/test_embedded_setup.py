"""Setting up a stack: what it would do, doing it, doing it again, and an account that somebody left half done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from console.exit_codes import ExitCode
from console.services.embedded import Ready
from tests.cloud.campaign_client import StackClient
from tests.console.processes import answer, command

NUMBER = "+12065550177"
TEMPLATE = {
    "name": "setup_greeting",
    "language": "en_US",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Hello {{1}}.", "example": {"body_text": [["Ada"]]}}],
}


@pytest.fixture
def setup_file(tmp_path: Path) -> Path:
    (tmp_path / "greeting.json").write_text(json.dumps(TEMPLATE))
    path = tmp_path / "setup.json"
    sms = {"allowed_countries": ["US", "DE"], "monthly_limit_usd": 1, "test_numbers": [NUMBER]}
    path.write_text(json.dumps({"sms": sms, "whatsapp": {"templates": "greeting.json"}}))
    return path


@pytest.fixture
def account(stack: StackClient) -> Iterator[Any]:
    """The account as a person has left it: WhatsApp's events go nowhere, nothing is protected."""
    sms, chats = stack.client("pinpoint-sms-voice-v2"), stack.client("socialmessaging")
    waba = stack.outputs.messaging.whatsapp_business_account_id
    chats.put_whatsapp_business_account_event_destinations(id=waba, eventDestinations=[])
    yield sms
    name = stack.outputs.messaging.sms_configuration_set
    topic = stack.outputs.messaging.whatsapp_receipts_topic_arn
    chats.put_whatsapp_business_account_event_destinations(id=waba, eventDestinations=[{"eventDestinationArn": topic}])
    known = {each["templateName"] for each in chats.list_whatsapp_message_templates(id=waba)["templates"]}
    if TEMPLATE["name"] in known:
        chats.delete_whatsapp_message_template(id=waba, templateName=TEMPLATE["name"])
    for each in sms.describe_verified_destination_numbers()["VerifiedDestinationNumbers"]:
        sms.delete_verified_destination_number(VerifiedDestinationNumberId=each["VerifiedDestinationNumberId"])
    for each in sms.describe_protect_configurations()["ProtectConfigurations"]:
        id_ = each["ProtectConfigurationId"]
        (found,) = sms.describe_configuration_sets(ConfigurationSetNames=[name])["ConfigurationSets"]
        if found.get("ProtectConfigurationId") == id_:
            sms.disassociate_protect_configuration(ProtectConfigurationId=id_, ConfigurationSetName=name)
        sms.delete_protect_configuration(ProtectConfigurationId=id_)


def words(document: dict[str, Any]) -> dict[str, str]:
    """The steps' words by name."""
    return {step["name"]: step["word"] for step in document["steps"]}


def test_a_setup_says_what_it_would_do_does_it_once_and_then_finds_it_there(
    cloud: Ready, stack: StackClient, account: Any, setup_file: Path
) -> None:
    setup = ("setup", "--file", str(setup_file), "--endpoint-url", cloud.endpoint_url)
    open_steps = {
        "protect configuration",
        "allowed countries",
        "protect applies",
        "SMS spend limit",
        "test number +1******0177",
        "WhatsApp events",
        "template setup_greeting en_US",
    }
    looked = words(answer(*setup))
    assert {name for name, word in looked.items() if word == "would do"} == open_steps - {"SMS spend limit"}
    assert looked["SMS spend limit"] == "is there"
    assert looked["SMS account tier"] == "is there"
    assert account.describe_protect_configurations()["ProtectConfigurations"] == []

    done = command(*setup, "--apply")
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    assert done.stderr.count("will do: ") == len(open_steps) - 1
    assert NUMBER not in done.stdout + done.stderr
    again = answer(*setup, "--apply")
    assert {name: word for name, word in words(again).items() if word != "is there"} == {
        "test number +1******0177": "by hand"
    }

    name = stack.outputs.messaging.sms_configuration_set
    texts = {"MessageBody": "hello", "ConfigurationSetName": name}
    account.send_text_message(DestinationPhoneNumber="+491701234567", **texts)
    with pytest.raises(botocore.exceptions.ClientError, match="blocks JP"):
        account.send_text_message(DestinationPhoneNumber="+819012345678", **texts)


def test_a_number_is_verified_by_its_code(cloud: Ready, account: Any, setup_file: Path) -> None:
    where = ("--endpoint-url", cloud.endpoint_url)
    unknown = command("setup", "--verify", "+12065550178", "--code", "123456", *where)
    assert (unknown.returncode, unknown.stdout) == (ExitCode.CANNOT, "")
    assert "sms.test_numbers" in unknown.stderr
    answer("setup", "--file", str(setup_file), "--apply", *where)
    assert "a code was sent" in command("setup", "--verify", NUMBER, *where).stdout
    wrong = command("setup", "--verify", NUMBER, "--code", "999999", *where)
    assert wrong.returncode == ExitCode.CANNOT
    assert "not the one that was sent" in wrong.stderr
    assert "is verified" in command("setup", "--verify", NUMBER, "--code", "123456", *where).stdout
    assert "verified already" in command("setup", "--verify", NUMBER, "--code", "123456", *where).stdout
    assert words(answer("setup", "--file", str(setup_file), *where))["test number +1******0177"] == "is there"


def test_a_setup_that_was_interrupted_goes_on_with_what_it_left(
    cloud: Ready, stack: StackClient, account: Any, setup_file: Path
) -> None:
    identity = stack.outputs.identity
    tags = [{"Key": "Project", "Value": identity.project}, {"Key": "Stack", "Value": identity.stack}]
    left = account.create_protect_configuration(Tags=tags)["ProtectConfigurationId"]
    account.create_protect_configuration(Tags=[{"Key": "Project", "Value": "another"}])
    setup = ("setup", "--file", str(setup_file), "--endpoint-url", cloud.endpoint_url)
    looked = words(answer(*setup))
    assert [looked[name] for name in ("protect configuration", "allowed countries", "protect applies")] == [
        "is there",
        "would do",
        "would do",
    ]
    answer(*setup, "--apply")
    assert len(account.describe_protect_configurations()["ProtectConfigurations"]) == 2
    name = stack.outputs.messaging.sms_configuration_set
    (found,) = account.describe_configuration_sets(ConfigurationSetNames=[name])["ConfigurationSets"]
    assert found["ProtectConfigurationId"] == left


def test_what_belongs_to_others_or_was_approved_otherwise_is_left_to_people(
    cloud: Ready, stack: StackClient, account: Any, tmp_path: Path
) -> None:
    chats, waba = stack.client("socialmessaging"), stack.outputs.messaging.whatsapp_business_account_id
    other = "arn:aws:sns:us-east-1:123456789012:somebody-elses"
    chats.put_whatsapp_business_account_event_destinations(id=waba, eventDestinations=[{"eventDestinationArn": other}])
    changed = {**TEMPLATE, "name": "order_ready", "components": [{"type": "BODY", "text": "Something else."}]}
    (tmp_path / "t.json").write_text(json.dumps(changed))
    (tmp_path / "setup.toml").write_text('[sms]\nmonthly_limit_usd = 500\n[whatsapp]\ntemplates = "t.json"\n')
    setup = ("setup", "--file", str(tmp_path / "setup.toml"), "--endpoint-url", cloud.endpoint_url)
    steps = {step["name"]: step for step in answer(*setup, "--apply")["steps"]}
    for name, detail in (
        ("WhatsApp events", "somebody-elses"),
        ("template order_ready en_US", "differs from"),
        ("SMS spend limit", "at most $1"),
    ):
        assert steps[name]["word"] == "by hand"
        assert detail in steps[name]["detail"]
        assert steps[name]["remedy"]
    account_view = chats.get_linked_whatsapp_business_account(id=waba)["account"]
    assert account_view["eventDestinations"] == [{"eventDestinationArn": other}]

    doctor = command("doctor", "--endpoint-url", cloud.endpoint_url)
    assert doctor.returncode == ExitCode.FAILED
    assert "cpaas-console setup --apply" in doctor.stdout
