"""Rights in plain words: `campaign-worker may now delete items in table ...`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from localcloud.graph import RecordedGraph, Registration
from localcloud.iam_documents import EVERYTHING_BUT
from localcloud.preview.grants import Grant
from localcloud.preview.names import Names, title
from localcloud.rights import WHOLE_TYPE, unread

VERBS: dict[str, tuple[str, str]] = {
    "cloudwatch:PutMetricData": ("put", "metrics into"),
    "dynamodb:BatchGetItem": ("batch-read", "items in"),
    "dynamodb:BatchWriteItem": ("batch-write", "items in"),
    "dynamodb:ConditionCheckItem": ("check", "items in"),
    "dynamodb:DeleteItem": ("delete", "items in"),
    "dynamodb:DeleteTable": ("delete", ""),
    "dynamodb:DescribeStream": ("describe", ""),
    "dynamodb:DescribeTable": ("describe", ""),
    "dynamodb:GetItem": ("read", "items in"),
    "dynamodb:GetRecords": ("read", ""),
    "dynamodb:GetShardIterator": ("iterate over", ""),
    "dynamodb:ListStreams": ("list", ""),
    "dynamodb:PutItem": ("put", "items in"),
    "dynamodb:Query": ("query", "items in"),
    "dynamodb:Scan": ("scan", "items in"),
    "dynamodb:UpdateItem": ("update", "items in"),
    "events:PutEvents": ("put", "events on"),
    "execute-api:Invoke": ("call", ""),
    "execute-api:ManageConnections": ("post to and close", "the connections of"),
    "iam:PassRole": ("hand over", ""),
    "kms:Decrypt": ("decrypt", "with"),
    "kms:DescribeKey": ("describe", ""),
    "kms:Encrypt": ("encrypt", "with"),
    "kms:GenerateDataKey": ("make", "data keys with"),
    "kms:GenerateDataKeyWithoutPlaintext": ("make", "sealed data keys with"),
    "kms:ReEncryptFrom": ("re-encrypt", "from"),
    "kms:ReEncryptTo": ("re-encrypt", "to"),
    "kms:RetireGrant": ("retire", "grants of"),
    "lambda:InvokeFunction": ("invoke", ""),
    "lambda:InvokeFunctionUrl": ("call", "the URL of"),
    "logs:CreateLogGroup": ("create", ""),
    "logs:CreateLogStream": ("open", "streams in"),
    "logs:PutLogEvents": ("write", "lines to"),
    "s3:DeleteObject": ("delete", ""),
    "s3:GetObject": ("read", ""),
    "s3:ListBucket": ("list", "the objects of"),
    "s3:PutObject": ("write", ""),
    "secretsmanager:GetSecretValue": ("read", "the value of"),
    "ses:SendBulkEmail": ("send", "bulk e-mail from"),
    "ses:SendEmail": ("send", "e-mail from"),
    "ses:SendRawEmail": ("send", "raw e-mail from"),
    "sms-voice:SendTextMessage": ("send", "SMS from"),
    "sns:Publish": ("publish", "messages to"),
    "sns:Subscribe": ("subscribe", "endpoints to"),
    "social-messaging:SendWhatsAppMessage": ("send", "WhatsApp messages from"),
    "sqs:ChangeMessageVisibility": ("postpone", "messages of"),
    "sqs:DeleteMessage": ("delete", "messages of"),
    "sqs:GetQueueAttributes": ("read", "the attributes of"),
    "sqs:PurgeQueue": ("purge", ""),
    "sqs:ReceiveMessage": ("receive", "messages of"),
    "sqs:SendMessage": ("send", "messages into"),
    "ssm:GetParameter": ("read", ""),
    "sts:AssumeRole": ("act as", ""),
    "xray:PutTelemetryRecords": ("send", "traces to X-Ray for"),
    "xray:PutTraceSegments": ("send", "traces to X-Ray for"),
}
"""Verb and what stands between it and the resource, by action; other actions are named as they are."""


@dataclass(frozen=True, slots=True)
class Said:
    """A change of rights as one sentence, with the grants behind it."""

    sentence: str
    principal: str
    actions: tuple[str, ...]
    resource: str


def gains(granted: Iterable[Grant], undenied: Iterable[Grant], names: Names) -> list[Said]:
    """What may now be done: new grants, and old denials that are gone (`names` knows the resources of both)."""
    return [
        *_sentences(_allowing(granted), "{} may now {}", names),
        *_sentences(_denying(undenied), "no longer refused to {}: {}", names),
    ]


def losses(
    revoked: Iterable[Grant], denied: Iterable[Grant], names: Names, partly: frozenset[Grant] = frozenset()
) -> list[Said]:
    """What may no longer be done: grants that are gone, and new denials; of those in `partly` something is left."""
    gone = list(_allowing(revoked))
    return [
        *_sentences([each for each in gone if each not in partly], "{} may no longer {}", names),
        *_sentences([each for each in gone if each in partly], "{} may no longer {}; narrower rights remain", names),
        *_sentences(_denying(denied), "now refused to {}: {}", names),
    ]


def unreadable(before: RecordedGraph, after: RecordedGraph) -> tuple[list[Said], list[Said]]:
    """Resources of `after` whose rights nobody here can read, if they are new or changed; those that are gone."""
    old, new = _unread(before), _unread(after)
    came = [item for urn, item in new.items() if urn not in old or old[urn].inputs != item.inputs]
    went = [item for urn, item in old.items() if urn not in new]
    return (
        [_of_unread(item, "gives rights that this preview cannot read") for item in came],
        [_of_unread(item, "no longer gives rights that this preview cannot read") for item in went],
    )


def _unread(graph: RecordedGraph) -> dict[str, Registration]:
    return {item.urn: item for item in graph.registrations if item.custom and unread(item) is not None}


def _of_unread(item: Registration, words: str) -> Said:
    part = unread(item)
    return Said(f"{title(item)} {words}" + ("" if part == WHOLE_TYPE else f" ({part})"), title(item), (), item.urn)


def _allowing(given: Iterable[Grant]) -> Iterator[Grant]:
    return (grant for grant in given if grant.allows)


def _denying(given: Iterable[Grant]) -> Iterator[Grant]:
    return (grant for grant in given if not grant.allows)


def _sentences(given: Iterable[Grant], form: str, names: Names) -> list[Said]:
    grouped: dict[tuple[str, str, tuple[tuple[str, str, tuple[str, ...]], ...]], set[str]] = defaultdict(set)
    for grant in given:
        grouped[grant.principal, grant.resource, grant.conditions].add(grant.action)
    said = []
    for (principal, resource, conditions), actions in sorted(grouped.items()):
        verbs = _verbs(sorted(actions), names.resource(resource))
        bounds = "".join(f", {_condition(*each, names)}" for each in conditions)
        said.append(Said(form.format(principal, verbs + bounds), principal, tuple(sorted(actions)), resource))
    return said


def _verbs(actions: Sequence[str], resource: str) -> str:
    """`read and delete items in X and send messages into X`, verbs with one object joined."""
    by_object: dict[str, list[str]] = defaultdict(list)
    for action in actions:
        verb, thing = _verb(action)
        if verb not in by_object[thing]:
            by_object[thing].append(verb)
    phrases = [" ".join(filter(None, (_joined(verbs), thing))) for thing, verbs in by_object.items()]
    return f"{_joined(phrases)} {resource}"


def _verb(action: str) -> tuple[str, str]:
    if action.startswith("arn:"):
        return "do", f"all that the managed policy {action.rpartition('/')[2]} allows on"
    if action.startswith(EVERYTHING_BUT):
        return "do", f"{action} on"
    service, _, name = action.partition(":")
    if action == "*" or name == "*":
        return "do", f"anything ({action}) with"
    known = VERBS.get(action)
    return known if known else ("use", f"{service}:{name} on")


def _joined(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _condition(operator: str, key: str, values: tuple[str, ...], names: Names) -> str:
    if key.lower() == "aws:sourcearn":
        return "for " + _joined([names.resource(value) for value in values])
    if key.lower() == "aws:sourceaccount":
        return "for account " + _joined(list(values))
    if key.lower() == "aws:securetransport":
        return "over plain HTTP" if values == ("false",) else "over TLS"
    return f"if {key} is {_joined(list(values))} ({operator})"
