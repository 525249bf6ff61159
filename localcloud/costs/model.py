"""The estimate: each resource type costs something by a function, or nothing for a written reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from lambdas.core import metrics
from lambdas.core.channels import Channel
from lambdas.core.outputs import output_name
from lambdas.core.session_errors import SessionError
from localcloud import resource_types as types
from localcloud.costs import parts, prices
from localcloud.costs.parts import Load
from localcloud.costs.prices import UnitPrice
from localcloud.costs.usage import Usage
from localcloud.graph import RecordedGraph, Registration
from localcloud.view import View, inside

_EMAIL_SET = "aws:sesv2/configurationSet:ConfigurationSet"
_SMS_SET = "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet"
WHATSAPP_OUTPUT = "WhatsappPhoneNumberId"
"""The stack output that is not empty where the WhatsApp channel is on: it has no resource of its own in AWS."""

SESSIONS_OUTPUT = output_name("websocket_api_endpoint")
"""The stack output that is not empty where sessions are on."""

TRACED_SHARE = 0.05
"""X-Ray's default rule records 5 % of the requests beyond one a second (X-Ray developer guide, "Sampling rules")."""

ACCESS_LOG_KB = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an estimate.

    `urn` and `item` identify it across revisions (the URN is empty for what belongs to the whole stack); `assumed`
    says that the model does not know the resource's part and took the usage's figures for others.
    """

    urn: str
    service: str
    item: str
    quantity: float
    price: UnitPrice
    assumed: bool = False

    @property
    def usd(self) -> Decimal:
        """US dollars a month."""
        return self.price.of(self.quantity)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The lines of the infrastructure, those of messages (fees of carriers and providers), and types without either
    a price or a reason for having none."""

    infrastructure: tuple[Line, ...]
    messages: tuple[Line, ...]
    unpriced: tuple[str, ...]

    @property
    def infrastructure_usd(self) -> Decimal:
        """US dollars a month for the infrastructure."""
        return sum((line.usd for line in self.infrastructure), Decimal(0))

    @property
    def messages_usd(self) -> Decimal:
        """US dollars a month for messages."""
        return sum((line.usd for line in self.messages), Decimal(0))


@dataclass(frozen=True, slots=True)
class _Context:
    view: View
    load: Load


def estimate(graph: RecordedGraph, usage: Usage) -> Estimate:
    """A month of `graph` under `usage`."""
    load = Load(usage, channels(graph), has_sessions=bool(graph.stack_outputs.get(SESSIONS_OUTPUT)))
    context = _Context(View(graph), load)
    lines: list[Line] = []
    unpriced: set[str] = set()
    for item in context.view.resources():
        if item.type in COSTS:
            lines.extend(COSTS[item.type](item, context))
        elif item.type not in FREE:
            unpriced.add(item.type)
    if any(True for _ in context.view.of(types.FUNCTION)):
        lines.append(Line("", "CloudWatch", "custom metrics", _metrics_published(load), prices.CUSTOM_METRIC))
    return Estimate(tuple(lines), tuple(_messages(load)), tuple(sorted(unpriced)))


def channels(graph: RecordedGraph) -> tuple[str, ...]:
    """The channels that the stack has."""
    present = {
        "sms": bool(graph.of_type(_SMS_SET)),
        "whatsapp": bool(graph.stack_outputs.get(WHATSAPP_OUTPUT)),
        "email": bool(graph.of_type(_EMAIL_SET)),
    }
    return tuple(channel for channel in parts.CHANNELS if present[channel])


def _metrics_published(load: Load) -> int:
    values = {
        metrics.CHANNEL: len(load.channels),
        metrics.CODE: len(SessionError),
        metrics.OPERATION: parts.RATE_LIMITS,
    }
    catalogue = metrics.CATALOGUE if load.has_sessions else metrics.MESSAGES
    return sum(values.get(names[-1], 1) for item in catalogue for names in item.dimension_sets)


def _messages(load: Load) -> Iterator[Line]:
    usage = load.usage
    if "sms" in load.channels:
        price = prices.message(Channel.SMS, "SMS parts to the US", country="US")
        yield Line("", "messages", "SMS", load.messages_of("sms") * usage.parts_per_sms, price)
    if "whatsapp" in load.channels:
        number, share = load.messages_of("whatsapp"), usage.whatsapp_template_share
        template = prices.message(Channel.WHATSAPP, "WhatsApp marketing templates to the US", template=True)
        yield Line("", "messages", "WhatsApp templates", number * share, template)
        answer = prices.message(Channel.WHATSAPP, "WhatsApp messages within 24 hours of the recipient's own")
        yield Line("", "messages", "WhatsApp answers", number * (1 - share), answer)
    if "email" in load.channels:
        price = prices.message(Channel.EMAIL, "e-mails (SES Essentials)")
        yield Line("", "messages", "e-mail", load.messages_of("email"), price)


def _function(it: Registration, context: _Context) -> Iterator[Line]:
    runs, known = parts.runs(it, context.load)
    gigabytes = _number(it, "memorySize", 128) / 1024
    second = prices.LAMBDA_ARM_SECOND if it.inputs.get("architectures") == ["arm64"] else prices.LAMBDA_X86_SECOND
    yield Line(it.urn, "Lambda", "requests", runs.invocations, prices.LAMBDA_REQUEST, not known)
    yield Line(it.urn, "Lambda", "compute", runs.invocations * runs.seconds * gigabytes, second, not known)
    if inside(it.inputs, "tracingConfig", "mode") == "Active":
        yield Line(it.urn, "X-Ray", "traces", runs.invocations * TRACED_SHARE, prices.TRACE, not known)


def _table(it: Registration, context: _Context) -> Iterator[Line]:
    units, known = parts.units(it, context.load)
    kept = context.load.usage.kept_gb_per_table
    yield Line(it.urn, "DynamoDB", "writes", units.writes, prices.WRITE_UNIT, not known)
    yield Line(it.urn, "DynamoDB", "reads", units.reads, prices.READ_UNIT, not known)
    yield Line(it.urn, "DynamoDB", "storage", kept, prices.TABLE_STORAGE, not known)
    if inside(it.inputs, "pointInTimeRecovery", "enabled") is True:
        yield Line(it.urn, "DynamoDB", "recovery", kept, prices.RECOVERY, not known)


def _queue(it: Registration, context: _Context) -> Iterator[Line]:
    mappings = context.view.pointing(it, types.EVENT_SOURCE_MAPPING, "eventSourceArn")
    if not mappings and context.view.pointed_by_any(it, "redrivePolicy", "deadLetterConfig", "destinationConfig"):
        yield Line(it.urn, "SQS", "requests", 0, prices.QUEUE_REQUEST)
        return
    messages, known = parts.queued(it, context.load)
    batch = min([10.0, *(_number(mapping, "batchSize", 10) for mapping in mappings)])
    # One send each; received and deleted by the batch.
    yield Line(it.urn, "SQS", "requests", messages * (1 + 2 / batch), prices.QUEUE_REQUEST, not known)
    if mappings:
        yield Line(it.urn, "SQS", "idle polls", parts.POLLERS * 3 * parts.MINUTES, prices.QUEUE_REQUEST)


def _topic(it: Registration, context: _Context) -> Iterator[Line]:
    receipts = parts.receipts_by_topic(it.name, context.load)
    published = context.load.usage.alarm_notifications if receipts is None else receipts
    yield Line(it.urn, "SNS", "messages", published, prices.PUBLISH)


def _rule(it: Registration, context: _Context) -> Iterator[Line]:
    if "eventPattern" not in it.inputs:
        return  # ticks of a rule's schedule are free
    own_bus = it.inputs.get("eventBusName", "default") != "default"
    receipts = parts.receipts_by_topic(it.name, context.load) or 0
    yield Line(it.urn, "EventBridge", "events", receipts, prices.EVENT if own_bus else prices.EVENT_OF_AWS)


def _log_group(it: Registration, context: _Context) -> Iterator[Line]:
    functions = context.view.pointing(it, types.FUNCTION, "loggingConfig")
    usage, load = context.load.usage, context.load
    kilobytes = sum(parts.runs(each, load)[0].invocations for each in functions) * usage.log_kb_per_invocation
    if context.view.pointing(it, types.API_STAGE, "accessLogSettings"):
        kilobytes += usage.api_calls * ACCESS_LOG_KB
    gigabytes = kilobytes / 1024**2
    months = _number(it, "retentionInDays", 365) / 30
    yield Line(it.urn, "CloudWatch Logs", "lines", gigabytes, prices.LOG_INGESTION)
    yield Line(it.urn, "CloudWatch Logs", "kept lines", gigabytes * months, prices.LOG_STORAGE)


def _alarm(it: Registration, _: _Context) -> Iterator[Line]:
    """An alarm on an expression costs as many as the metrics in it (CloudWatch user guide, "Billing and cost")."""
    queries = it.inputs.get("metricQueries")
    listed = queries if isinstance(queries, list) else []
    watched = sum(isinstance(query, dict) and "metric" in query for query in listed) or 1
    fast = isinstance(period := it.inputs.get("period"), int) and period < 60
    yield Line(it.urn, "CloudWatch", "alarm", watched, prices.ALARM_HIGH_RESOLUTION if fast else prices.ALARM)


def _bucket(it: Registration, context: _Context) -> Iterator[Line]:
    load = context.load
    objects = load.usage.campaigns + load.campaign_messages / parts.OBJECT_ROWS
    yield Line(it.urn, "S3", "storage", load.usage.kept_gb_of_objects, prices.OBJECT_STORAGE)
    yield Line(it.urn, "S3", "writes", objects, prices.OBJECT_WRITE)
    yield Line(it.urn, "S3", "reads", objects, prices.OBJECT_READ)


def _key(it: Registration, context: _Context) -> Iterator[Line]:
    yield Line(it.urn, "KMS", "key", 1, prices.KEY)
    yield Line(it.urn, "KMS", "requests", context.load.usage.key_requests, prices.KEY_REQUEST)


def _api(it: Registration, context: _Context) -> Iterator[Line]:
    if it.inputs.get("protocolType") == "WEBSOCKET":
        yield Line(it.urn, "API Gateway", "messages", context.load.socket_messages, prices.SOCKET_MESSAGE)
        yield Line(it.urn, "API Gateway", "connections", context.load.connection_minutes, prices.SOCKET_MINUTE)
        return
    yield Line(it.urn, "API Gateway", "calls", context.load.usage.api_calls, prices.API_CALL)


def _user_pool(it: Registration, context: _Context) -> Iterator[Line]:
    yield Line(it.urn, "Cognito", "users", context.load.usage.speakers, prices.USER)


def _number_lease(it: Registration, _: _Context) -> Iterator[Line]:
    kind = str(it.inputs.get("numberType"))
    yield Line(it.urn, "phone numbers", "lease", 1, prices.PHONE_NUMBERS.get(kind, prices.PHONE_NUMBERS["LONG_CODE"]))


def _parameter(it: Registration, _: _Context) -> Iterator[Line]:
    if it.inputs.get("tier") == "Advanced":
        yield Line(it.urn, "SSM", "advanced parameter", 1, prices.PARAMETER_ADVANCED)


def _once(service: str, item: str, price: UnitPrice) -> Callable[[Registration, _Context], Iterator[Line]]:
    def lines(it: Registration, _: _Context) -> Iterator[Line]:
        yield Line(it.urn, service, item, 1, price)

    return lines


def _number(it: Registration, name: str, default: float) -> float:
    value = it.inputs.get(name, default)
    return float(value) if isinstance(value, (int, float)) else default


COSTS: Mapping[str, Callable[[Registration, _Context], Iterator[Line]]] = {
    types.ALARM: _alarm,
    types.API: _api,
    types.BUCKET: _bucket,
    types.COMPOSITE_ALARM: _once("CloudWatch", "composite alarm", prices.COMPOSITE_ALARM),
    types.DASHBOARD: _once("CloudWatch", "dashboard", prices.DASHBOARD),
    types.EVENT_RULE: _rule,
    types.FUNCTION: _function,
    types.KEY: _key,
    types.LOG_GROUP: _log_group,
    types.PARAMETER: _parameter,
    types.PHONE_NUMBER: _number_lease,
    types.QUEUE: _queue,
    types.SECRET: _once("Secrets Manager", "secret", prices.SECRET),
    types.TABLE: _table,
    types.TOPIC: _topic,
    types.USER_POOL: _user_pool,
}
"""What each type costs."""

_PART = "part of its parent, which is priced"
_RIGHTS = "rights cost nothing"

FREE: Mapping[str, str] = {
    "aws:apigatewayv2/authorizer:Authorizer": _PART,
    "aws:apigatewayv2/integration:Integration": _PART,
    types.API_ROUTE: _PART,
    types.API_ROUTE_RESPONSE: _PART,
    types.API_STAGE: "calls are priced at the API, access logs at their group",
    types.USER_POOL_CLIENT: _PART,
    types.EVENT_BUS: "events are priced at the rule that matches them",
    types.EVENT_BUS_POLICY: _RIGHTS,
    types.EVENT_TARGET: "delivery within the account is free",
    types.ROLE: _RIGHTS,
    types.ROLE_POLICY: _RIGHTS,
    types.ROLE_POLICY_ATTACHMENT: _RIGHTS,
    types.MANAGED_POLICY: _RIGHTS,
    "aws:kms/alias:Alias": "only keys are billed",
    types.EVENT_SOURCE_MAPPING: "its polls are priced at the queue; reads of a stream by Lambda are free",
    types.FUNCTION_INVOKE_CONFIG: _PART,
    types.LAYER: "storage of code up to the account's quota is free",
    types.PERMISSION: _RIGHTS,
    _SMS_SET: "messages are billed, their configuration is not",
    "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination": "what it feeds is priced",
    "aws:pinpoint/smsvoicev2Keyword:Smsvoicev2Keyword": "answers are billed as messages, keywords are not",
    "aws:pinpoint/smsvoicev2OptOutList:Smsvoicev2OptOutList": "messages are billed, lists are not",
    "aws:pinpoint/smsvoicev2Pool:Smsvoicev2Pool": "numbers are billed, pools around them are not",
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _RIGHTS,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "expiration is free",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _PART,
    types.BUCKET_ENCRYPTION: "its key is priced",
    types.BUCKET_POLICY: _RIGHTS,
    types.BUCKET_PRIVACY: _RIGHTS,
    types.SECRET_ROTATION: "the function that rotates is priced",
    _EMAIL_SET: "messages are billed, their configuration is not",
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": "what it feeds is priced",
    "aws:sesv2/emailIdentity:EmailIdentity": "identities are free, dedicated addresses would not be",
    "aws:sesv2/emailIdentityFeedbackAttributes:EmailIdentityFeedbackAttributes": _PART,
    "aws:sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes": _PART,
    types.TOPIC_POLICY: _RIGHTS,
    types.TOPIC_SUBSCRIPTION: "deliveries to queues and functions are free, e-mails of alarms are a handful",
    types.QUEUE_POLICY: _RIGHTS,
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": _RIGHTS,
    "aws:sqs/redrivePolicy:RedrivePolicy": _RIGHTS,
    types.FUNCTION_URL: "its function is priced",
    types.EMAIL_IDENTITY_POLICY: _RIGHTS,
    types.FUNCTION_POLICY: _RIGHTS,
    types.GROUP_POLICY: _RIGHTS,
    types.GROUP_POLICY_ATTACHMENT: _RIGHTS,
    types.KEY_GRANT: _RIGHTS,
    types.KEY_POLICY: _RIGHTS,
    types.LOG_POLICY: _RIGHTS,
    types.PHONE_NUMBER_POLICY: _RIGHTS,
    types.POLICY_ATTACHMENT: _RIGHTS,
    types.SECRET_POLICY: _RIGHTS,
    types.TABLE_POLICY: _RIGHTS,
    types.USER_POLICY: _RIGHTS,
    types.USER_POLICY_ATTACHMENT: _RIGHTS,
    "pulumi:pulumi:Stack": "exists in Pulumi only",
    "pulumi:providers:aws": "exists in Pulumi only",
}
"""Types that cost nothing by themselves, and why."""
