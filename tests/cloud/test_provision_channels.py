"""What SMS and email are sent with, read back as it was asked for."""

from __future__ import annotations

from typing import Any

from tests.cloud.provisioning import ACCOUNT, REGION, Cloud, tags


def test_sms_resources(aws: Cloud) -> None:
    topic = aws.create("aws:sns/topic:Topic").outputs["arn"]
    made = aws.create(
        "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet",
        name="sms",
        defaultMessageType="TRANSACTIONAL",
        tags={"team": "x"},
    )
    aws.create(
        "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination",
        configurationSetName=made.id,
        eventDestinationName="receipts",
        matchingEventTypes=["TEXT_ALL"],
        snsDestination={"topicArn": topic},
        enabled=False,
    )
    opted_out = aws.create("aws:pinpoint/smsvoicev2OptOutList:Smsvoicev2OptOutList", name="stop")
    number = aws.create(
        "aws:pinpoint/smsvoicev2PhoneNumber:Smsvoicev2PhoneNumber",
        isoCountryCode="US",
        messageType="TRANSACTIONAL",
        numberCapabilities=["SMS"],
        numberType="SIMULATOR",
        optOutListName=opted_out.id,
        waitForActive=True,
    )
    sms = aws.client("pinpoint-sms-voice-v2")
    (read,) = sms.describe_configuration_sets(ConfigurationSetNames=["sms"])["ConfigurationSets"]
    assert read["ConfigurationSetArn"] == made.outputs["arn"]
    (destination,) = read["EventDestinations"]
    assert destination["SnsDestination"] == {"TopicArn": topic}
    assert (destination["MatchingEventTypes"], destination["Enabled"]) == (["TEXT_ALL"], False)
    (read,) = sms.describe_phone_numbers(PhoneNumberIds=[number.id])["PhoneNumbers"]
    assert (read["PhoneNumber"], read["OptOutListName"]) == (number.outputs["phoneNumber"], "stop")


def test_pool_and_keywords(aws: Cloud) -> None:
    opted_out = aws.create("aws:pinpoint/smsvoicev2OptOutList:Smsvoicev2OptOutList", name="pooled")
    numbers = [
        aws.create(
            "aws:pinpoint/smsvoicev2PhoneNumber:Smsvoicev2PhoneNumber",
            isoCountryCode="US",
            messageType="TRANSACTIONAL",
            numberCapabilities=["SMS"],
            numberType="SIMULATOR",
        )
        for _ in range(2)
    ]
    pool = aws.create(
        "aws:pinpoint/smsvoicev2Pool:Smsvoicev2Pool",
        isoCountryCode="US",
        messageType="TRANSACTIONAL",
        originationIdentities=[number.outputs["arn"] for number in numbers],
        optOutListName=opted_out.id,
        sharedRoutesEnabled=True,
        deletionProtectionEnabled=False,
        tags={"team": "x"},
    )
    help_ = aws.create(
        "aws:pinpoint/smsvoicev2Keyword:Smsvoicev2Keyword",
        originationIdentityArn=pool.outputs["arn"],
        keyword="HELP",
        keywordMessage="Call 555-0100.",
    )
    leave = aws.create(
        "aws:pinpoint/smsvoicev2Keyword:Smsvoicev2Keyword",
        originationIdentityArn=pool.outputs["arn"],
        keyword="LEAVE",
        keywordMessage="Bye.",
        keywordAction="OPT_OUT",
    )
    sms = aws.client("pinpoint-sms-voice-v2")
    (read,) = sms.describe_pools(PoolIds=[pool.id])["Pools"]
    assert (read["PoolArn"], read["OptOutListName"]) == (pool.outputs["arn"], "pooled")
    assert (read["SharedRoutesEnabled"], read["DeletionProtectionEnabled"]) == (True, False)
    assert tags(sms.list_tags_for_resource(ResourceArn=pool.outputs["arn"])["Tags"]) == {"team": "x"}
    members = sms.list_pool_origination_identities(PoolId=pool.id)["OriginationIdentities"]
    assert [each["OriginationIdentityArn"] for each in members] == [number.outputs["arn"] for number in numbers]
    keywords = sms.describe_keywords(OriginationIdentity=pool.id)["Keywords"]
    assert {each["Keyword"]: (each["KeywordMessage"], each["KeywordAction"]) for each in keywords}.items() >= {
        ("HELP", ("Call 555-0100.", "AUTOMATIC_RESPONSE")),
        ("LEAVE", ("Bye.", "OPT_OUT")),
    }
    assert (help_.outputs["keywordAction"], leave.outputs["keywordAction"]) == ("AUTOMATIC_RESPONSE", "OPT_OUT")


def test_email_identity_and_configuration_set(aws: Cloud) -> None:
    identity = aws.create(
        "aws:sesv2/emailIdentity:EmailIdentity",
        emailIdentity="mail.example.com",
        configurationSetName="mail",
        tags={"team": "x"},
    )
    address = aws.create("aws:sesv2/emailIdentity:EmailIdentity", emailIdentity="one@else.example.com")
    made = aws.create(
        "aws:sesv2/configurationSet:ConfigurationSet",
        configurationSetName="mail",
        deliveryOptions={"tlsPolicy": "REQUIRE"},
        reputationOptions={"reputationMetricsEnabled": True},
        sendingOptions={"sendingEnabled": True},
        suppressionOptions={"suppressedReasons": ["BOUNCE", "COMPLAINT"]},
        tags={"team": "x"},
    )
    topic = aws.create("aws:sns/topic:Topic").outputs["arn"]
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    targets: dict[str, dict[str, Any]] = {
        "topic": {"enabled": True, "snsDestination": {"topicArn": topic}},
        "bus": {"enabled": True, "eventBridgeDestination": {"eventBusArn": bus}},
        "off": {"snsDestination": {"topicArn": topic}},
    }
    for name, target in targets.items():
        destination = aws.create(
            "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination",
            configurationSetName=made.id,
            eventDestinationName=name,
            eventDestination={"matchingEventTypes": ["BOUNCE", "DELIVERY"], **target},
        )
        assert destination.id == f"mail|{name}"
    ses = aws.client("sesv2")
    read = ses.get_configuration_set(ConfigurationSetName="mail")
    assert read["DeliveryOptions"] == {"TlsPolicy": "REQUIRE"}
    assert read["SuppressionOptions"]["SuppressedReasons"] == ["BOUNCE", "COMPLAINT"]
    assert (read["SendingOptions"]["SendingEnabled"], tags(read["Tags"])) == (True, {"team": "x"})
    destinations = ses.get_configuration_set_event_destinations(ConfigurationSetName="mail")["EventDestinations"]
    found = {each["Name"]: each for each in destinations}
    assert {name: each["Enabled"] for name, each in found.items()} == {"topic": True, "bus": True, "off": False}
    assert found["topic"]["SnsDestination"] == {"TopicArn": topic}
    assert found["topic"]["MatchingEventTypes"] == ["BOUNCE", "DELIVERY"]
    assert found["bus"]["EventBridgeDestination"] == {"EventBusArn": bus}
    read = ses.get_email_identity(EmailIdentity=identity.id)
    assert (read["IdentityType"], read["VerifiedForSendingStatus"]) == ("DOMAIN", True)
    assert read["DkimAttributes"]["Tokens"] == identity.outputs["dkimSigningAttributes"]["tokens"]
    assert address.outputs["identityType"] == "EMAIL_ADDRESS"
    assert made.outputs["arn"] == f"arn:aws:ses:{REGION}:{ACCOUNT}:configuration-set/mail"
    assert tags(ses.list_tags_for_resource(ResourceArn=identity.outputs["arn"])["Tags"]) == {"team": "x"}
