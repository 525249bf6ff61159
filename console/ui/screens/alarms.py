"""All alarms of the stack."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain import Alarm, Fetched, Overview
from console.ui.alarm_jumps import alarm_jumps
from console.ui.choices import Choice
from console.ui.screens.table_screen import TableScreen
from console.view.segments import Line
from console.view.tables import alarms as view


class AlarmsScreen(TableScreen[Alarm]):
    """The loud ones first; enter opens an alarm."""

    kind = view.KIND
    reads = ("alarms",)

    def feed(self, overview: Overview) -> Fetched[Sequence[Alarm]]:
        """All alarms."""
        return overview.alarms

    def details(self, item: Alarm) -> Sequence[Line]:
        """Reason and runbook."""
        return view.details(item, self.desk.clock.now(), self.desk.glyphs)

    def subject_of(self, item: Alarm) -> str:
        """Its name."""
        return item.name

    def jumps(self) -> Sequence[Choice]:
        """From the alarm under the cursor to what explains it."""
        return () if self.item is None else alarm_jumps(self, self.item, None)

    def empty(self) -> str:
        """A stack without alarms."""
        return "this stack has no alarms"
