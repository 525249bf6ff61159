"""What is published: by AWS of the resources that this product has, with exact dimension sets, and by the product."""

from __future__ import annotations

from collections.abc import Mapping

LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html"
API_GATEWAY = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html"
WEBSOCKETS = "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html"
EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html"
SNS = "https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html"

_FUNCTION = frozenset({"FunctionName"})
_QUEUE = frozenset({"QueueName"})
_TABLE = frozenset({"TableName"})
_INDEX = frozenset({"TableName", "GlobalSecondaryIndexName"})
_OPERATION = frozenset({"TableName", "Operation"})
_API = frozenset({"ApiId"})
_STAGE = frozenset({"ApiId", "Stage"})
_RULE = frozenset({"RuleName"})
_RULE_OF_BUS = frozenset({"RuleName", "EventBusName"})
_TOPIC = frozenset({"TopicName"})

DimensionSets = tuple[frozenset[str], ...]

PUBLISHED: Mapping[tuple[str, str], tuple[DimensionSets, str]] = {
    ("AWS/Lambda", "Invocations"): ((_FUNCTION,), LAMBDA),
    ("AWS/Lambda", "Errors"): ((_FUNCTION,), LAMBDA),
    ("AWS/Lambda", "Throttles"): ((_FUNCTION,), LAMBDA),
    ("AWS/Lambda", "Duration"): ((_FUNCTION,), LAMBDA),
    ("AWS/Lambda", "IteratorAge"): ((_FUNCTION,), LAMBDA),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ((_QUEUE,), SQS),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ((_QUEUE,), SQS),
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible"): ((_QUEUE,), SQS),
    # A table's throttle events leave out those of its indexes, and system errors come by operation only.
    ("AWS/DynamoDB", "ReadThrottleEvents"): ((_TABLE, _INDEX), DYNAMODB),
    ("AWS/DynamoDB", "WriteThrottleEvents"): ((_TABLE, _INDEX), DYNAMODB),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): ((_TABLE, _INDEX), DYNAMODB),
    ("AWS/DynamoDB", "SystemErrors"): ((_OPERATION,), DYNAMODB),
    ("AWS/ApiGateway", "Count"): ((_API,), API_GATEWAY),
    ("AWS/ApiGateway", "4xx"): ((_API,), API_GATEWAY),
    ("AWS/ApiGateway", "5xx"): ((_API,), API_GATEWAY),
    ("AWS/ApiGateway", "Latency"): ((_API,), API_GATEWAY),
    ("AWS/ApiGateway", "ConnectCount"): ((_API, _STAGE), WEBSOCKETS),
    ("AWS/ApiGateway", "MessageCount"): ((_API, _STAGE), WEBSOCKETS),
    ("AWS/ApiGateway", "IntegrationError"): ((_API, _STAGE), WEBSOCKETS),
    ("AWS/ApiGateway", "ExecutionError"): ((_API, _STAGE), WEBSOCKETS),
    # The rule alone for rules of the default bus, rule and bus together for those of a custom one.
    ("AWS/Events", "Invocations"): ((_RULE, _RULE_OF_BUS), EVENTS),
    ("AWS/Events", "FailedInvocations"): ((_RULE, _RULE_OF_BUS), EVENTS),
    ("AWS/Events", "InvocationsSentToDlq"): ((_RULE, _RULE_OF_BUS), EVENTS),
    ("AWS/SNS", "NumberOfMessagesPublished"): ((_TOPIC,), SNS),
    ("AWS/SNS", "NumberOfNotificationsDelivered"): ((_TOPIC,), SNS),
    ("AWS/SNS", "NumberOfNotificationsFailed"): ((_TOPIC,), SNS),
}
"""Namespace and name to dimension sets and the page that says so."""

TWELVE = (
    *("MessagesSent", "MessagesPerSecond", "UtilizationPercent", "DeliveryRate", "FailedDeliveries"),
    *("DeliveryLatency", "ThrottledMessages", "AvailableCapacity", "TokenRefillRate"),
    *("MessageCost", "TotalCost", "CostPerCustomer"),
)
"""The metrics that the product promises beside its alarms."""
