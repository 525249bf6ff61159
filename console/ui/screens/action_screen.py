"""What the dialogs of actions share: an answer line, one call at a time, escape goes back."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.campaigns import confirmation_word
from console.domain import Problem, StackFacts
from console.services.runner import Runner
from console.sources.base import CampaignApi
from console.ui.content import content_of
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, line

T = TypeVar("T")


class ActionScreen(ModalScreen[T | None]):
    """A dialog that acts on the stack; dismissed with what the action answered, None where it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "back", priority=True)]

    def __init__(self, stack: StackFacts, api: CampaignApi, runner: Runner, glyphs: Glyphs) -> None:
        super().__init__()
        self._stack = stack
        self._api = api
        self._runner = runner
        self._glyphs = glyphs
        self._word = confirmation_word(stack)
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
        self.answer(line((f"type the stack's name, {self._word}, to go on", Role.WARN)))
        return True

    def action_cancel(self) -> None:
        """Leave without acting."""
        self.dismiss(None)

    def answer(self, *lines: Line) -> None:
        """Say what happened below the fields."""
        self.query_one("#answer", Static).update(content_of(lines, self._glyphs))

    def trouble(self, problem: Problem) -> None:
        """Show a problem with its remedy."""
        self._busy = False
        self.answer(line((f"{self._glyphs.alarm} {problem.sentence}", Role.ALARM)), line(problem.remedy))
