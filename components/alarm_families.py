"""The kinds of alarms this product has, each with its urgency, its missing-data policy and its runbook.

What is not here on purpose: client errors (4xx) of the API, because an address on the internet collects them from
scanners and nobody on call can correct a caller; the depth of work queues, because a deep queue that moves is healthy
and its age says when it does not; receipts of other stacks, which a shared account has every day; `IntegrationError`
of the WebSocket API, because connections that were rightly refused count there. They are charted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lambdas.core.alarm_text import Severity

MissingData = Literal["notBreaching", "breaching", "missing", "ignore"]


@dataclass(frozen=True, slots=True)
class Level:
    """How urgent it is from `factor` times an alarm's limit on."""

    severity: Severity
    factor: float = 1.0


WARNING = (Level(Severity.WARNING),)
CRITICAL = (Level(Severity.CRITICAL),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A kind of alarm; `docs/runbooks/<name>.md` says what to do about it.

    `levels` ascend, and each makes an alarm of its own. The critical alarms of a family that is `joint` notify nobody
    by themselves: they are children of the stack's composite alarm, which pages once for all of them.
    """

    name: str
    levels: tuple[Level, ...]
    missing: MissingData
    meaning: str
    joint: bool = False

    @property
    def runbook(self) -> str:
        """Path of the runbook in the repository."""
        return f"docs/runbooks/{self.name}.md"


SMS_THROTTLED = Family(
    name="sms-throttled",
    levels=WARNING,
    missing="notBreaching",
    meaning="The provider refuses SMS because they come too fast",
)
WHATSAPP_THROTTLED = Family(
    name="whatsapp-throttled",
    levels=WARNING,
    missing="notBreaching",
    meaning="The provider refuses WhatsApp messages because they come too fast",
)
EMAIL_THROTTLED = Family(
    name="email-throttled",
    levels=WARNING,
    missing="notBreaching",
    meaning="SES refuses e-mails because they come too fast",
)
THROTTLED: Mapping[str, Family] = {"sms": SMS_THROTTLED, "whatsapp": WHATSAPP_THROTTLED, "email": EMAIL_THROTTLED}
"""The throttling family of each channel."""

FAILED_DELIVERIES = Family(
    name="failed-deliveries",
    levels=CRITICAL,
    missing="notBreaching",
    meaning="Messages are refused by the provider or fail to be delivered",
)
AVAILABLE_CAPACITY = Family(
    name="available-capacity",
    levels=WARNING,
    missing="missing",
    meaning="Sending waits for the origination identity: its rate is booked out",
)
PARKED_EVENTS = Family(
    name="parked-events",
    levels=WARNING,
    missing="notBreaching",
    meaning="Receipts, or orders of single messages, arrive that cannot be read",
)
OVERDUE_RECEIPTS = Family(
    name="overdue-receipts",
    levels=WARNING,
    missing="notBreaching",
    meaning="Many messages have had no final receipt for over an hour",
)
CAMPAIGNS_AUTO_PAUSED = Family(
    name="campaigns-auto-paused",
    levels=CRITICAL,
    missing="notBreaching",
    meaning="A campaign has paused itself: too many of its messages fail, or a guard has stopped it",
)
IN_DOUBT = Family(
    name="in-doubt",
    levels=WARNING,
    missing="notBreaching",
    meaning="Of many messages nobody knows whether the provider has taken them, and receipts do not tell",
)
SWEEPER_HEARTBEAT = Family(
    name="sweeper-heartbeat",
    levels=CRITICAL,
    missing="breaching",
    meaning="No sweep has ended for ten minutes: gauges are blind and abandoned work stays where it is",
    joint=True,
)
DEAD_LETTERS = Family(
    name="dead-letter-queue",
    levels=CRITICAL,
    missing="notBreaching",
    meaning="Messages could not be processed and lie in a dead-letter queue",
)
FUNCTION_ERRORS = Family(
    name="function-errors",
    levels=CRITICAL,
    missing="notBreaching",
    meaning="A function fails",
    joint=True,
)
FUNCTION_THROTTLED = Family(
    name="function-throttled",
    levels=WARNING,
    missing="notBreaching",
    meaning="Lambda refuses to run a function because the account's concurrency is used up",
)
FUNCTION_DURATION = Family(
    name="function-duration",
    levels=WARNING,
    missing="notBreaching",
    meaning="A function comes close to its time-out",
)
STREAM_LAG = Family(
    name="stream-lag",
    levels=WARNING,
    missing="notBreaching",
    meaning="A function lags behind the table whose changes it reads",
)
QUEUE_AGE = Family(
    name="queue-age",
    levels=(Level(Severity.WARNING), Level(Severity.CRITICAL, 4)),
    missing="notBreaching",
    meaning="Messages wait too long in a queue: its consumer is slow or stands still",
    joint=True,
)
OUTBOX_AGE = Family(
    name="outbox-age",
    levels=(Level(Severity.WARNING), Level(Severity.CRITICAL, 4)),
    missing="notBreaching",
    meaning="Single messages go out late: they find no slot, or their provider takes none",
)
PUMPING_GUARD = Family(
    name="pumping-guard",
    levels=CRITICAL,
    missing="notBreaching",
    meaning="Single messages are held back because they look like SMS pumping: many messages to one number, many"
    " numbers of one range or of a country that nobody writes to",
)
TABLE_THROTTLED = Family(
    name="table-throttled",
    levels=WARNING,
    missing="notBreaching",
    meaning="DynamoDB refuses requests to a table or its indexes because they come too fast",
)
TABLE_ERRORS = Family(
    name="table-errors",
    levels=WARNING,
    missing="notBreaching",
    meaning="DynamoDB answers requests to a table with internal errors",
)
API_ERRORS = Family(
    name="api-errors",
    levels=CRITICAL,
    missing="notBreaching",
    meaning="The campaign API answers with server errors",
    joint=True,
)
API_LATENCY = Family(
    name="api-latency",
    levels=WARNING,
    missing="notBreaching",
    meaning="The campaign API answers slowly",
)
RULE_FAILURES = Family(
    name="rule-failures",
    levels=WARNING,
    missing="notBreaching",
    meaning="EventBridge cannot deliver events to a queue",
)
TOPIC_FAILURES = Family(
    name="topic-failures",
    levels=WARNING,
    missing="notBreaching",
    meaning="SNS cannot deliver a topic's messages to a subscriber",
)
WEBSOCKET_ERRORS = Family(
    name="websocket-errors",
    levels=CRITICAL,
    missing="notBreaching",
    meaning="The WebSocket API cannot call the functions of sessions",
    joint=True,
)
SESSION_CREATION = Family(
    name="session-creation",
    levels=WARNING,
    missing="notBreaching",
    meaning="Opening a session takes too long",
)
CONNECTION_ERRORS = Family(
    name="connection-errors",
    levels=WARNING,
    missing="notBreaching",
    meaning="Many connections and messages of sessions are refused",
)
ACTIVE_SESSIONS = Family(
    name="active-sessions",
    levels=WARNING,
    missing="notBreaching",
    meaning="Almost as many sessions are open as may be",
)
SESSION_HEARTBEAT = Family(
    name="session-heartbeat",
    levels=CRITICAL,
    missing="breaching",
    meaning="No sweep of sessions has ended for ten minutes: what is lost stays counted, and nobody is told",
    joint=True,
)
STACK_DOWN = Family(
    name="stack-down",
    levels=CRITICAL,
    missing="ignore",
    meaning="The stack does not do its work: functions fail, queues stand, an API fails or a sweeper is gone",
)
"""The composite alarm; its children decide about missing data."""

FAMILIES: tuple[Family, ...] = (
    SMS_THROTTLED,
    WHATSAPP_THROTTLED,
    EMAIL_THROTTLED,
    FAILED_DELIVERIES,
    AVAILABLE_CAPACITY,
    PARKED_EVENTS,
    OVERDUE_RECEIPTS,
    CAMPAIGNS_AUTO_PAUSED,
    IN_DOUBT,
    SWEEPER_HEARTBEAT,
    DEAD_LETTERS,
    FUNCTION_ERRORS,
    FUNCTION_THROTTLED,
    FUNCTION_DURATION,
    STREAM_LAG,
    QUEUE_AGE,
    OUTBOX_AGE,
    PUMPING_GUARD,
    TABLE_THROTTLED,
    TABLE_ERRORS,
    API_ERRORS,
    API_LATENCY,
    RULE_FAILURES,
    TOPIC_FAILURES,
    WEBSOCKET_ERRORS,
    SESSION_CREATION,
    CONNECTION_ERRORS,
    ACTIVE_SESSIONS,
    SESSION_HEARTBEAT,
    STACK_DOWN,
)
