"""What changed when: functions' code and components' outputs, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from console.deployments import rollouts
from console.domain import Fetched, Overview
from console.places import Place
from console.services.jumps import logs_place
from console.telemetry import Deployment
from console.ui.choices import Choice
from console.ui.screens.table_screen import TableScreen
from console.view.segments import Line
from console.view.tables import deployments as view


class DeploymentsScreen(TableScreen[Deployment]):
    """The traces that deployments have left."""

    kind = view.KIND
    reads = ("deployments",)

    def feed(self, overview: Overview) -> Fetched[Sequence[Deployment]]:
        """All that are known."""
        return self.desk.monitor.state("deployments")

    def details(self, item: Deployment) -> Sequence[Line]:
        """The change under the cursor, and all that was changed together with it."""
        together = next(each for each in rollouts(self.table.items) if item in each.changes)
        return [*view.details(item, self.desk.clock.now()), (), *view.rollout_lines(together)]

    def empty(self) -> str:
        """A stack whose deployments left no trace that can be read."""
        return "no deployment is known"

    def jumps(self) -> Sequence[Choice]:
        """The logs around it."""
        item = self.item
        if item is None:
            return ()
        place = logs_place((), item.at)
        return (
            Choice("l", "logs", "of all functions, 10 minutes on each side", lambda: self.desk.go(place)),
            Choice("m", "alarms", "of this stack", lambda: self.desk.go(Place("alarms"))),
        )
