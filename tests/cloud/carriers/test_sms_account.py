"""What an account sends SMS with, as an unmodified boto3 client sees it: numbers, pools, keywords, lists, limits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localcloud.launch import ControlClient
from localcloud.profile import CarrierProfile
from tests.cloud.carriers.refusals import reason_of, response_of

DELIVERED = "+14254147755"
ORDINARY = "+12065550142"
QUICK = CarrierProfile(latency_ms=(0, 0), receipt_delay_ms=(1, 5))


def test_configuration_sets_can_be_made_changed_listed_and_deleted(sms: Any, unique: str) -> None:
    arn = "arn:aws:sns:us-east-1:123456789012:somewhere"
    sms.create_configuration_set(ConfigurationSetName=unique, Tags=[{"Key": "a", "Value": "b"}])
    assert reason_of(sms.create_configuration_set, ConfigurationSetName=unique) == "RESOURCE_ALREADY_EXISTS"
    made = sms.create_event_destination(
        ConfigurationSetName=unique,
        EventDestinationName="one",
        MatchingEventTypes=["TEXT_DELIVERED"],
        SnsDestination={"TopicArn": arn},
    )
    assert made["EventDestination"]["Enabled"] is True
    sms.update_event_destination(ConfigurationSetName=unique, EventDestinationName="one", Enabled=False)
    (found,) = sms.describe_configuration_sets(ConfigurationSetNames=[unique])["ConfigurationSets"]
    (destination,) = found["EventDestinations"]
    assert destination["Enabled"] is False
    assert destination["SnsDestination"] == {"TopicArn": arn}
    tags = sms.list_tags_for_resource(ResourceArn=found["ConfigurationSetArn"])["Tags"]
    assert tags == [{"Key": "a", "Value": "b"}]
    sms.delete_event_destination(ConfigurationSetName=unique, EventDestinationName="one")
    sms.delete_configuration_set(ConfigurationSetName=unique)
    gone = response_of(lambda: sms.describe_configuration_sets(ConfigurationSetNames=[unique]))
    assert (gone["Error"]["Code"], gone["ResourceType"], gone["ResourceId"]) == (
        "ResourceNotFoundException",
        "configuration-set",
        unique,
    )


def test_a_number_answers_to_its_own_opt_out_list(sms: Any, unique: str, carrier_control: ControlClient) -> None:
    sms.create_opt_out_list(OptOutListName=unique)
    number = sms.request_phone_number(
        IsoCountryCode="US",
        MessageType="TRANSACTIONAL",
        NumberCapabilities=["SMS"],
        NumberType="TOLL_FREE",
        OptOutListName=unique,
    )
    sms.put_opted_out_number(OptOutListName=unique, OptedOutNumber=ORDINARY)

    def send(identity: str) -> Any:
        return sms.send_text_message(DestinationPhoneNumber=ORDINARY, OriginationIdentity=identity, MessageBody="x")

    for identity in (number["PhoneNumber"], number["PhoneNumberId"], number["PhoneNumberArn"]):
        assert response_of(functools.partial(send, identity))["Reason"] == "DESTINATION_PHONE_NUMBER_OPTED_OUT"
    (described,) = sms.describe_phone_numbers(PhoneNumberIds=[number["PhoneNumberId"]])["PhoneNumbers"]
    assert (described["OptOutListName"], described["NumberType"], described["Status"]) == (
        unique,
        "TOLL_FREE",
        "ACTIVE",
    )
    in_use = response_of(lambda: sms.delete_opt_out_list(OptOutListName=unique))
    assert in_use["Reason"] == "RESOURCE_DELETION_NOT_ALLOWED"
    sms.release_phone_number(PhoneNumberId=number["PhoneNumberId"])
    sms.delete_opt_out_list(OptOutListName=unique)
    gone = response_of(lambda: sms.describe_opt_out_lists(OptOutListNames=[unique]))
    assert (gone["Error"]["Code"], gone["ResourceType"]) == ("ResourceNotFoundException", "opt-out-list")


@pytest.fixture
def pool(sms: Any, origination: str) -> Iterator[dict[str, Any]]:
    """A pool with one number."""
    made = sms.create_pool(OriginationIdentity=origination.lstrip("+"), MessageType="TRANSACTIONAL")
    yield made
    sms.delete_pool(PoolId=made["PoolId"])


def test_a_message_from_a_pool_goes_out_from_its_number_and_under_its_opt_out_list(
    sms: Any,
    origination: str,
    pool: dict[str, Any],
    unique: str,
    sms_receipts: str,
    carrier_control: ControlClient,
    drain: Callable[[str], list[dict[str, Any]]],
    wait_until: Any,
) -> None:
    carrier_control.set_carrier_profile(QUICK)
    sms.send_text_message(DestinationPhoneNumber=DELIVERED, OriginationIdentity=pool["PoolArn"], MessageBody="x")
    events = wait_until(lambda: drain(sms_receipts))
    assert events[0]["detail"]["originationPhoneNumber"] == origination
    sms.create_opt_out_list(OptOutListName=unique)
    sms.put_opted_out_number(OptOutListName=unique, OptedOutNumber=ORDINARY)
    sms.update_pool(PoolId=pool["PoolId"], OptOutListName=unique)
    error = response_of(
        lambda: sms.send_text_message(
            DestinationPhoneNumber=ORDINARY, OriginationIdentity=pool["PoolId"], MessageBody="x"
        )
    )
    assert error["Reason"] == "DESTINATION_PHONE_NUMBER_OPTED_OUT"


def test_a_pool_takes_free_numbers_of_its_message_type_and_keeps_one(
    sms: Any, origination: str, pool: dict[str, Any]
) -> None:
    own = origination.lstrip("+")
    create = functools.partial(sms.create_pool, OriginationIdentity=own, MessageType="TRANSACTIONAL")
    assert response_of(create)["Reason"] == "PHONE_NUMBER_ASSOCIATED_TO_POOL"
    number = sms.request_phone_number(
        IsoCountryCode="US", MessageType="PROMOTIONAL", NumberCapabilities=["SMS"], NumberType="SIMULATOR"
    )["PhoneNumberId"]
    join = functools.partial(sms.associate_origination_identity, PoolId=pool["PoolId"], OriginationIdentity=number)
    assert response_of(join)["Reason"] == "MESSAGE_TYPE_MISMATCH"
    leave = functools.partial(sms.disassociate_origination_identity, PoolId=pool["PoolId"])
    assert response_of(lambda: leave(OriginationIdentity=number))["Reason"] == "PHONE_NUMBER_NOT_ASSOCIATED_TO_POOL"
    assert response_of(lambda: leave(OriginationIdentity=own))["Reason"] == "LAST_PHONE_NUMBER"
    sms.release_phone_number(PhoneNumberId=number)
    sms.update_pool(PoolId=pool["PoolId"], DeletionProtectionEnabled=True)
    assert response_of(lambda: sms.delete_pool(PoolId=pool["PoolId"]))["Reason"] == "DELETION_PROTECTION_ENABLED"
    sms.update_pool(PoolId=pool["PoolId"], DeletionProtectionEnabled=False)


def test_required_keywords_keep_their_actions(sms: Any, origination: str) -> None:
    own = origination.lstrip("+")
    put = functools.partial(sms.put_keyword, OriginationIdentity=own, KeywordMessage="x")
    assert put(Keyword="stop")["KeywordAction"] == "OPT_OUT"
    changed = response_of(lambda: put(Keyword="STOP", KeywordAction="AUTOMATIC_RESPONSE"))
    assert changed["Reason"] == "RESOURCE_MODIFICATION_NOT_ALLOWED"
    delete = functools.partial(sms.delete_keyword, OriginationIdentity=own)
    assert response_of(lambda: delete(Keyword="HELP"))["Reason"] == "RESOURCE_DELETION_NOT_ALLOWED"
    put(Keyword="JOIN")
    assert delete(Keyword="JOIN")["KeywordAction"] == "AUTOMATIC_RESPONSE"
    gone = response_of(lambda: sms.describe_keywords(OriginationIdentity=own, Keywords=["JOIN"]))
    assert (gone["Error"]["Code"], gone["ResourceType"]) == ("ResourceNotFoundException", "keyword")


def test_describe_calls_page(sms: Any) -> None:
    first = sms.describe_account_limits(MaxResults=2)
    assert [limit["Name"] for limit in first["AccountLimits"]] == ["PHONE_NUMBERS", "POOLS"]
    rest = sms.describe_account_limits(NextToken=first["NextToken"])
    assert "NextToken" not in rest
    assert {limit["Name"]: limit["Max"] for limit in rest["AccountLimits"]}["OPT_OUT_LISTS"] == 25
    (spend,) = sms.describe_spend_limits()["SpendLimits"]
    assert (spend["EnforcedLimit"], spend["MaxLimit"], spend["Overridden"]) == (1, 1, False)


@pytest.fixture
def protect(sms: Any) -> Iterator[str]:
    """A protect configuration that blocks Japan."""
    id_ = sms.create_protect_configuration(Tags=[{"Key": "Stack", "Value": "x"}])["ProtectConfigurationId"]
    sms.update_protect_configuration_country_rule_set(
        ProtectConfigurationId=id_, NumberCapability="SMS", CountryRuleSetUpdates={"JP": {"ProtectStatus": "BLOCK"}}
    )
    yield str(id_)
    sms.delete_protect_configuration(ProtectConfigurationId=id_)


def test_a_protect_configuration_holds_for_its_configuration_set_and_as_the_default(
    sms: Any, origination: str, sms_configuration_set: tuple[str, str], protect: str
) -> None:
    name, _ = sms_configuration_set
    rules = sms.get_protect_configuration_country_rule_set(ProtectConfigurationId=protect, NumberCapability="SMS")
    assert {country for country, rule in rules["CountryRuleSet"].items() if rule["ProtectStatus"] == "BLOCK"} == {"JP"}
    japan = {"DestinationPhoneNumber": "+819012345678", "OriginationIdentity": origination, "MessageBody": "x"}
    blocked = "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"

    sms.associate_protect_configuration(ProtectConfigurationId=protect, ConfigurationSetName=name)
    (found,) = sms.describe_configuration_sets(ConfigurationSetNames=[name])["ConfigurationSets"]
    assert found["ProtectConfigurationId"] == protect
    assert reason_of(sms.send_text_message, ConfigurationSetName=name, **japan) == blocked
    sms.send_text_message(**japan)
    sms.send_text_message(ConfigurationSetName=name, **{**japan, "DestinationPhoneNumber": ORDINARY})
    delete = sms.delete_protect_configuration
    in_use = "PROTECT_CONFIGURATION_ASSOCIATED_WITH_CONFIGURATION_SET"
    assert reason_of(delete, ProtectConfigurationId=protect) == in_use
    sms.disassociate_protect_configuration(ProtectConfigurationId=protect, ConfigurationSetName=name)

    sms.set_account_default_protect_configuration(ProtectConfigurationId=protect)
    assert reason_of(sms.send_text_message, **japan) == blocked
    assert reason_of(delete, ProtectConfigurationId=protect) == "PROTECT_CONFIGURATION_IS_ACCOUNT_DEFAULT"
    sms.delete_account_default_protect_configuration()
    sms.send_text_message(**japan)


def test_a_number_is_verified_by_the_code_that_was_sent(sms: Any) -> None:
    id_ = sms.create_verified_destination_number(DestinationPhoneNumber=ORDINARY)["VerifiedDestinationNumberId"]
    by_id = {"VerifiedDestinationNumberId": id_}
    create, verify = sms.create_verified_destination_number, sms.verify_destination_number
    assert reason_of(create, DestinationPhoneNumber=ORDINARY) == "RESOURCE_ALREADY_EXISTS"
    assert reason_of(verify, VerificationCode="123456", **by_id) == "VERIFICATION_CODE_EXPIRED"
    sms.send_destination_number_verification_code(VerificationChannel="TEXT", **by_id)
    assert reason_of(verify, VerificationCode="654321", **by_id) == "VERIFICATION_CODE_MISMATCH"
    assert verify(VerificationCode="123456", **by_id)["Status"] == "VERIFIED"
    assert reason_of(verify, VerificationCode="123456", **by_id) == "VERIFICATION_ALREADY_COMPLETE"
    (found,) = sms.describe_verified_destination_numbers(DestinationPhoneNumbers=[ORDINARY])[
        "VerifiedDestinationNumbers"
    ]
    assert found["Status"] == "VERIFIED"
    sms.delete_verified_destination_number(**by_id)


def test_a_spend_limit_of_ones_own_is_lower_than_the_accounts(sms: Any) -> None:
    def limit() -> tuple[int, bool]:
        (text,) = sms.describe_spend_limits()["SpendLimits"]
        return text["EnforcedLimit"], text["Overridden"]

    too_high = "REQUESTED_SPEND_LIMIT_HIGHER_THAN_SERVICE_LIMIT"
    assert reason_of(sms.set_text_message_spend_limit_override, MonthlyLimit=2) == too_high
    sms.set_text_message_spend_limit_override(MonthlyLimit=0)
    assert limit() == (0, True)
    sms.delete_text_message_spend_limit_override()
    assert limit() == (1, False)
