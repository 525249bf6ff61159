"""DynamoDB tables."""

from __future__ import annotations

from typing import Any

from localcloud.monitor import Created
from localcloud.provision.fit import Inputs
from localcloud.provision.task import Provisioner, Task


def table(task: Task) -> Created:
    """A table with its indexes, stream, encryption, time to live and point-in-time recovery."""
    name = task.named()
    inputs = task.inputs
    parameters = task.fitted(
        "dynamodb",
        "create_table",
        {"AttributeDefinitions": "attributes", "AttributeName": "name", "AttributeType": "type"},
        TableName=name,
        KeySchema=_key_schema(inputs),
        ProvisionedThroughput=_throughput(inputs),
        GlobalSecondaryIndexes=[_index(item) for item in inputs.get("globalSecondaryIndexes", [])] or None,
        LocalSecondaryIndexes=[_index(item, inputs) for item in inputs.get("localSecondaryIndexes", [])] or None,
        StreamSpecification=_stream(inputs),
        SSESpecification=_encryption(inputs),
    )
    client = task.client("dynamodb")
    description = client.create_table(**parameters)["TableDescription"]
    if ttl := inputs.get("ttl"):
        task.call("dynamodb", "update_time_to_live", TableName=name, source={"timeToLiveSpecification": ttl})
    if recovery := inputs.get("pointInTimeRecovery"):
        task.call(
            "dynamodb",
            "update_continuous_backups",
            {"PointInTimeRecoveryEnabled": "enabled"},
            TableName=name,
            source={"pointInTimeRecoverySpecification": recovery},
        )
    outputs = {"name": name, "arn": description["TableArn"]}
    if "LatestStreamArn" in description:
        outputs |= {"streamArn": description["LatestStreamArn"], "streamLabel": description["LatestStreamLabel"]}
    return Created(name, outputs)


def _key_schema(keys: Inputs, table: Inputs | None = None) -> list[dict[str, str]]:
    """Hash and range key; a local index has its table's hash key. Newer programs give `keySchemas` instead."""
    if schemas := keys.get("keySchemas"):
        return [{"AttributeName": item["attributeName"], "KeyType": item["keyType"]} for item in schemas]
    schema = [{"AttributeName": (table or keys)["hashKey"], "KeyType": "HASH"}]
    if range_key := keys.get("rangeKey"):
        schema.append({"AttributeName": range_key, "KeyType": "RANGE"})
    return schema


def _throughput(sized: Inputs) -> dict[str, int] | None:
    if "readCapacity" not in sized and "writeCapacity" not in sized:
        return None
    return {"ReadCapacityUnits": sized.get("readCapacity", 1), "WriteCapacityUnits": sized.get("writeCapacity", 1)}


def _index(index: Inputs, table: Inputs | None = None) -> dict[str, Any]:
    projection = {"ProjectionType": index["projectionType"]}
    if attributes := index.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = attributes
    described = {"IndexName": index["name"], "KeySchema": _key_schema(index, table), "Projection": projection}
    if throughput := _throughput(index):
        described["ProvisionedThroughput"] = throughput
    return described


def _stream(inputs: Inputs) -> dict[str, Any] | None:
    if not inputs.get("streamEnabled"):
        return None
    return {"StreamEnabled": True, "StreamViewType": inputs["streamViewType"]}


def _encryption(inputs: Inputs) -> dict[str, Any] | None:
    encryption = inputs.get("serverSideEncryption")
    if not encryption or not encryption["enabled"]:
        return None
    key = encryption.get("kmsKeyArn")
    return {"Enabled": True, "SSEType": "KMS"} | ({"KMSMasterKeyId": key} if key else {})


PROVISIONERS: dict[str, Provisioner] = {"aws:dynamodb/table:Table": table}
