"""The dashboard for whoever sends campaigns and holds sessions: messages, delivery, limits, money, who listens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from components import limits
from components.inventory import Inventory
from components.measures import Measure
from components.session_settings import SessionSettings
from components.widgets import Chart, Figures, Line, Note, Section
from lambdas.core import metrics

_MINUTE = 60
_TEN_MINUTES = 600

_INTRODUCTION = (
    "Healthy: achieved equals target, delivery is above 95 %, nothing is throttled, no alarm is up. "
    "Each alarm's description names its runbook (`docs/runbooks/`)."
)


@dataclass(frozen=True, slots=True)
class Business:
    """The dashboard of one stack, its channels (`sms`, `whatsapp`, `email`) and its sessions, if it has them."""

    stack: str
    channels: Sequence[str]
    inventory: Inventory
    session_settings: SessionSettings | None = None

    def sections(self) -> list[Section]:
        """Everything, the most important first."""
        return [
            self._at_a_glance(),
            self._campaigns(),
            self._throughput(),
            self._delivery(),
            self._rate_limits(),
            self._cost(),
            *([self._sessions(self.session_settings)] if self.session_settings else []),
        ]

    def _at_a_glance(self) -> Section:
        figures = [
            Figures(title="Messages sent", lines=self._lines(metrics.MESSAGES_SENT, "Sum")),
            Figures(title="Delivered, percent", lines=self._lines(metrics.DELIVERY_RATE, "Average")),
            Figures(title="Failed deliveries", lines=self._lines(metrics.FAILED_DELIVERIES, "Sum")),
            Figures(title="Cost, US dollars", lines=self._lines(metrics.TOTAL_COST, "Sum")),
        ]
        return Section("At a glance", [Note(markdown=_INTRODUCTION), *figures])

    def _campaigns(self) -> Section:
        requests = [
            Line(label, api.measure(metric, "Sum"))
            for api in self.inventory.apis
            for label, metric in (("all", "Count"), ("refused (4xx)", "4xx"), ("failed (5xx)", "5xx"))
        ]
        waiting = [
            Line(queue.thing, queue.measure("ApproximateNumberOfMessagesVisible", "Maximum"))
            for queue in self.inventory.queues
        ]
        odd_receipts = [
            *self._lines(metrics.OVERDUE_RECEIPTS, "Maximum", label="overdue for an hour"),
            *self._lines(metrics.IN_DOUBT, "Maximum", label="in doubt"),
            *self._lines(metrics.PARKED_EVENTS, "Sum", label="unreadable, orders too"),
            *self._lines(metrics.FOREIGN_RECEIPTS, "Sum", label="of other stacks"),
            *self._lines(metrics.PUMPING_BLOCKED, "Sum", label="orders held back as pumping"),
        ]
        return Section(
            "Campaigns",
            [
                Chart(title="Campaign requests", axis="requests", lines=requests),
                Chart(title="Work waiting", axis="queue messages", lines=waiting),
                Chart(title="Receipts and orders not as expected", axis="messages", lines=odd_receipts),
            ],
        )

    def _throughput(self) -> Section:
        sent = self._lines(metrics.MESSAGES_SENT, "Sum")
        per_second = self._lines(metrics.MESSAGES_PER_SECOND, "Average", _MINUTE)
        used = self._lines(metrics.UTILIZATION_PERCENT, "Average", _MINUTE)
        return Section(
            "Throughput",
            [
                Chart(title="Messages sent", axis="messages", stacked=True, lines=sent),
                Chart(title="Messages per second", axis="messages/s", lines=per_second),
                Chart(title="Utilization of the rate", axis="percent", lines=used),
            ],
        )

    def _delivery(self) -> Section:
        rate = self._lines(metrics.DELIVERY_RATE, "Average")
        latency = [
            *self._lines(metrics.DELIVERY_LATENCY, "p50", label="median"),
            *self._lines(metrics.DELIVERY_LATENCY, "p95", label="p95"),
        ]
        failed = self._lines(metrics.FAILED_DELIVERIES, "Sum", _TEN_MINUTES)
        fallback = [
            *self._lines(metrics.FALLBACK_LEGS, "Sum", label="started"),
            *self._lines(metrics.DOUBLE_DELIVERIES, "Sum", label="arrived twice"),
        ]
        return Section(
            "Delivery",
            [
                Chart(title="Delivery rate", axis="percent", lines=rate),
                Chart(title="Delivery latency", axis="milliseconds", lines=latency),
                Chart(
                    title="Failed deliveries in ten minutes",
                    axis="messages",
                    limit=limits.FAILED_DELIVERIES,
                    lines=failed,
                ),
                Chart(title="Retries and fallback", axis="messages", lines=fallback),
            ],
        )

    def _rate_limits(self) -> Section:
        throttled = self._lines(metrics.THROTTLED_MESSAGES, "Sum")
        capacity = self._lines(metrics.AVAILABLE_CAPACITY, "Average")
        refill = self._lines(metrics.TOKEN_REFILL_RATE, "Average")
        return Section(
            "Limits",
            [
                Chart(title="Throttled messages", axis="calls", limit=limits.THROTTLED_MESSAGES, lines=throttled),
                Chart(
                    title="Available capacity",
                    axis="percent",
                    limit=limits.AVAILABLE_CAPACITY_PERCENT,
                    lines=capacity,
                ),
                Chart(
                    title="Age of single messages",
                    axis="seconds",
                    limit=limits.OUTBOX_AGE_SECONDS,
                    lines=self._lines(metrics.OUTBOX_AGE, "Maximum", label="oldest"),
                ),
                Chart(title="Token refill rate", axis="message parts/s", lines=refill),
            ],
        )

    def _cost(self) -> Section:
        by_channel = self._lines(metrics.MESSAGE_COST, "Sum")
        total = self._lines(metrics.TOTAL_COST, "Sum")
        per_customer = self._lines(metrics.COST_PER_CUSTOMER, "Average")
        return Section(
            "Cost",
            [
                Chart(title="Cost by channel", axis="US dollars", stacked=True, lines=by_channel),
                Chart(title="Total cost", axis="US dollars", lines=total),
                Chart(title="Cost per customer", axis="US dollars", lines=per_customer),
            ],
        )

    def _sessions(self, settings: SessionSettings) -> Section:
        open_sessions = self._lines(metrics.ACTIVE_SESSIONS, "Maximum", label="sessions")
        listeners = self._lines(metrics.TOTAL_LISTENERS, "Maximum", label="listeners")
        entering = [
            line
            for metric, what in (
                (metrics.SESSION_CREATION_LATENCY, "creation"),
                (metrics.LISTENER_JOIN_LATENCY, "join"),
            )
            for statistic in ("p50", "p95", "p99")
            for line in self._lines(metric, statistic, label=f"{what} {statistic}")
        ]
        broadcasts = [
            line
            for statistic in ("p50", "p95")
            for line in self._lines(metrics.BROADCAST_LATENCY, statistic, label=statistic)
        ]
        refused = [
            *self._lines(metrics.CONNECTION_ERRORS, "Sum", label="all"),
            *self._lines(metrics.RATE_LIMIT_EXCEEDED, "Sum", label="too often"),
        ]
        share = limits.ACTIVE_SESSIONS_SHARE * settings.max_active_sessions
        return Section(
            "Sessions",
            [
                Chart(title="Open sessions", axis="sessions", limit=share, lines=open_sessions),
                Chart(title="Listeners", axis="connections", lines=listeners),
                Chart(
                    title="Opening and joining", axis="milliseconds", limit=limits.SESSION_CREATION_MS, lines=entering
                ),
                Chart(title="Broadcasts", axis="milliseconds", lines=broadcasts),
                Chart(title="Refused", axis="refusals", limit=limits.CONNECTION_ERRORS, lines=refused),
            ],
        )

    def _lines(self, metric: metrics.Metric, statistic: str, period: int = 300, *, label: str = "") -> list[Line]:
        """One line for the stack, or one per channel where the metric has that dimension alone."""
        stack = {metrics.STACK: self.stack}
        if (metrics.STACK,) in metric.dimension_sets:
            return [Line(label or "all channels", Measure.of(metric, stack, statistic, period))]
        return [
            Line(
                f"{channel} {label}".strip(), Measure.of(metric, {**stack, metrics.CHANNEL: channel}, statistic, period)
            )
            for channel in (name.upper() for name in self.channels)
        ]
