"""A menu: one line for each choice, taken by its key, by enter or by a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from console.ui.choices import Choice
from console.ui.content import content_of
from console.view.glyphs import Glyphs
from console.view.segments import Role, line, pad

TITLE_CELLS = 24


class MenuScreen(ModalScreen[Choice | None]):
    """Choose one of `choices`; dismissed with it, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "back")]

    def __init__(self, title: str, choices: Sequence[Choice], glyphs: Glyphs) -> None:
        super().__init__()
        self._title = title
        self._choices = {choice.key: choice for choice in choices}
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = content_of([line(self._title)], self._glyphs)
            dialog.border_subtitle = content_of([line("its key or enter: choose, esc: back")], self._glyphs)
            yield OptionList(*(self._option(choice) for choice in self._choices.values()), markup=False)

    def _option(self, choice: Choice) -> Option:
        words = line(
            (pad(choice.key, 3), Role.ACCENT),
            (pad(choice.title, TITLE_CELLS), Role.STRONG),
            (choice.detail, Role.MUTED),
        )
        return Option(content_of([words], self._glyphs), id=choice.key)

    def on_key(self, event: events.Key) -> None:
        """A choice's own key."""
        choice = self._choices.get(event.character or "")
        if choice is not None:
            event.stop()
            self.dismiss(choice)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or click."""
        self.dismiss(self._choices[event.option_id or ""])

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
