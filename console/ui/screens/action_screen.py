"""What the dialogs of actions share: an answer line, one call at a time with its seconds, escape goes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.domain import Problem
from console.services.errors import classify_write
from console.services.runner import Job, Lane
from console.ui.content import content_of
from console.ui.desk import Desk
from console.ui.works import Work
from console.view.frame import working_words
from console.view.segments import Line, Role, line

T = TypeVar("T")
V = TypeVar("V")

LOOK_SECONDS = 0.1
AGAIN = "it may have been done all the same; enter asks again, and nothing is done twice"
LOOK_FIRST = "it may have been done all the same; look before you ask for it again"
"""What to do about a write whose answer has not come, in its dialog and behind it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    """What the dialog waits for, and what happens with its answer; `work` where it changes something."""

    doing: str
    job: Job[Any]
    answered: Callable[[Any], object]
    work: Work | None = None


class ActionScreen(ModalScreen[T | None]):
    """A dialog that acts on the stack; dismissed with what the action answered, None where it was left.

    `word` has to be typed before it acts, None where enter is enough. A read that is left is forgotten; a write goes
    on, and how it ends is told by the application.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "back", priority=True)]

    def __init__(self, desk: Desk, word: str | None) -> None:
        super().__init__()
        self._desk = desk
        self._stack = desk.stack
        self._api = desk.connection.api
        self._runner = desk.runner
        self._glyphs = desk.glyphs
        self._word = word
        self._call: _Call | None = None
        self._answered: tuple[Line, ...] = ()

    def on_mount(self) -> None:
        """Watch what is under way."""
        self.set_interval(LOOK_SECONDS, self._attend)

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return self._call is not None

    def compose_word(self) -> ComposeResult:
        """The field for the word, where one is needed."""
        if self._word is not None:
            yield Static(f"type {self._word} to confirm", markup=False, classes="label")
            yield Input(id="word")

    def word_is_missing(self) -> bool:
        """Whether the word is needed and not there, which is said."""
        if self._word is None or self.query_one("#word", Input).value == self._word:
            return False
        self.answer(line((f"type {self._word} to go on", Role.WARN)))
        return True

    def read(self, doing: str, call: Callable[[], V], answered: Callable[[V], object], *, seconds: float) -> None:
        """Ask for something that changes nothing."""
        self._call = _Call(doing, self._start(doing, call, seconds), answered)
        self._attend()

    def write(self, doing: str, call: Callable[[], T], words: Callable[[T], str], *, seconds: float) -> None:
        """Do it, and close with the answer; who has left before is told it in `words`."""
        job = self._start(doing, call, seconds)
        work = self._desk.works.begin(f"{doing} on {self._stack.stack}", job)
        self._call = _Call(doing, job, self.dismiss, work)
        self._words = words
        self._attend()

    def _start(self, doing: str, call: Callable[[], V], seconds: float) -> Job[V]:
        return self._runner.start(call, deadline=seconds, name=doing, lane=Lane.DEEDS)

    def _attend(self) -> None:
        """Say how long it takes, and take the answer; not while a question stands before this dialog."""
        call = self._call
        if call is None:
            return
        if not call.job.done:
            leave = "esc gives up" if call.work is None else "esc leaves, how it ends is told"
            words = working_words(call.doing, call.job.elapsed, leave, self._glyphs)
            self.answer(line((words, Role.MUTED)))
        elif self.is_active:
            try:
                value = call.job.result()
            except Exception as error:
                self.trouble(error)
            else:
                self._call = None
                call.answered(value)

    def action_cancel(self) -> None:
        """Give up a read; leave where none is out, with a write that goes on."""
        waiting = self.busy
        self._attend()
        call, self._call = self._call, None
        if waiting and call is None:
            return
        if call is None:
            self.dismiss(None)
        elif call.work is None:
            self.answer(line((f"{call.doing}: given up", Role.MUTED)))
        else:
            call.work.told = partial(_tell, self._desk, call.doing, self._words)
            self._desk.say(f"{call.doing}: it may still be done; how it ends is told")
            self.dismiss(None)

    def answer(self, *lines: Line) -> None:
        """Say what happened below the fields."""
        if lines != self._answered:
            self._answered = lines
            self.query_one("#answer", Static).update(content_of(lines, self._glyphs))

    def trouble(self, error: Exception) -> None:
        """Show what went wrong, with its remedy."""
        call, self._call = self._call, None
        wrote = call is not None and call.work is not None
        problem = classify_write(error, self._desk.caller, AGAIN) if wrote else self._desk.problem_of(error)
        self.answer(line((f"{self._glyphs.alarm} {problem.sentence}", Role.ALARM)), line(problem.remedy))


def _tell(desk: Desk, doing: str, words: Callable[[Any], str], job: Job[Any]) -> None:
    """How a write ended whose dialog was left."""
    try:
        done = words(job.result())
    except Exception as error:
        problem = classify_write(error, desk.caller, LOOK_FIRST)
        desk.complain(Problem(problem.kind, f"{doing}: {problem.sentence}", problem.remedy, problem.command))
    else:
        desk.say(done)
        desk.monitor.refresh()
