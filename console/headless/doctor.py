"""`doctor`: is everything there that this console and this stack need; each check in one word with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from console.clock import Clock, SystemClock
from console.domain import ConsoleError, ProblemKind
from console.exit_codes import ExitCode
from console.headless import talk
from console.headless.channel_checks import channel_checks
from console.headless.checks import Check, Word, verdict
from console.headless.rights import right_checks
from console.services.errors import Caller, caller_of, classify
from console.sources.account_guard import caller as caller_identity
from console.sources.base import Connection
from console.sources.clients import Clients
from console.sources.tables import Tables
from console.text import safe_line
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, line, pad, text_of

SKEW_WARN_SECONDS = 60.0
SKEW_FAIL_SECONDS = 300.0
PENDING = "PendingConfirmation"


def examine(connection: Connection, clients: Clients, clock: Clock | None = None) -> Iterator[Check]:
    """Run all checks, each guarded: a check that raises is a verdict, not the end."""
    clock = clock or SystemClock()
    outputs = connection.outputs
    tables = {
        "campaigns": outputs.campaigns.campaigns_table,
        "delivery tracking": outputs.messaging.delivery_tracking_table,
        "rate limits": outputs.messaging.rate_limits_table,
    }
    yield Check(
        "outputs", Word.OK, f"{outputs.identity.project}/{outputs.identity.stack}, {len(outputs.to_mapping())} found"
    )
    guard = partial(_guard, caller=caller_of(connection))
    yield guard("identity", lambda: _identity(connection, clients))
    yield guard("clock", lambda: _clock(clients, clock))
    for name, table in tables.items():
        yield guard(f"table {name}", partial(_table, clients, table))
    yield guard("campaign API", lambda: _api(connection))
    yield guard("alarms", lambda: _alarms(connection))
    for name, topic in (
        ("warning e-mail", outputs.monitoring.warning_topic_arn),
        ("critical e-mail", outputs.monitoring.critical_topic_arn),
    ):
        yield guard(name, partial(_subscriptions, clients, topic))
    for name, check in (*right_checks(connection, clock), *channel_checks(clients, outputs.messaging)):
        yield guard(name, check)


def _guard(name: str, check: Callable[[], Check], caller: Caller) -> Check:
    try:
        found = check()
    except Exception as error:
        problem = classify(error, caller)
        return Check(name, Word.FAIL, problem.sentence, problem.remedy)
    return Check(name, found.word, found.detail, found.remedy)


def _identity(connection: Connection, clients: Clients) -> Check:
    account, arn = caller_identity(clients)
    if account != connection.outputs.identity.account_id:
        return verdict(
            Word.FAIL,
            f"{arn}, but the stack is in {connection.outputs.identity.account_id}",
            "choose another --profile",
        )
    return verdict(Word.OK, arn)


def _clock(clients: Clients, clock: Clock) -> Check:
    answer = clients.client("sts").get_caller_identity()
    stamp = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if stamp is None:
        return verdict(Word.WARN, "the answers carry no date to compare with")
    skew = clock.now() - parsedate_to_datetime(stamp).timestamp()
    word = Word.OK if abs(skew) < SKEW_WARN_SECONDS else Word.WARN if abs(skew) < SKEW_FAIL_SECONDS else Word.FAIL
    remedy = "" if word is Word.OK else "set the clock, for example `timedatectl set-ntp true`"
    return verdict(word, f"{abs(skew):.0f} s from the service's", remedy)


def _table(clients: Clients, table: str) -> Check:
    status = Tables(clients).status(table)
    if status == "ACTIVE":
        return verdict(Word.OK, f"{table} is active")
    return verdict(Word.WARN, f"{table} is {safe_line(status, 40)}", "wait until it is active")


def _api(connection: Connection) -> Check:
    connection.api.ping()
    return verdict(Word.OK, f"{connection.outputs.campaigns.api_url} answers")


def _alarms(connection: Connection) -> Check:
    alarms = connection.source.alarms()
    prefix = connection.outputs.monitoring.alarm_name_prefix
    if not alarms:
        return verdict(Word.FAIL, f"no alarm has the prefix {prefix}", "deploy the stack again")
    without = [alarm.name for alarm in alarms if not alarm.runbook]
    if without:
        return verdict(Word.WARN, f"{len(without)} of {len(alarms)} alarms name no runbook, such as {without[0]}")
    return verdict(Word.OK, f"{len(alarms)} alarms, each with a runbook")


def _subscriptions(clients: Clients, topic: str) -> Check:
    found: list[dict[str, Any]] = []
    request: dict[str, Any] = {"TopicArn": topic}
    while True:
        answer = clients.client("sns").list_subscriptions_by_topic(**request)
        found += answer.get("Subscriptions") or []
        if not answer.get("NextToken"):
            break
        request["NextToken"] = answer["NextToken"]
    people = [each for each in found if str(each.get("Protocol", "")).startswith(("email", "http"))]
    pending = [each for each in people if each.get("SubscriptionArn") == PENDING]
    if pending:
        return verdict(
            Word.FAIL,
            f"{len(pending)} of {len(people)} subscriptions are not confirmed: nobody hears these alarms",
            "open the confirmation message and follow its link",
        )
    if not people:
        local = clients.target.is_local
        return verdict(
            Word.OK if local else Word.WARN,
            "nobody is subscribed" + (", as is right for an embedded stack" if local else ""),
            "" if local else "set the alarm e-mail address in the stack's configuration",
        )
    return verdict(Word.OK, f"{len(people)} confirmed")


def lines_of(checks: list[Check], glyphs: Glyphs) -> list[Line]:
    """The verdicts as a table, remedies below what needs them."""
    marks = {
        Word.OK: (glyphs.ok, Role.OK),
        Word.WARN: (glyphs.warn, Role.WARN),
        Word.FAIL: (glyphs.alarm, Role.ALARM),
        Word.SKIP: (glyphs.nodata, Role.NODATA),
    }
    lines: list[Line] = []
    for check in checks:
        glyph, role = marks[check.word]
        lines.append(line((f"{glyph} {pad(check.word.value.upper(), 5)}", role), pad(check.name, 26), check.detail))
        if check.remedy:
            lines.append(line(" " * 33, (check.remedy, Role.MUTED)))
    return lines


def run(connection: Connection, *, as_json: bool) -> ExitCode:
    """Print all verdicts; any `fail` is exit code 1."""
    if connection.clients is None:
        raise ConsoleError(ProblemKind.BAD_INPUT, "there is nothing to examine: this stack is made up or replayed")
    checks = list(examine(connection, connection.clients))
    if as_json:
        talk.put_json(
            {
                "stack": connection.outputs.identity.stack,
                "examined_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "checks": [
                    {"name": each.name, "word": each.word.value, "detail": each.detail, "remedy": each.remedy}
                    for each in checks
                ],
            }
        )
    else:
        talk.put(text_of(lines_of(checks, talk.glyphs())))
    return ExitCode.FAILED if any(check.word is Word.FAIL for check in checks) else ExitCode.OK
