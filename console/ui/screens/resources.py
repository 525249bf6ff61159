"""What the stack consists of: its resources in AWS, and the outputs that name them."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain import Fetched, Overview
from console.services.aws_pages import resource_page
from console.telemetry import Resource
from console.ui.aws_pages import page_choices
from console.ui.choices import Choice, Copyable
from console.ui.screens.table_screen import TableScreen
from console.view.segments import Line
from console.view.tables import resources as view
from console.view.tables.resources import Output


class ResourcesScreen(TableScreen[Resource]):
    """All that carries the stack's tags."""

    kind = view.RESOURCES
    reads = ("resources",)

    def feed(self, overview: Overview) -> Fetched[Sequence[Resource]]:
        """As AWS's tagging service lists them."""
        return self.desk.monitor.state("resources")

    def details(self, item: Resource) -> Sequence[Line]:
        """ARN and tags."""
        return view.resource_details(item)

    def jumps(self) -> Sequence[Choice]:
        """Its page at AWS, where one is known."""
        item = self.item
        return () if item is None else tuple(page_choices(self.desk, resource_page(item, self.desk.stack)))

    def empty(self) -> str:
        """Nothing carries the tags."""
        return "nothing carries this stack's tags"


class OutputsScreen(TableScreen[Output]):
    """The outputs as they were when the console connected."""

    kind = view.OUTPUTS

    def feed(self, overview: Overview) -> Fetched[Sequence[Output]]:
        """Read once: the table's own rows from then on."""
        return Fetched(self.table.items or view.outputs_of(self.desk.connection.outputs))

    def details(self, item: Output) -> Sequence[Line]:
        """The whole value."""
        return view.output_details(item)

    def copies(self) -> Sequence[Copyable]:
        """The value before the rest."""
        item = self.item
        return () if item is None else (Copyable("v", "value", lambda: item.value), *super().copies())
