"""The checks of `doctor` about rights: what a screen reads is read once, in a way that changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from console.clock import Clock
from console.domain import ConsoleError, ProblemKind
from console.headless.checks import Check, Word, verdict
from console.services.errors import classify
from console.sources.base import Connection
from console.telemetry import MessageSearch

POLICY = "docs/console-policy.json"
NOBODY = "doctor"
"""A customer and a message whose rows are looked for: whether there are any does not matter."""
SECONDS = 60.0
"""Of a metric and of a log: one period, a page at most."""
NOT_TRIED = (
    "sqs:ChangeMessageVisibility",
    "sqs:SendMessage",
    "sqs:DeleteMessage",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "cognito-idp:AdminCreateUser",
    "cognito-idp:AdminSetUserPassword",
    "cognito-idp:AdminInitiateAuth",
    "cognito-idp:AdminDeleteUser",
)
"""What dead letters, a redrive and `session test` take: no call would tell these rights without touching a message or
a user."""


@dataclass(frozen=True, slots=True)
class Right:
    """Actions of IAM that `purpose` needs, and a read that takes all of them; it says so where there is nothing to
    try them on."""

    name: str
    actions: tuple[str, ...]
    purpose: str
    ask: Callable[[], str | None]


def right_checks(connection: Connection, clock: Clock) -> Iterator[tuple[str, Callable[[], Check]]]:
    """Name and check of each right that `POLICY` lists and a harmless read can try."""
    for right in rights(connection, clock):
        yield f"right: {right.name}", partial(_check, right)
    yield (
        "rights on messages",
        lambda: verdict(Word.SKIP, f"not tried, as nothing but a message or user shows them: {', '.join(NOT_TRIED)}"),
    )


def rights(connection: Connection, clock: Clock) -> tuple[Right, ...]:
    """All that can be tried; those of the alarms' list, the API and the outputs have checks of their own."""
    source, telemetry, records = connection.source, connection.telemetry, connection.records

    def metrics() -> str | None:
        rules = telemetry.rules([alarm.name for alarm in source.alarms()])
        if not rules:
            return "there is no alarm with a metric"
        now = clock.now()
        telemetry.series(min(rules.values(), key=lambda rule: len(rule.queries)), now - SECONDS, now)
        return None

    def history() -> str | None:
        alarms = source.alarms()
        if not alarms:
            return "there is no alarm"
        telemetry.alarm(alarms[0].name)
        return None

    def letters() -> str | None:
        empty = [state.queue for state in telemetry.queues() if state.dead_letters and not state.dead_letters.waiting]
        if not empty:
            return "every dead-letter queue holds messages, and a look counts as one receive more"
        telemetry.letters(empty[0].name)
        return None

    def bill() -> str | None:
        began, read = clock.now(), telemetry.bill()
        if read is None:
            return "there is no Cost Explorer"
        return "the answer of a question before is kept, as each costs a cent" if read.as_of < began else None

    def logs() -> None:
        telemetry.logs(telemetry.log_groups()[0], clock.now() - SECONDS, clock.now())

    def messages() -> None:
        records.search(MessageSearch(customer_id=NOBODY))
        records.search(MessageSearch(message_id=NOBODY))

    return (
        Right("an alarm's history", ("cloudwatch:DescribeAlarmHistory",), "an alarm", history),
        Right("metrics", ("cloudwatch:GetMetricData",), "charts and queues", metrics),
        Right("campaigns", ("dynamodb:Query",), "campaigns and cost", _each(source.campaigns, source.spend)),
        Right("messages", ("dynamodb:Query", "dynamodb:BatchGetItem"), "messages", messages),
        Right(
            "sessions",
            ("dynamodb:BatchGetItem", "lambda:GetFunctionConfiguration"),
            "sessions",
            partial(_sessions, connection),
        ),
        Right("logs", ("logs:FilterLogEvents",), "logs", logs),
        Right(
            "deployments",
            ("lambda:GetFunctionConfiguration", "ssm:GetParameterHistory"),
            "deployments",
            _each(telemetry.deployments),
        ),
        Right("resources", ("tag:GetResources",), "resources", _each(telemetry.resources)),
        Right("queues", ("sqs:GetQueueAttributes", "cloudwatch:GetMetricData"), "queues", _each(telemetry.queues)),
        Right("dead letters", ("sqs:ReceiveMessage",), "a look at dead letters", letters),
        Right("the bill", ("ce:GetCostAndUsage",), "AWS's bill", bill),
    )


def _sessions(connection: Connection) -> str | None:
    if not connection.outputs.sessions.sessions_table:
        return "the stack has no sessions"
    connection.sessions.roster()
    return None


def _each(*reads: Callable[[], object]) -> Callable[[], None]:
    def ask() -> None:
        for read in reads:
            read()

    return ask


def _check(right: Right) -> Check:
    try:
        nothing = right.ask()
    except Exception as error:
        if classify(error).kind is not ProblemKind.FORBIDDEN or isinstance(error, ConsoleError):
            raise
        return verdict(
            Word.FAIL,
            f"{_refused(right, error)} is refused, which {right.purpose} needs",
            f"allow it as {POLICY} does, or use another --profile",
        )
    if nothing:
        return verdict(Word.SKIP, f"not tried: {nothing}")
    return verdict(Word.OK, ", ".join(right.actions))


def _refused(right: Right, error: Exception) -> str:
    """The action behind botocore's error, which names its operation; all of the right's where it is none of them."""
    operation = getattr(error, "operation_name", "")
    asked = [action for action in right.actions if action.rpartition(":")[2] == operation]
    return " or ".join(asked or right.actions)
