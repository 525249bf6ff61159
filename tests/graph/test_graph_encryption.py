"""Encryption: one key everywhere, and a statement for every service that writes to something encrypted."""

from __future__ import annotations

from typing import Any

from tests.support.key_edges import edges_of, gaps

WRITES = {"sns:Publish", "sqs:SendMessage", "s3:PutObject"}
"""Actions for which the service asks the caller for a new data key (SQS, SNS and S3 guides on SSE-KMS)."""


def key_statements(graph: Any) -> list[dict[str, Any]]:
    (key,) = graph.all("Key")
    statements: list[dict[str, Any]] = graph.statements(key.inputs["policy"])
    return statements


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


def test_whoever_writes_into_something_encrypted_may_use_the_key_and_nobody_else(graph: Any) -> None:
    edges = edges_of(graph.recorded)
    assert gaps(edges, key_statements(graph), graph.recorded.stack_outputs["AccountId"]) == []


def test_every_kind_of_edge_is_found(graph: Any) -> None:
    """What the program does today; a service that is missing here would be missing in the test above too."""
    found = {edge.service for edge in edges_of(graph.recorded)}
    region = graph.recorded.stack_outputs["Region"]
    assert found >= {
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
        f"logs.{region}.amazonaws.com",
        "sms-voice.amazonaws.com",
        "sns.amazonaws.com",
    }
    dead = {item.inputs["deadLetterConfig"]["arn"] for item in graph.all("EventTarget")}
    assert dead <= {edge.target for edge in edges_of(graph.recorded) if edge.service == "events.amazonaws.com"}


def test_a_statement_that_is_missing_or_reaches_too_short_is_noticed(prod: Any) -> None:
    edges, statements = edges_of(prod.recorded), key_statements(prod)
    account = prod.recorded.stack_outputs["AccountId"]
    for number, statement in enumerate(statements):
        if "Service" not in statement["Principal"]:
            continue
        others = statements[:number] + statements[number + 1 :]
        service = statement["Principal"]["Service"]
        assert any(service in gap for gap in gaps(edges, others, account))
        elsewhere = {"ArnLike": {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/another"}}
        assert gaps(edges, [*others, {**statement, "Condition": elsewhere}], account)
        assert gaps(edges, [*others, {**statement, "Action": ["kms:Decrypt"]}], account)
        without = {edge for edge in edges if edge.service != service}
        assert gaps(without, statements, account) == [f"{service} may use the key and writes into nothing"]


def test_roles_may_use_the_key_for_exactly_what_they_touch(graph: Any) -> None:
    (key,) = graph.all("Key")
    encrypted = {str(item.outputs["arn"]) for kind in ("Queue", "Topic", "Table", "Bucket") for item in graph.all(kind)}
    for policy in graph.all("RolePolicy"):
        statements = graph.statements(policy.inputs["policy"])
        touched = {
            action
            for item in statements
            for resource in item["Resource"]
            if any(resource == arn or resource.startswith(f"{arn}/") for arn in encrypted)
            for action in item["Action"]
        }
        needed = ({"kms:Decrypt"} if touched else set()) | ({"kms:GenerateDataKey"} if touched & WRITES else set())
        on_keys = [item for item in statements if any(action.startswith("kms:") for action in item["Action"])]
        assert {action for item in on_keys for action in item["Action"]} == needed, policy.urn
        assert [item["Resource"] for item in on_keys] == [[key.outputs["arn"]]] * bool(needed), policy.urn


def test_streams_report_failures_with_the_functions_own_right_to_the_key(graph: Any) -> None:
    for mapping in graph.all("EventSourceMapping"):
        target = mapping.inputs.get("destinationConfig", {}).get("onFailure", {}).get("destinationArn")
        if target is None:
            continue
        function = next(f for f in graph.all("Function") if f.inputs["name"] == mapping.inputs["functionName"])
        allowed = {
            action
            for role, item in graph.role_statements()
            if role == graph.role_of(function)
            for action in item["Action"]
            if target in item["Resource"] or action.startswith("kms:")
        }
        assert allowed == {"sqs:SendMessage", "kms:Decrypt", "kms:GenerateDataKey"}


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
