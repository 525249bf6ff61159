"""Each provisioner, read back: what boto3 describes is what was asked for, and what recording would have imagined."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import boto3
import pulumi
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from localcloud.graph import ProgramError
from localcloud.monitor import Created, Demand
from localcloud.provision import PROVISIONERS, RECORDED, AwsProvider
from localcloud.provision.plausible import SKETCHES, plausible

ACCOUNT = "222222222222"
"""An account of its own, so that nothing here meets what other tests create."""
REGION = "us-east-1"

_numbers = itertools.count()


class Cloud:
    """Creates single resources and reads them back."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self.provider = AwsProvider(endpoint_url=endpoint_url, region=REGION, account_id=ACCOUNT)
        self.demands: dict[str, Demand] = {}

    def create(self, type_: str, **inputs: Any) -> Created:
        """Create one resource and compare it with what recording would have said."""
        number = next(_numbers)
        demand = Demand(f"urn:pulumi:test::cloud::{type_}::thing-{number}", type_, f"thing-{number}", inputs)
        created = self.provider.create(demand)
        imagined = plausible(demand, ACCOUNT, REGION)
        assert imagined.outputs.keys() == created.outputs.keys()
        if "name" in created.outputs:
            assert imagined.outputs["name"] == created.outputs["name"]
        return created

    def client(self, service: str) -> Any:
        """A plain boto3 client."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="embedded",
            config=Config(proxies={}, s3={"addressing_style": "path"}),
        )

    def role(self) -> str:
        """ARN of a role that Lambda may assume."""
        return str(self.create("aws:iam/role:Role", assumeRolePolicy=json.dumps(TRUST)).outputs["arn"])

    def function(self, **inputs: Any) -> Created:
        """A function that answers 200."""
        source = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'fine'}\n"
        settings = {
            "role": self.role(),
            "runtime": "python3.13",
            "handler": "index.handler",
            "code": pulumi.AssetArchive({"index.py": pulumi.StringAsset(source)}),
        }
        return self.create("aws:lambda/function:Function", **{**settings, **inputs})


TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}


@pytest.fixture
def aws(bare_cloud: Any) -> Iterator[Cloud]:
    cloud = Cloud(bare_cloud.endpoint_url)
    with cloud.provider:
        yield cloud
        assert cloud.provider.unread() == []


def tags(listed: list[Mapping[str, str]]) -> dict[str, str]:
    return {entry["Key"]: entry["Value"] for entry in listed}


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


def test_role_and_policies(aws: Cloud) -> None:
    role = aws.create(
        "aws:iam/role:Role",
        assumeRolePolicy=TRUST,
        description="d",
        maxSessionDuration=7200,
        inlinePolicies=[{"name": "inline", "policy": json.dumps(ALLOW)}],
        tags={"team": "x"},
    )
    policy = aws.create("aws:iam/policy:Policy", policy=json.dumps(ALLOW))
    inline = aws.create("aws:iam/rolePolicy:RolePolicy", role=role.id, policy=json.dumps(ALLOW))
    aws.create("aws:iam/rolePolicyAttachment:RolePolicyAttachment", role=role.id, policyArn=policy.id)
    iam = aws.client("iam")
    read = iam.get_role(RoleName=role.id)["Role"]
    assert (read["Arn"], read["Description"], read["MaxSessionDuration"]) == (role.outputs["arn"], "d", 7200)
    assert read["AssumeRolePolicyDocument"] == TRUST
    assert tags(read["Tags"]) == {"team": "x"}
    assert set(iam.list_role_policies(RoleName=role.id)["PolicyNames"]) == {"inline", inline.outputs["name"]}
    assert iam.get_role_policy(RoleName=role.id, PolicyName="inline")["PolicyDocument"] == ALLOW
    (attached,) = iam.list_attached_role_policies(RoleName=role.id)["AttachedPolicies"]
    assert attached["PolicyArn"] == policy.outputs["arn"]


def test_function_layer_permission_and_mapping(aws: Cloud) -> None:
    group = aws.create("aws:cloudwatch/logGroup:LogGroup", name="/x/function").id
    layer = aws.create(
        "aws:lambda/layerVersion:LayerVersion",
        layerName="shared",
        code=pulumi.AssetArchive({"python/shared.py": pulumi.StringAsset("x = 1")}),
        compatibleRuntimes=["python3.13"],
        description="d",
    )
    function = aws.function(
        architectures=["arm64"],
        memorySize=256,
        timeout=9,
        layers=[layer.id],
        environment={"variables": {"A": "1"}},
        loggingConfig={"logFormat": "Text", "logGroup": group},
        tracingConfig={"mode": "PassThrough"},
        reservedConcurrentExecutions=3,
        tags={"team": "x"},
    )
    queue = aws.create("aws:sqs/queue:Queue", visibilityTimeoutSeconds=60)
    dead = aws.create("aws:sqs/queue:Queue")
    mapping = aws.create(
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        functionName=function.id,
        eventSourceArn=queue.outputs["arn"],
        batchSize=100,
        maximumBatchingWindowInSeconds=2,
        scalingConfig={"maximumConcurrency": 4},
        functionResponseTypes=["ReportBatchItemFailures"],
        enabled=False,
    )
    permission = aws.create(
        "aws:lambda/permission:Permission",
        action="lambda:InvokeFunction",
        function=function.outputs["arn"],
        principal="apigateway.amazonaws.com",
        sourceArn="arn:aws:execute-api:us-east-1:222222222222:abc/*",
    )
    client = aws.client("lambda")
    read = client.get_function(FunctionName=function.id)
    settings = read["Configuration"]
    assert settings["FunctionArn"] == function.outputs["arn"]
    assert (settings["MemorySize"], settings["Timeout"], settings["Architectures"]) == (256, 9, ["arm64"])
    assert settings["Environment"]["Variables"]["A"] == "1"
    assert settings["LoggingConfig"]["LogGroup"] == group
    assert [item["Arn"] for item in settings["Layers"]] == [layer.id]
    assert read["Concurrency"] == {"ReservedConcurrentExecutions": 3}
    assert read["Tags"] == {"team": "x"}
    answer = json.load(client.invoke(FunctionName=function.id, Payload=b"{}")["Payload"])
    assert answer == {"statusCode": 200, "body": "fine"}
    described = client.get_event_source_mapping(UUID=mapping.id)
    assert (described["BatchSize"], described["MaximumBatchingWindowInSeconds"]) == (100, 2)
    assert described["ScalingConfig"] == {"MaximumConcurrency": 4}
    assert described["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert described["State"] == "Disabled"
    (statement,) = json.loads(client.get_policy(FunctionName=function.id)["Policy"])["Statement"]
    assert statement["Sid"] == permission.id
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    table = aws.create(
        "aws:dynamodb/table:Table",
        billingMode="PAY_PER_REQUEST",
        hashKey="pk",
        attributes=[{"name": "pk", "type": "S"}],
        streamEnabled=True,
        streamViewType="NEW_IMAGE",
    )
    stream = aws.create(
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        functionName=function.id,
        eventSourceArn=table.outputs["streamArn"],
        startingPosition="TRIM_HORIZON",
        maximumRetryAttempts=2,
        bisectBatchOnFunctionError=False,
        maximumRecordAgeInSeconds=3600,
        destinationConfig={"onFailure": {"destinationArn": dead.outputs["arn"]}},
        enabled=False,
    )
    described = client.get_event_source_mapping(UUID=stream.id)
    assert described["DestinationConfig"] == {"OnFailure": {"Destination": dead.outputs["arn"]}}
    assert (described["MaximumRetryAttempts"], described["StartingPosition"]) == (2, "TRIM_HORIZON")


def test_queue_with_its_policies(aws: Cloud) -> None:
    policy = json.dumps(
        {**ALLOW, "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}]}
    )
    dead = aws.create("aws:sqs/queue:Queue", name="dead", messageRetentionSeconds=1_209_600)
    redrive = {"deadLetterTargetArn": dead.outputs["arn"], "maxReceiveCount": 5}
    queue = aws.create(
        "aws:sqs/queue:Queue",
        name="work",
        visibilityTimeoutSeconds=90,
        delaySeconds=1,
        receiveWaitTimeSeconds=20,
        maxMessageSize=1024,
        redrivePolicy=json.dumps(redrive),
        kmsMasterKeyId="alias/aws/sqs",
        kmsDataKeyReusePeriodSeconds=300,
        tags={"team": "x"},
    )
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [queue.outputs["arn"]]}
    aws.create("aws:sqs/queuePolicy:QueuePolicy", queueUrl=queue.id, policy=policy)
    aws.create("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy", queueUrl=dead.id, redriveAllowPolicy=json.dumps(allow))
    sqs = aws.client("sqs")
    read = sqs.get_queue_attributes(QueueUrl=queue.outputs["url"], AttributeNames=["All"])["Attributes"]
    assert {
        "VisibilityTimeout": "90",
        "DelaySeconds": "1",
        "ReceiveMessageWaitTimeSeconds": "20",
        "MaximumMessageSize": "1024",
        "KmsMasterKeyId": "alias/aws/sqs",
        "KmsDataKeyReusePeriodSeconds": "300",
        "QueueArn": queue.outputs["arn"],
    }.items() <= read.items()
    assert json.loads(read["RedrivePolicy"]) == redrive
    assert json.loads(read["Policy"]) == json.loads(policy)
    other = sqs.get_queue_attributes(QueueUrl=dead.id, AttributeNames=["All"])["Attributes"]
    assert other["MessageRetentionPeriod"] == "1209600"
    assert json.loads(other["RedriveAllowPolicy"]) == allow
    assert sqs.list_queue_tags(QueueUrl=queue.id)["Tags"] == {"team": "x"}
    fifo = aws.create("aws:sqs/queue:Queue", fifoQueue=True, contentBasedDeduplication=True)
    read = sqs.get_queue_attributes(QueueUrl=fifo.id, AttributeNames=["All"])["Attributes"]
    assert (read["FifoQueue"], read["ContentBasedDeduplication"]) == ("true", "true")
    plain = aws.create("aws:sqs/queue:Queue")
    aws.create("aws:sqs/redrivePolicy:RedrivePolicy", queueUrl=plain.id, redrivePolicy=json.dumps(redrive))
    read = sqs.get_queue_attributes(QueueUrl=plain.id, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert json.loads(read["RedrivePolicy"]) == redrive


def test_topic_policy_and_raw_subscription(aws: Cloud) -> None:
    topic = aws.create(
        "aws:sns/topic:Topic", name="news", displayName="News", kmsMasterKeyId="alias/aws/sns", tags={"team": "x"}
    )
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": topic.outputs["arn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    aws.create("aws:sns/topicPolicy:TopicPolicy", arn=topic.id, policy=policy)
    queue = aws.create("aws:sqs/queue:Queue")
    subscription = aws.create(
        "aws:sns/topicSubscription:TopicSubscription",
        topic=topic.id,
        protocol="sqs",
        endpoint=queue.outputs["arn"],
        rawMessageDelivery=True,
        filterPolicy=json.dumps({"kind": ["a"]}),
        redrivePolicy=json.dumps({"deadLetterTargetArn": queue.outputs["arn"]}),
    )
    sns = aws.client("sns")
    read = sns.get_topic_attributes(TopicArn=topic.outputs["arn"])["Attributes"]
    assert (read["DisplayName"], read["KmsMasterKeyId"]) == ("News", "alias/aws/sns")
    assert json.loads(read["Policy"]) == policy
    assert tags(sns.list_tags_for_resource(ResourceArn=topic.id)["Tags"]) == {"team": "x"}
    read = sns.get_subscription_attributes(SubscriptionArn=subscription.id)["Attributes"]
    assert (read["RawMessageDelivery"], read["Endpoint"]) == ("true", queue.outputs["arn"])
    assert json.loads(read["FilterPolicy"]) == {"kind": ["a"]}


@pytest.mark.parametrize("bus_name", [None, "orders"])
def test_rule_and_target(aws: Cloud, bus_name: str | None) -> None:
    bus = {"eventBusName": aws.create("aws:cloudwatch/eventBus:EventBus", name=bus_name).id} if bus_name else {}
    queue = aws.create("aws:sqs/queue:Queue").outputs["arn"]
    pattern = json.dumps({"source": ["shop"]})
    rule = aws.create(
        "aws:cloudwatch/eventRule:EventRule", eventPattern=pattern, description="d", tags={"team": "x"}, **bus
    )
    name = rule.outputs["name"]
    target = aws.create(
        "aws:cloudwatch/eventTarget:EventTarget",
        rule=name,
        arn=queue,
        inputTransformer={"inputPaths": {"id": "$.id"}, "inputTemplate": '{"id": <id>}'},
        retryPolicy={"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 300},
        deadLetterConfig={"arn": queue},
        **bus,
    )
    events = aws.client("events")
    where = {"EventBusName": bus_name} if bus_name else {}
    read = events.describe_rule(Name=name, **where)
    assert (read["EventPattern"], read["Description"], read["State"]) == (pattern, "d", "ENABLED")
    assert read["Arn"] == rule.outputs["arn"]
    (read,) = events.list_targets_by_rule(Rule=name, **where)["Targets"]
    assert (read["Id"], read["Arn"], read["DeadLetterConfig"]) == (target.outputs["targetId"], queue, {"Arn": queue})
    assert read["InputTransformer"] == {"InputPathsMap": {"id": "$.id"}, "InputTemplate": '{"id": <id>}'}
    assert read["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 300}


def test_scheduled_rules_and_their_state(aws: Cloud) -> None:
    events = aws.client("events")
    for inputs, state in (({"isEnabled": False}, "DISABLED"), ({"state": "DISABLED"}, "DISABLED"), ({}, "ENABLED")):
        rule = aws.create("aws:cloudwatch/eventRule:EventRule", scheduleExpression="rate(1 minute)", **inputs)
        read = events.describe_rule(Name=rule.id)
        assert (read["ScheduleExpression"], read["State"]) == ("rate(1 minute)", state)


def test_log_group_alarms_and_dashboard(aws: Cloud) -> None:
    group = aws.create(
        "aws:cloudwatch/logGroup:LogGroup", name="/shop/log", retentionInDays=14, tags={"team": "x"}, skipDestroy=True
    )
    (read,) = aws.client("logs").describe_log_groups(logGroupNamePrefix="/shop/log")["logGroups"]
    assert read["retentionInDays"] == 14
    assert read["arn"].removesuffix(":*") == group.outputs["arn"]
    alarm = aws.create(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        name="errors",
        alarmDescription="d",
        namespace="Shop",
        metricName="Errors",
        dimensions={"Queue": "q"},
        statistic="Sum",
        period=60,
        evaluationPeriods=5,
        datapointsToAlarm=3,
        threshold=1,
        comparisonOperator="GreaterThanThreshold",
        treatMissingData="notBreaching",
        alarmActions=["arn:aws:sns:us-east-1:222222222222:warn"],
        okActions=["arn:aws:sns:us-east-1:222222222222:warn"],
        tags={"team": "x"},
    )
    metric = {"namespace": "Shop", "metricName": "Errors", "period": 60, "stat": "Sum", "dimensions": {"Queue": "q"}}
    aws.create(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        name="ratio",
        metricQueries=[
            {"id": "e", "metric": metric, "returnData": False},
            {"id": "r", "expression": "e / 2", "label": "half", "returnData": True},
        ],
        evaluationPeriods=1,
        threshold=0.5,
        comparisonOperator="GreaterThanThreshold",
    )
    composite = aws.create(
        "aws:cloudwatch/compositeAlarm:CompositeAlarm", alarmName="any", alarmRule='ALARM("errors") OR ALARM("ratio")'
    )
    body = json.dumps({"widgets": []})
    aws.create("aws:cloudwatch/dashboard:Dashboard", dashboardName="main", dashboardBody=body)
    cloudwatch = aws.client("cloudwatch")
    (read,) = cloudwatch.describe_alarms(AlarmNames=["errors"])["MetricAlarms"]
    assert read["AlarmArn"] == alarm.outputs["arn"]
    assert read["Dimensions"] == [{"Name": "Queue", "Value": "q"}]
    assert (read["EvaluationPeriods"], read["DatapointsToAlarm"], read["Threshold"]) == (5, 3, 1.0)
    assert (read["TreatMissingData"], read["Statistic"], read["Period"]) == ("notBreaching", "Sum", 60)
    (ratio,) = cloudwatch.describe_alarms(AlarmNames=["ratio"])["MetricAlarms"]
    by_id = {query["Id"]: query for query in ratio["Metrics"]}
    assert by_id["r"]["Expression"] == "e / 2"
    assert by_id["e"]["MetricStat"] == {
        "Metric": {"Namespace": "Shop", "MetricName": "Errors", "Dimensions": [{"Name": "Queue", "Value": "q"}]},
        "Period": 60,
        "Stat": "Sum",
    }
    assert by_id["e"]["ReturnData"] is False
    assert read["AlarmActions"] == read["OKActions"] == ["arn:aws:sns:us-east-1:222222222222:warn"]
    (read,) = cloudwatch.describe_alarms(AlarmNames=["any"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert (read["AlarmRule"], read["AlarmArn"]) == (
        'ALARM("errors") OR ALARM("ratio")',
        composite.outputs["arn"],
    )
    assert json.loads(cloudwatch.get_dashboard(DashboardName="main")["DashboardBody"]) == {"widgets": []}


def test_http_api_is_described_and_answers_at_its_address(aws: Cloud) -> None:
    function = aws.function()
    api = aws.create(
        "aws:apigatewayv2/api:Api",
        protocolType="HTTP",
        corsConfiguration={"allowOrigins": ["https://a.example"], "maxAge": 60},
        tags={"team": "x"},
    )
    integration = aws.create(
        "aws:apigatewayv2/integration:Integration",
        apiId=api.id,
        integrationType="AWS_PROXY",
        integrationUri=function.outputs["arn"],
        payloadFormatVersion="2.0",
        timeoutMilliseconds=9000,
    )
    route = aws.create(
        "aws:apigatewayv2/route:Route",
        apiId=api.id,
        routeKey="GET /things/{id}",
        authorizationType="AWS_IAM",
        target=f"integrations/{integration.id}",
    )
    stage = aws.create(
        "aws:apigatewayv2/stage:Stage",
        apiId=api.id,
        name="$default",
        autoDeploy=True,
        defaultRouteSettings={"throttlingRateLimit": 5.5, "throttlingBurstLimit": 7},
        routeSettings=[{"routeKey": "GET /things/{id}", "throttlingBurstLimit": 2}],
        accessLogSettings={"destinationArn": "arn:aws:logs:us-east-1:222222222222:log-group:x", "format": "$context"},
        stageVariables={"A": "1"},
    )
    aws.create(
        "aws:lambda/permission:Permission",
        action="lambda:InvokeFunction",
        function=function.id,
        principal="apigateway.amazonaws.com",
        sourceArn=f"{stage.outputs['executionArn']}/*",
    )
    client = aws.client("apigatewayv2")
    read = client.get_api(ApiId=api.id)
    assert read["CorsConfiguration"] == {"AllowOrigins": ["https://a.example"], "MaxAge": 60}
    read = client.get_integration(ApiId=api.id, IntegrationId=integration.id)
    assert (read["IntegrationUri"], read["TimeoutInMillis"]) == (function.outputs["arn"], 9000)
    assert client.get_route(ApiId=api.id, RouteId=route.id)["Target"] == f"integrations/{integration.id}"
    read = client.get_stage(ApiId=api.id, StageName="$default")
    assert read["DefaultRouteSettings"]["ThrottlingRateLimit"] == 5.5
    assert read["RouteSettings"]["GET /things/{id}"]["ThrottlingBurstLimit"] == 2
    assert read["StageVariables"] == {"A": "1"}
    assert stage.outputs["invokeUrl"] == api.outputs["apiEndpoint"]
    assert fetch_signed(f"{stage.outputs['invokeUrl']}/things/1") == (200, b"fine")


def fetch_signed(url: str) -> tuple[int, bytes]:
    """GET `url` signed for the API's account, without proxies."""
    request = AWSRequest("GET", url)
    SigV4Auth(Credentials(ACCOUNT, "embedded"), "execute-api", REGION).add_auth(request)
    with build_opener(ProxyHandler({})).open(Request(url, headers=dict(request.headers)), timeout=30) as answer:
        return answer.status, answer.read()


def test_authorizer(aws: Cloud) -> None:
    api = aws.create("aws:apigatewayv2/api:Api", protocolType="HTTP")
    made = aws.create(
        "aws:apigatewayv2/authorizer:Authorizer",
        apiId=api.id,
        name="jwt",
        authorizerType="JWT",
        identitySources=["$request.header.Authorization"],
        jwtConfiguration={"audiences": ["a"], "issuer": "https://issuer.example"},
    )
    read = aws.client("apigatewayv2").get_authorizer(ApiId=api.id, AuthorizerId=made.id)
    assert read["JwtConfiguration"] == {"Audience": ["a"], "Issuer": "https://issuer.example"}
    assert read["IdentitySource"] == ["$request.header.Authorization"]


def test_websocket_api_has_an_address_for_clients_and_one_for_functions(aws: Cloud) -> None:
    function = aws.function()
    api = aws.create(
        "aws:apigatewayv2/api:Api", protocolType="WEBSOCKET", routeSelectionExpression="$request.body.action"
    )
    authorizer = aws.create(
        "aws:apigatewayv2/authorizer:Authorizer",
        apiId=api.id,
        authorizerType="REQUEST",
        authorizerUri=function.outputs["invokeArn"],
    )
    integration = aws.create(
        "aws:apigatewayv2/integration:Integration",
        apiId=api.id,
        integrationType="AWS_PROXY",
        integrationUri=function.outputs["invokeArn"],
    )
    route = aws.create(
        "aws:apigatewayv2/route:Route",
        apiId=api.id,
        routeKey="$connect",
        authorizationType="CUSTOM",
        authorizerId=authorizer.id,
        routeResponseSelectionExpression="$default",
        target=f"integrations/{integration.id}",
    )
    response = aws.create(
        "aws:apigatewayv2/routeResponse:RouteResponse", apiId=api.id, routeId=route.id, routeResponseKey="$default"
    )
    stage = aws.create("aws:apigatewayv2/stage:Stage", apiId=api.id, name="prod", autoDeploy=True)
    client = aws.client("apigatewayv2")
    read = client.get_route_response(ApiId=api.id, RouteId=route.id, RouteResponseId=response.id)
    assert read["RouteResponseKey"] == "$default"
    assert client.get_authorizer(ApiId=api.id, AuthorizerId=authorizer.id).get("IdentitySource", []) == []
    assert client.get_route(ApiId=api.id, RouteId=route.id)["AuthorizerId"] == authorizer.id
    assert api.outputs["apiEndpoint"] == f"{aws.endpoint_url.replace('http', 'ws', 1)}/_aws/execute-api/{api.id}"
    assert stage.outputs["invokeUrl"] == f"{api.outputs['apiEndpoint']}/prod"


def test_user_pool_and_client_issue_tokens_that_the_pools_keys_verify(aws: Cloud) -> None:
    pool = aws.create(
        "aws:cognito/userPool:UserPool",
        usernameAttributes=["email"],
        autoVerifiedAttributes=["email"],
        usernameConfiguration={"caseSensitive": False},
        adminCreateUserConfig={"allowAdminCreateUserOnly": True},
        passwordPolicy={"minimumLength": 14, "requireSymbols": True, "temporaryPasswordValidityDays": 3},
        mfaConfiguration="OPTIONAL",
        softwareTokenMfaConfiguration={"enabled": True},
        accountRecoverySetting={"recoveryMechanisms": [{"name": "verified_email", "priority": 1}]},
        deletionProtection="INACTIVE",
        tags={"team": "x"},
    )
    made = aws.create(
        "aws:cognito/userPoolClient:UserPoolClient",
        userPoolId=pool.id,
        generateSecret=False,
        explicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        preventUserExistenceErrors="ENABLED",
        enableTokenRevocation=True,
        idTokenValidity=10,
        accessTokenValidity=10,
        refreshTokenValidity=12,
        tokenValidityUnits={"idToken": "minutes", "accessToken": "minutes", "refreshToken": "hours"},
    )
    cognito = aws.client("cognito-idp")
    read = cognito.describe_user_pool(UserPoolId=pool.id)["UserPool"]
    assert (read["Arn"], read["Name"]) == (pool.outputs["arn"], pool.outputs["name"])
    assert read["Policies"]["PasswordPolicy"]["MinimumLength"] == 14
    assert read["UserPoolTags"] == {"team": "x"}
    assert read["MfaConfiguration"] == "OPTIONAL"
    read = cognito.describe_user_pool_client(UserPoolId=pool.id, ClientId=made.id)["UserPoolClient"]
    assert (read["IdTokenValidity"], read["TokenValidityUnits"]["IdToken"]) == (10, "minutes")
    password = "Long-enough-1234"
    cognito.admin_create_user(
        UserPoolId=pool.id, Username="a@b.example", TemporaryPassword=password, MessageAction="SUPPRESS"
    )
    cognito.admin_set_user_password(UserPoolId=pool.id, Username="a@b.example", Password=password, Permanent=True)
    token = cognito.admin_initiate_auth(
        UserPoolId=pool.id,
        ClientId=made.id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "a@b.example", "PASSWORD": password},
    )["AuthenticationResult"]["IdToken"]
    head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert (claims["iss"], claims["aud"]) == (f"https://{pool.outputs['endpoint']}", made.id)
    assert claims["exp"] - claims["iat"] == 600
    with build_opener(ProxyHandler({})).open(f"{aws.endpoint_url}/{pool.id}/.well-known/jwks.json") as answer:
        keys = json.loads(answer.read())["keys"]
    assert head["kid"] in [key["kid"] for key in keys]


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


def test_an_explicit_provider_moves_its_resources_to_its_region(aws: Cloud) -> None:
    provider = Demand("urn:p", "pulumi:providers:aws", "west", {"region": "eu-west-1"})
    aws.provider.create(provider)
    made = aws.provider.create(Demand("urn:q", "aws:sqs/queue:Queue", "q", {}, provider="urn:p"))
    assert made.outputs["arn"].startswith("arn:aws:sqs:eu-west-1:")
    made = aws.provider.create(Demand("urn:r", "aws:sqs/queue:Queue", "r", {"region": "eu-north-1"}, provider="urn:p"))
    assert made.outputs["arn"].startswith("arn:aws:sqs:eu-north-1:")


def test_an_input_that_nothing_reads_is_reported(bare_cloud: Any) -> None:
    with AwsProvider(endpoint_url=bare_cloud.endpoint_url, region=REGION, account_id=ACCOUNT) as provider:
        provider.create(Demand("urn:a", "aws:sqs/queue:Queue", "unread", {"nonsense": 1, "timeouts": {"create": "1m"}}))
        assert provider.unread() == ["aws:sqs/queue:Queue.nonsense"]


REFUSED: list[tuple[Callable[[Cloud], object], str]] = [
    (lambda aws: aws.create("aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16"), "no provisioner is written"),
    (lambda aws: aws.create("aws:sqs/queue:Queue", delaySeconds=99_999), "CreateQueue was refused with .*; correct"),
    (lambda aws: aws.create("aws:iam/role:Role"), "the input 'assumeRolePolicy' is needed|Missing required parameter"),
    (lambda aws: aws.create("aws:lambda/function:Function", role="r"), "the input 'code' is needed to create it"),
    (lambda aws: aws.function(code=pulumi.AssetArchive({})), "the archive is empty"),
]


@pytest.mark.parametrize(("attempt", "words"), REFUSED)
def test_what_cannot_be_created_is_refused(aws: Cloud, attempt: Callable[[Cloud], object], words: str) -> None:
    with pytest.raises(ProgramError, match=words):
        attempt(aws)


def test_recording_knows_every_provisioned_type() -> None:
    assert SKETCHES.keys() == PROVISIONERS.keys() | RECORDED.keys()
