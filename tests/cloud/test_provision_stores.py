"""Keys, parameters, tables and buckets, read back as they were asked for."""

from __future__ import annotations

import json

from tests.cloud.provisioning import ALLOW, Cloud, tags


def test_key_and_alias(aws: Cloud) -> None:
    policy = json.dumps({**ALLOW, "Statement": [{**ALLOW["Statement"][0], "Principal": "*", "Action": "kms:*"}]})  # type: ignore[dict-item]
    key = aws.create(
        "aws:kms/key:Key",
        description="data",
        enableKeyRotation=True,
        deletionWindowInDays=7,
        policy=policy,
        tags={"team": "x"},
    )
    alias = aws.create("aws:kms/alias:Alias", name="alias/data", targetKeyId=key.id)
    kms = aws.client("kms")
    described = kms.describe_key(KeyId="alias/data")["KeyMetadata"]
    assert (described["Arn"], described["Description"]) == (key.outputs["arn"], "data")
    assert alias.outputs["targetKeyArn"] == key.outputs["arn"]
    assert kms.get_key_rotation_status(KeyId=key.id)["KeyRotationEnabled"] is True
    assert json.loads(kms.get_key_policy(KeyId=key.id, PolicyName="default")["Policy"]) == json.loads(policy)
    assert kms.list_resource_tags(KeyId=key.id)["Tags"] == [{"TagKey": "team", "TagValue": "x"}]
    disabled = aws.create("aws:kms/key:Key", isEnabled=False)
    assert kms.describe_key(KeyId=disabled.id)["KeyMetadata"]["Enabled"] is False


def test_parameter(aws: Cloud) -> None:
    made = aws.create("aws:ssm/parameter:Parameter", name="/a/b", type="String", value="v", description="d")
    read = aws.client("ssm").get_parameter(Name="/a/b")["Parameter"]
    assert (read["Value"], read["Type"], read["ARN"]) == ("v", "String", made.outputs["arn"])
    aws.create("aws:ssm/parameter:Parameter", name="/a/c", type="String", insecureValue="w")
    assert aws.client("ssm").get_parameter(Name="/a/c")["Parameter"]["Value"] == "w"


def test_table(aws: Cloud) -> None:
    key = aws.create("aws:kms/key:Key")
    made = aws.create(
        "aws:dynamodb/table:Table",
        name="orders",
        billingMode="PAY_PER_REQUEST",
        hashKey="pk",
        rangeKey="sk",
        attributes=[{"name": name, "type": "S"} for name in ("pk", "sk", "day")],
        globalSecondaryIndexes=[
            {"name": "by-day", "hashKey": "day", "projectionType": "INCLUDE", "nonKeyAttributes": ["total"]},
            {
                "name": "by-day-2",
                "projectionType": "ALL",
                "keySchemas": [
                    {"attributeName": "day", "keyType": "HASH"},
                    {"attributeName": "sk", "keyType": "RANGE"},
                ],
            },
        ],
        localSecondaryIndexes=[{"name": "local", "rangeKey": "day", "projectionType": "KEYS_ONLY"}],
        streamEnabled=True,
        streamViewType="NEW_IMAGE",
        ttl={"attributeName": "expires", "enabled": True},
        pointInTimeRecovery={"enabled": True},
        serverSideEncryption={"enabled": True, "kmsKeyArn": key.outputs["arn"]},
        deletionProtectionEnabled=True,
        tags={"team": "x"},
    )
    client = aws.client("dynamodb")
    table = client.describe_table(TableName="orders")["Table"]
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    assert indexes["by-day"]["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["total"]}
    assert [key["AttributeName"] for key in indexes["by-day-2"]["KeySchema"]] == ["day", "sk"]
    assert [key["AttributeName"] for key in table["LocalSecondaryIndexes"][0]["KeySchema"]] == ["pk", "day"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert (table["TableArn"], table["LatestStreamArn"]) == (made.outputs["arn"], made.outputs["streamArn"])
    assert table["SSEDescription"]["KMSMasterKeyArn"] == key.outputs["arn"]
    assert table["DeletionProtectionEnabled"] is True
    ttl = client.describe_time_to_live(TableName="orders")["TimeToLiveDescription"]
    assert (ttl["AttributeName"], ttl["TimeToLiveStatus"]) == ("expires", "ENABLED")
    backups = client.describe_continuous_backups(TableName="orders")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert tags(client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]) == {"team": "x"}


def test_table_with_provisioned_capacity(aws: Cloud) -> None:
    aws.create(
        "aws:dynamodb/table:Table",
        name="sized",
        billingMode="PROVISIONED",
        hashKey="pk",
        attributes=[{"name": "pk", "type": "N"}],
        readCapacity=3,
        writeCapacity=4,
    )
    throughput = aws.client("dynamodb").describe_table(TableName="sized")["Table"]["ProvisionedThroughput"]
    assert (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == (3, 4)


def test_bucket_and_its_properties(aws: Cloud) -> None:
    made = aws.create("aws:s3/bucket:Bucket", forceDestroy=True, tags={"team": "x"})
    name = made.id
    key = aws.create("aws:kms/key:Key").outputs["arn"]
    allow = json.dumps(
        {**ALLOW, "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}
    )
    aws.create("aws:s3/bucketVersioning:BucketVersioning", bucket=name, versioningConfiguration={"status": "Enabled"})
    blocks = {
        "blockPublicAcls": True,
        "blockPublicPolicy": False,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    aws.create("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", bucket=name, **blocks)
    aws.create(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        bucket=name,
        rules=[
            {
                "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key},
                "bucketKeyEnabled": True,
            }
        ],
    )
    aws.create(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        bucket=name,
        rule={"objectOwnership": "BucketOwnerEnforced"},
    )
    cors = {
        "allowedHeaders": ["*"],
        "allowedMethods": ["POST"],
        "allowedOrigins": ["https://console.example.com"],
        "maxAgeSeconds": 60,
    }
    aws.create("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", bucket=name, corsRules=[cors])
    aws.create(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        bucket=name,
        rules=[
            {
                "id": "old",
                "status": "Enabled",
                "expiration": {"days": 30},
                "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
            },
            {"id": "logs", "status": "Disabled", "filter": {"prefix": "logs/"}, "expiration": {"days": 5}},
        ],
    )
    aws.create("aws:s3/bucketPolicy:BucketPolicy", bucket=name, policy=allow)
    s3 = aws.client("s3")
    assert tags(s3.get_bucket_tagging(Bucket=name)["TagSet"]) == {"team": "x"}
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == {
        key[0].upper() + key[1:]: value for key, value in blocks.items()
    }
    (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    assert rule["BucketKeyEnabled"] is True
    controls = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    rules = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]}
    assert rules["old"]["Expiration"] == {"Days": 30}
    assert rules["old"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert (rules["logs"]["Status"], rules["logs"]["Filter"]) == ("Disabled", {"Prefix": "logs/"})
    assert json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]) == json.loads(allow)
