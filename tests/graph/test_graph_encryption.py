"""Encryption: one key everywhere, and a statement for every service that writes to something encrypted."""

from __future__ import annotations

from typing import Any

NEEDED = {"kms:Decrypt", "kms:GenerateDataKey"}


def key_statements(graph: Any) -> list[dict[str, Any]]:
    (key,) = graph.all("Key")
    statements: list[dict[str, Any]] = graph.statements(key.inputs["policy"])
    return statements


def may_use_key(graph: Any, service: str) -> bool:
    return any(
        item["Principal"] == {"Service": service} and set(item["Action"]) >= NEEDED for item in key_statements(graph)
    )


def test_everything_is_encrypted_with_the_stacks_key(graph: Any) -> None:
    (key,) = graph.all("Key")
    arn = key.outputs["arn"]
    assert key.inputs["enableKeyRotation"] is True
    assert {item.inputs["kmsMasterKeyId"] for item in (*graph.all("Queue"), *graph.all("Topic"))} == {arn}
    assert {item.inputs["kmsKeyId"] for item in graph.all("LogGroup")} == {arn}
    assert {item.inputs["serverSideEncryption"]["kmsKeyArn"] for item in graph.all("Table")} == {arn}
    rules = [rule for item in graph.all("BucketServerSideEncryptionConfiguration") for rule in item.inputs["rules"]]
    assert {rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] for rule in rules} == {arn}
    assert len(graph.all("BucketServerSideEncryptionConfiguration")) == len(graph.all("Bucket"))


def test_rules_may_encrypt_into_their_queues(graph: Any) -> None:
    targets = graph.all("EventTarget")
    assert targets
    assert all(graph.by_arn(item.inputs["arn"]).inputs["kmsMasterKeyId"] for item in targets)
    assert may_use_key(graph, "events.amazonaws.com")


def test_topics_may_encrypt_into_their_queues(graph: Any) -> None:
    assert [item for item in graph.all("TopicSubscription") if item.inputs["protocol"] == "sqs"]
    assert may_use_key(graph, "sns.amazonaws.com")


def test_receipts_may_be_encrypted_into_their_topic(graph: Any) -> None:
    (destination,) = graph.all("Smsvoicev2EventDestination")
    topic = graph.by_arn(destination.inputs["snsDestination"]["topicArn"])
    assert topic.inputs["kmsMasterKeyId"]
    assert may_use_key(graph, "sms-voice.amazonaws.com")


def test_alarms_may_be_encrypted_into_their_topics(graph: Any) -> None:
    assert {arn for item in graph.all("MetricAlarm") for arn in item.inputs["alarmActions"]}
    assert may_use_key(graph, "cloudwatch.amazonaws.com")


def test_log_groups_may_use_the_key_and_only_ours(graph: Any) -> None:
    region = graph.recorded.stack_outputs["Region"]
    (statement,) = [
        item for item in key_statements(graph) if item["Principal"] == {"Service": f"logs.{region}.amazonaws.com"}
    ]
    pattern = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert all(str(item.outputs["arn"]).startswith(pattern.removesuffix("*")) for item in graph.all("LogGroup"))


def test_no_role_is_named_in_the_keys_policy(graph: Any) -> None:
    accounts = [item["Principal"] for item in key_statements(graph) if "AWS" in item["Principal"]]
    assert accounts == [{"AWS": f"arn:aws:iam::{graph.recorded.stack_outputs['AccountId']}:root"}]


def test_plain_http_is_refused_everywhere(graph: Any) -> None:
    holders = {"QueuePolicy": "Queue", "TopicPolicy": "Topic", "BucketPolicy": "Bucket"}
    for policy_type, holder_type in holders.items():
        policies = graph.all(policy_type)
        assert len(policies) == len(graph.all(holder_type))
        for policy in policies:
            denials = [
                item
                for item in graph.statements(policy.inputs["policy"])
                if item["Effect"] == "Deny" and item["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            ]
            assert len(denials) == 1, policy.urn


def test_the_bucket_is_private(graph: Any) -> None:
    blocks = graph.all("BucketPublicAccessBlock")
    assert len(blocks) == len(graph.all("Bucket"))
    for item in blocks:
        closed = {key for key, value in item.inputs.items() if value is True}
        assert closed == {"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"}
