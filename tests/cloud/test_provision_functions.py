"""Roles, and functions with their layers, permissions and mappings, read back as they were asked for."""

from __future__ import annotations

import json

import pulumi

from tests.cloud.provisioning import ALLOW, TRUST, Cloud, tags


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
