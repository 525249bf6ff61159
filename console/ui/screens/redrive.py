"""Dead letters put back: what it will do, a count by reason, a word, then its course, which escape stops."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from console.queues import DEFAULT_RATE, Course, StackQueue, parse_rate
from console.services.actions import Action, action, word_for
from console.services.interrupts import Stop
from console.services.redrive import Pace, Redrive
from console.services.runner import Job, Lane
from console.services.selection import Rehearsal, Selection, require_movable
from console.ui.campaign_actions import choice
from console.ui.choices import Choice
from console.ui.content import content_of
from console.ui.desk import Desk
from console.ui.screens.action_screen import ActionScreen
from console.view import queues as queue_view
from console.view import redrive as view
from console.view.segments import line

LOOK_SECONDS = 0.2
NO_DEADLINE = 7 * 86_400.0
"""A redrive ends by itself or by escape; at half a message a second many letters take days."""


class Phase(Enum):
    """How far the dialog is."""

    ASKING = auto()
    COUNTING = auto()
    COUNTED = auto()
    MOVING = auto()
    ENDED = auto()


class RedriveScreen(ActionScreen[Course]):
    """Rate and reason; enter counts, enter again moves once the word is typed. Dismissed with the course of the move.

    Leaving in the middle ends it after the batch that is under way.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "go_on", "go on")]

    def __init__(self, each: Action, desk: Desk, queue: StackQueue, about: int | None) -> None:
        super().__init__(desk, word_for(each, desk.stack))
        self._queue = queue
        self._about = about
        self._phase = Phase.ASKING
        self._stop = Stop()
        self._rehearsal: Rehearsal | None = None
        self._move: Redrive | None = None
        self._job: Job[Any] | None = None
        self._wanted = 0
        self._rate = DEFAULT_RATE
        self._remaining = 0

    def compose(self) -> ComposeResult:
        """The purpose, two fields, the word, and what is going on."""
        with Vertical(classes="dialog -danger" if self._word == self._stack.stack else "dialog") as dialog:
            dialog.border_title = content_of(
                [line(f"redrive on {self._stack.project}/{self._stack.stack}")], self._glyphs
            )
            dialog.border_subtitle = content_of([line("enter: count, enter again: move, esc: back")], self._glyphs)
            purpose = view.purpose_lines(self._queue, self._about)
            yield Static(content_of(purpose, self._glyphs), markup=False, id="purpose")
            yield Static("messages per second", markup=False, classes="label")
            yield Input(f"{DEFAULT_RATE:g}", id="rate", select_on_focus=False)
            yield Static("only those whose reason holds (empty: all)", markup=False, classes="label")
            yield Input("", id="reason", select_on_focus=False)
            yield from self.compose_word()
            yield Static("", markup=False, classes="answer", id="answer")

    def on_mount(self) -> None:
        """Watch what is under way."""
        self.set_interval(LOOK_SECONDS, self._look)

    def on_unmount(self) -> None:
        """Nothing goes on behind a closed dialog."""
        self._stop.wish()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another rate or reason wants to be counted again."""
        if event.input.id != "word" and self._phase is Phase.COUNTED:
            self._phase = Phase.ASKING
            self.answer()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field."""
        self.action_go_on()

    def on_resize(self, event: events.Resize) -> None:
        """The bar is as wide as the dialog."""
        self._look()

    def action_go_on(self) -> None:
        """Count; then move, once the word is there; then close."""
        try:
            if self._phase is Phase.ASKING:
                self._count()
            elif self._phase is Phase.COUNTED and self._wanted and not self.word_is_missing():
                self._start_moving()
            elif self._phase is Phase.ENDED:
                self.action_cancel()
        except Exception as error:
            self.trouble(error)

    def action_cancel(self) -> None:
        """Stop what is under way; close where nothing is."""
        if self._phase in (Phase.COUNTING, Phase.MOVING):
            self._stop.wish()
        else:
            self.dismiss(None if self._move is None else self._move.course)

    @property
    def _columns(self) -> int:
        return self.query_one("#answer", Static).size.width

    def _selection(self) -> Selection:
        channels = self._desk.connection.outputs.messaging.rates().keys()
        return Selection(self._queue, channels, self.query_one("#reason", Input).value.strip())

    def _pace(self) -> Pace:
        self._stop = stop = Stop()
        self._rate = parse_rate(self.query_one("#rate", Input).value)
        return Pace(self._rate, stop.pause, lambda: stop.wished)

    def _count(self) -> None:
        require_movable(self._queue)
        pace, letters = self._pace(), self._desk.connection.letters(self._queue)
        self._rehearsal = Rehearsal(letters, self._selection(), pace)
        self._begin("counting", self._rehearsal.run)
        self._go_to(Phase.COUNTING)

    def _start_moving(self) -> None:
        pace, letters = self._pace(), self._desk.connection.letters(self._queue)
        self._move = move = Redrive(letters, self._selection().holds, pace)

        def run() -> None:
            try:
                move.run()
            finally:
                self._remaining = letters.waiting()

        self._begin("redrive", run)
        self._go_to(Phase.MOVING)

    def _begin(self, doing: str, run: Callable[[], object]) -> None:
        """While it is out it holds letters: ending the application ends it between two batches first."""
        self._job = self._runner.start(run, deadline=NO_DEADLINE, name=doing, lane=Lane.DEEDS)
        self._desk.works.begin(f"{doing} of {self._queue.dead_letters_name}", self._job, self._stop.wish)

    def _go_to(self, phase: Phase) -> None:
        self._phase = phase
        for field in self.query(Input):
            field.disabled = phase in (Phase.COUNTING, Phase.MOVING, Phase.ENDED)
        if phase is Phase.COUNTED:
            self.query_one("#reason" if self._word is None else "#word", Input).focus()
        self._look()

    def _look(self) -> None:
        """Tell how far it is, and take the end."""
        if self._phase is Phase.COUNTING and self._rehearsal is not None:
            self.answer(view.counting_line(self._rehearsal.course, self._glyphs))
        elif self._phase is Phase.MOVING and self._move is not None:
            self.answer(*view.moving_lines(self._move.course, self._wanted, self._rate, self._columns, self._glyphs))
        if self._job is not None and self._job.done:
            job, self._job = self._job, None
            self._ended(job)

    def _ended(self, job: Job[Any]) -> None:
        try:
            job.result()
        except Exception as error:
            self._go_to(Phase.ASKING if self._move is None else Phase.ENDED)
            self.trouble(error)
            return
        if self._move is not None:
            self._go_to(Phase.ENDED)
            self.answer(*queue_view.outcome_lines(self._queue, self._move.course, self._remaining))
        elif self._rehearsal is not None:
            self._wanted = self._rehearsal.reasons.total()
            self._go_to(Phase.COUNTED)
            self.answer(
                *view.counted_lines(self._rehearsal.reasons, self._rehearsal.course, self._queue, self._columns)
            )


def redrive_choice(desk: Desk, queue: StackQueue, about: int | None) -> Choice:
    """The action as menus offer it; afterwards everything is read again."""
    each = action("redrive")

    def done(course: Course | None) -> None:
        if course is not None:
            desk.say(f"{course.moved} moved from {queue.dead_letters_name} to {queue.name}")
            desk.monitor.refresh()

    return choice(
        each, f"{queue.dead_letters_name}: {each.does}", lambda: desk.ask(RedriveScreen(each, desk, queue, about), done)
    )
