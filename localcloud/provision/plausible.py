"""What a resource's computed outputs would look like, made up from its URN: for recording, where nothing is created.

Names, ARNs and URLs that AWS derives from the inputs are exactly those that the provisioners answer; ids that AWS
draws at random are derived from the URN. A test compares both sides.
"""

from __future__ import annotations

from collections.abc import Callable

from localcloud.monitor import Created, Demand
from localcloud.provision.names import fingerprint, likely_uuid
from localcloud.provision.plausible_channels import CHANNEL_SKETCHES
from localcloud.provision.sketch import Sketch

_SAMPLE_TIME = "2026-01-01T00:00:00Z"
_ENDPOINT = "http://127.0.0.1:4566"


def plausible(demand: Demand, account_id: str, region: str) -> Created:
    """Id and computed outputs for `demand`; a type that is not listed gets an id and an ARN."""
    region = str(demand.inputs.get("region") or region)
    sketch = Sketch(demand.urn, demand.name, demand.inputs, account_id, region)
    return SKETCHES.get(demand.type, _other)(sketch)


def _other(it: Sketch) -> Created:
    name = it.name()
    return Created(name, {"name": name, "arn": it.arn("unknown", name)})


def _by_url(it: Sketch) -> Created:
    return Created(str(it.inputs["queueUrl"]), {})


def _by_bucket(it: Sketch) -> Created:
    return Created(str(it.inputs["bucket"]), {})


def _by_short_id(it: Sketch) -> Created:
    return Created(it.short_id, {})


def _key(it: Sketch) -> Created:
    id_ = likely_uuid(it.urn)
    return Created(id_, {"keyId": id_, "arn": it.arn("kms", f"key/{id_}")})


def _alias(it: Sketch) -> Created:
    name = it.name()
    name = name if name.startswith("alias/") else f"alias/{name}"
    target = it.arn("kms", f"key/{it.inputs['targetKeyId']}")
    return Created(name, {"name": name, "arn": it.arn("kms", name), "targetKeyArn": target})


def _parameter(it: Sketch) -> Created:
    name = it.name()
    return Created(name, {"name": name, "arn": it.arn("ssm", f"parameter/{name.lstrip('/')}"), "version": 1})


def _table(it: Sketch) -> Created:
    name = it.name()
    outputs = {"name": name, "arn": it.arn("dynamodb", f"table/{name}")}
    if it.inputs.get("streamEnabled"):
        label = _SAMPLE_TIME.replace("Z", ".000")
        outputs |= {"streamArn": f"{outputs['arn']}/stream/{label}", "streamLabel": label}
    return Created(name, outputs)


def _bucket(it: Sketch) -> Created:
    name = it.name("bucket", 63).lower()
    return Created(
        name,
        {
            "bucket": name,
            "arn": f"arn:aws:s3:::{name}",
            "bucketDomainName": f"{name}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{name}.s3.{it.region}.amazonaws.com",
        },
    )


def _role(it: Sketch) -> Created:
    name = it.name(longest=64)
    path = it.inputs.get("path", "/")
    arn = f"arn:aws:iam::{it.account}:role{path}{name}"
    unique = "AROA" + fingerprint(it.urn, 16).upper()
    return Created(name, {"name": name, "arn": arn, "uniqueId": unique, "createDate": _SAMPLE_TIME})


def _role_policy(it: Sketch) -> Created:
    name = it.name(longest=128)
    return Created(f"{it.inputs['role']}:{name}", {"name": name})


def _attachment(it: Sketch) -> Created:
    return Created(f"{it.inputs['role']}/{it.inputs['policyArn']}", {})


def _policy(it: Sketch) -> Created:
    name = it.name(longest=128)
    arn = f"arn:aws:iam::{it.account}:policy{it.inputs.get('path', '/')}{name}"
    return Created(arn, {"name": name, "arn": arn, "policyId": "ANPA" + fingerprint(it.urn, 16).upper()})


def _function(it: Sketch) -> Created:
    name = it.name(longest=64)
    arn = it.arn("lambda", f"function:{name}")
    version = "1" if it.inputs.get("publish") else "$LATEST"
    outputs = {
        "name": name,
        "version": version,
        "arn": arn,
        "invokeArn": f"arn:aws:apigateway:{it.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
        "qualifiedArn": f"{arn}:{version}",
        "codeSha256": fingerprint(it.urn, 43) + "=",
        "sourceCodeSize": 1,
        "lastModified": _SAMPLE_TIME,
    }
    return Created(name, outputs)


def _layer(it: Sketch) -> Created:
    layer = it.arn("lambda", f"layer:{it.inputs['layerName']}")
    return Created(f"{layer}:1", {"arn": f"{layer}:1", "layerArn": layer, "version": "1"})


def _mapping(it: Sketch) -> Created:
    id_ = likely_uuid(it.urn)
    name = str(it.inputs["functionName"])
    function = name if name.startswith("arn:") else it.arn("lambda", f"function:{name}")
    arn = it.arn("lambda", f"event-source-mapping:{id_}")
    return Created(id_, {"uuid": id_, "arn": arn, "functionArn": function, "state": "Enabled"})


def _permission(it: Sketch) -> Created:
    statement = it.name("statementId", 100)
    return Created(statement, {"statementId": statement})


def _queue(it: Sketch) -> Created:
    name = it.name(longest=80)
    if it.inputs.get("fifoQueue") and not name.endswith(".fifo"):
        name = f"{name[:75]}.fifo"
    url = f"https://sqs.{it.region}.amazonaws.com/{it.account}/{name}"
    return Created(url, {"name": name, "url": url, "arn": it.arn("sqs", name)})


def _topic(it: Sketch) -> Created:
    name = it.name(longest=256)
    if it.inputs.get("fifoTopic") and not name.endswith(".fifo"):
        name = f"{name[:251]}.fifo"
    arn = it.arn("sns", name)
    return Created(arn, {"name": name, "arn": arn, "owner": it.account})


def _topic_policy(it: Sketch) -> Created:
    return Created(str(it.inputs["arn"]), {"owner": it.account})


def _subscription(it: Sketch) -> Created:
    arn = f"{it.inputs['topic']}:{likely_uuid(it.urn)}"
    return Created(arn, {"arn": arn, "ownerId": it.account, "pendingConfirmation": False})


def _bus(it: Sketch) -> Created:
    name = it.name(longest=256)
    return Created(name, {"name": name, "arn": it.arn("events", f"event-bus/{name}")})


def _rule(it: Sketch) -> Created:
    name = it.name(longest=64)
    bus = str(it.inputs.get("eventBusName", "default"))
    state = it.inputs.get("state") or ("DISABLED" if it.inputs.get("isEnabled") is False else "ENABLED")
    path = name if bus == "default" else f"{bus}/{name}"
    return Created(path, {"name": name, "arn": it.arn("events", f"rule/{path}"), "state": state, "eventBusName": bus})


def _target(it: Sketch) -> Created:
    name = it.name("targetId", 64)
    bus = str(it.inputs.get("eventBusName", "default"))
    prefix = "" if bus == "default" else f"{bus}/"
    return Created(f"{prefix}{it.inputs['rule']}-{name}", {"targetId": name, "eventBusName": bus})


def _log_group(it: Sketch) -> Created:
    name = it.name(longest=512)
    return Created(name, {"name": name, "arn": it.arn("logs", f"log-group:{name}")})


def _alarm(it: Sketch) -> Created:
    name = it.name()
    return Created(name, {"name": name, "arn": it.arn("cloudwatch", f"alarm:{name}")})


def _composite(it: Sketch) -> Created:
    name = str(it.inputs["alarmName"])
    return Created(name, {"arn": it.arn("cloudwatch", f"alarm:{name}")})


def _dashboard(it: Sketch) -> Created:
    name = str(it.inputs["dashboardName"])
    return Created(name, {"dashboardArn": f"arn:aws:cloudwatch::{it.account}:dashboard/{name}"})


def _api(it: Sketch) -> Created:
    name = it.name(longest=128)
    websocket = it.inputs.get("protocolType") == "WEBSOCKET"
    address = f"{_ENDPOINT}/_aws/execute-api/{it.short_id}"
    outputs = {
        "name": name,
        "arn": f"arn:aws:apigateway:{it.region}::/apis/{it.short_id}",
        "executionArn": it.arn("execute-api", it.short_id),
        "apiEndpoint": address.replace("http", "ws", 1) if websocket else f"{address}/$default",
    }
    return Created(it.short_id, outputs)


def _authorizer(it: Sketch) -> Created:
    return Created(it.short_id, {"name": it.name(longest=128)})


def _stage(it: Sketch) -> Created:
    name = it.name(longest=128)
    api = it.inputs["apiId"]
    outputs = {
        "name": name,
        "arn": f"arn:aws:apigateway:{it.region}::/apis/{api}/stages/{name}",
        "executionArn": it.arn("execute-api", f"{api}/{name}"),
        "invokeUrl": f"{_ENDPOINT}/_aws/execute-api/{api}/{name}",
    }
    return Created(name, outputs)


def _user_pool(it: Sketch) -> Created:
    id_ = f"{it.region}_{it.short_id[:9]}"
    arn = it.arn("cognito-idp", f"userpool/{id_}")
    endpoint = f"cognito-idp.{it.region}.amazonaws.com/{id_}"
    return Created(id_, {"name": it.name(longest=128), "arn": arn, "endpoint": endpoint})


def _user_pool_client(it: Sketch) -> Created:
    return Created(fingerprint(it.urn, 26), {"name": it.name(longest=128), "clientSecret": ""})


SKETCHES: dict[str, Callable[[Sketch], Created]] = {
    "pulumi:providers:aws": lambda it: Created(likely_uuid(it.urn), {}),
    "aws:kms/key:Key": _key,
    "aws:kms/alias:Alias": _alias,
    "aws:ssm/parameter:Parameter": _parameter,
    "aws:dynamodb/table:Table": _table,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketVersioning:BucketVersioning": _by_bucket,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _by_bucket,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _by_bucket,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _by_bucket,
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _by_bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _by_bucket,
    "aws:s3/bucketPolicy:BucketPolicy": _by_bucket,
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _attachment,
    "aws:iam/policy:Policy": _policy,
    "aws:lambda/function:Function": _function,
    "aws:lambda/layerVersion:LayerVersion": _layer,
    "aws:lambda/eventSourceMapping:EventSourceMapping": _mapping,
    "aws:lambda/permission:Permission": _permission,
    "aws:sqs/queue:Queue": _queue,
    "aws:sqs/queuePolicy:QueuePolicy": _by_url,
    "aws:sqs/redrivePolicy:RedrivePolicy": _by_url,
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": _by_url,
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicPolicy:TopicPolicy": _topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": _subscription,
    "aws:cloudwatch/eventBus:EventBus": _bus,
    "aws:cloudwatch/eventRule:EventRule": _rule,
    "aws:cloudwatch/eventTarget:EventTarget": _target,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _composite,
    "aws:cloudwatch/dashboard:Dashboard": _dashboard,
    "aws:apigatewayv2/api:Api": _api,
    "aws:apigatewayv2/integration:Integration": _by_short_id,
    "aws:apigatewayv2/route:Route": _by_short_id,
    "aws:apigatewayv2/routeResponse:RouteResponse": _by_short_id,
    "aws:apigatewayv2/authorizer:Authorizer": _authorizer,
    "aws:apigatewayv2/stage:Stage": _stage,
    "aws:cognito/userPool:UserPool": _user_pool,
    "aws:cognito/userPoolClient:UserPoolClient": _user_pool_client,
    **CHANNEL_SKETCHES,
}
