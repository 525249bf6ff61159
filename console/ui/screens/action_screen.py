"""What the dialogs of actions share: an answer line, one call at a time, escape goes back."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.services.actions import Action, word_for
from console.ui.content import content_of
from console.ui.desk import Desk
from console.view.segments import Line, Role, line

T = TypeVar("T")


class ActionScreen(ModalScreen[T | None]):
    """A dialog that acts on the stack; dismissed with what the action answered, None where it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "back", priority=True)]

    def __init__(self, action: Action, desk: Desk) -> None:
        super().__init__()
        self._action = action
        self._desk = desk
        self._stack = desk.stack
        self._api = desk.connection.api
        self._runner = desk.runner
        self._glyphs = desk.glyphs
        self._word = word_for(action, desk.stack)
        self._busy = False

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

    def action_cancel(self) -> None:
        """Leave without acting."""
        self.dismiss(None)

    def answer(self, *lines: Line) -> None:
        """Say what happened below the fields."""
        self.query_one("#answer", Static).update(content_of(lines, self._glyphs))

    def trouble(self, error: Exception) -> None:
        """Show what went wrong, with its remedy."""
        problem = self._desk.problem_of(error)
        self._busy = False
        self.answer(line((f"{self._glyphs.alarm} {problem.sentence}", Role.ALARM)), line(problem.remedy))
