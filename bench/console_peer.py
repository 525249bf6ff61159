"""The overview as a plain Textual program draws it: three DataTables, a Sparkline, thread workers, a beat a second."""

from __future__ import annotations

from textual import work
from textual.app import App, ComposeResult
from textual.widgets import DataTable, Footer, Header, Sparkline

from console.domain import Alarm
from console.sources.fake import FakeStack

COLUMNS = ("state", "name", "severity", "reason")


def cells(alarm: Alarm) -> tuple[str, str, str, str]:
    """A row."""
    return (alarm.state.value, alarm.name, alarm.severity, alarm.reason)


class PlainConsole(App[None]):
    """Alarms, throughput, campaigns and messages of a made-up stack."""

    BINDINGS = [("q", "quit", "quit")]  # noqa: RUF012 - Textual's own type

    def __init__(self, stack: FakeStack) -> None:
        super().__init__()
        self.stack = stack
        self.rates: list[float] = []

    def compose(self) -> ComposeResult:
        """The panels."""
        yield Header()
        yield DataTable(id="alarms")
        yield Sparkline([], id="throughput")
        yield DataTable(id="campaigns")
        yield DataTable(id="messages")
        yield Footer()

    def on_mount(self) -> None:
        """Columns, and a beat."""
        self.query_one("#alarms", DataTable).add_columns(*COLUMNS)
        self.query_one("#campaigns", DataTable).add_columns("id", "status", "sent", "delivered", "failed", "cost")
        self.query_one("#messages", DataTable).add_columns("id", "status", "customer", "channel")
        self.read_all()
        self.set_interval(1.0, self.read_all)

    @work(thread=True)
    def read_all(self) -> None:
        """Read the stack in Textual's pool of threads and fill the tables anew."""
        alarms, campaigns = self.stack.alarms(), self.stack.campaigns()
        messages = self.stack.messages(campaigns)
        rows = {
            "alarms": [cells(alarm) for alarm in alarms],
            "campaigns": [
                (c.id, c.status.value, c.total("sent"), c.total("delivered"), c.total("failed"), f"{c.cost_usd:.4f}")
                for c in campaigns
            ],
            "messages": [(m.id, m.status, m.customer_id, m.channel) for m in messages],
        }
        self.call_from_thread(self.fill, rows, float(sum(c.total("sent") for c in campaigns)))

    def fill(self, rows: dict[str, list[tuple[object, ...]]], sent: float) -> None:
        """As the documentation of DataTable shows it."""
        for name, each in rows.items():
            table = self.query_one(f"#{name}", DataTable)
            table.clear()
            table.add_rows(each)
        self.rates = [*self.rates[-299:], sent]
        self.query_one("#throughput", Sparkline).data = self.rates
