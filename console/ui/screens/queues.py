"""The queues of the stack, and what lies in the dead-letter queue of one."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain import Fetched, Overview
from console.places import Place
from console.queues import QueueState, find_queue
from console.services.feed import FeedSpec
from console.telemetry import DeadLetter
from console.ui.choices import Choice, Copyable
from console.ui.desk import Desk
from console.ui.queue_jumps import queue_jumps
from console.ui.screens.redrive import redrive_choice
from console.ui.screens.table_screen import TableScreen
from console.view.segments import Line
from console.view.tables import letters as letter_view
from console.view.tables import queues as view

LOOK_SECONDS = 86_400.0
"""A look counts as one receive more and holds letters back for a moment, so letters are read once, and again by `r`."""

LOW_ROWS = 36


class QueuesScreen(TableScreen[QueueState]):
    """Those with dead letters first; enter opens the dead-letter queue."""

    kind = view.KIND
    reads = ("queues",)

    def feed(self, overview: Overview) -> Fetched[Sequence[QueueState]]:
        """All queues with their depths."""
        return self.desk.monitor.state("queues")

    def details(self, item: QueueState) -> Sequence[Line]:
        """Both queues."""
        return view.details(item, self.desk.glyphs)

    def subject_of(self, item: QueueState) -> str:
        """Its name, where it has a dead-letter queue."""
        return item.queue.name if item.queue.dead_letters_url else ""

    def jumps(self) -> Sequence[Choice]:
        """Its alarms, its consumer's log."""
        return () if self.item is None else list(queue_jumps(self.desk, self.item.queue))

    def actions(self) -> Sequence[Choice]:
        """Back with what was set aside."""
        item = self.item
        aside = None if item is None else view.set_aside(item)
        if item is None or not aside or not item.queue.url:
            return ()
        return (redrive_choice(self.desk, item.queue, aside),)


class LettersScreen(TableScreen[DeadLetter]):
    """Some letters of one dead-letter queue, each with its reason; the one under the cursor with its body."""

    kind = letter_view.KIND

    def __init__(self, desk: Desk, place: Place) -> None:
        super().__init__(desk, place)
        self._queue = find_queue(desk.connection.outputs, place.subject)

    @property
    def feed_name(self) -> str:
        """The feed of these letters."""
        return f"letters {self._queue.name}"

    def own_feeds(self) -> Sequence[FeedSpec]:
        """A look at the letters, and how many there are."""
        telemetry, name = self.desk.connection.telemetry, self._queue.name
        queues = self.desk.monitor.spec("queues")
        return (FeedSpec(self.feed_name, lambda: telemetry.letters(name), LOOK_SECONDS), queues)

    def feed(self, overview: Overview) -> Fetched[Sequence[DeadLetter]]:
        """What the last look has seen."""
        return self.desk.monitor.state(self.feed_name)

    def details(self, item: DeadLetter) -> Sequence[Line]:
        """Reason and body."""
        return letter_view.details(item, compact=self.size.height < LOW_ROWS)

    def empty(self) -> str:
        """Nothing was set aside."""
        return f"no message lies in {self._queue.dead_letters_name}"

    @property
    def about(self) -> int | None:
        """How many letters there are."""
        states: Sequence[QueueState] = self.desk.monitor.state("queues").value or ()
        return next((view.set_aside(each) for each in states if each.queue.name == self._queue.name), None)

    def note(self) -> str:
        """How many of how many are seen."""
        about = "" if self.about is None else f"of about {self.about:,} in {self._queue.dead_letters_name}, first "
        return f"{about}{super().note()}"

    def copies(self) -> Sequence[Copyable]:
        """The letter's id and body, masked as it is shown."""
        item = self.item
        if item is None:
            return ()
        return (
            Copyable("m", "message id", lambda: item.id),
            Copyable("b", "body, masked", lambda: item.body),
            *super().copies(),
        )

    def jumps(self) -> Sequence[Choice]:
        """The queue's alarms, its consumer's log."""
        return list(queue_jumps(self.desk, self._queue, None if self.item is None else self.item.sent_at))

    def actions(self) -> Sequence[Choice]:
        """Back with them."""
        return (redrive_choice(self.desk, self._queue, self.about),) if self._queue.url else ()
