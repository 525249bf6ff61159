"""The line that `:` and `/` open: a command with completion and history, or a filter that acts while it is typed."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

MAX_HISTORY = 100


class PromptMode(StrEnum):
    """What is being typed."""

    COMMAND = ":"
    FILTER = "/"


class _Completing(Suggester):
    """Asks `complete` for the first line that begins with what was typed."""

    def __init__(self, complete: Callable[[str], str | None]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line that `value` may become."""
        return self._complete(value)


class Prompt(Horizontal):
    """Hidden until it is opened; posts what was typed, and closes itself."""

    class Changed(Message):
        """A filter so far."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Submitted(Message):
        """Enter."""

        def __init__(self, mode: PromptMode, text: str) -> None:
            super().__init__()
            self.mode = mode
            self.text = text

    class Left(Message):
        """Escape."""

        def __init__(self, mode: PromptMode) -> None:
            super().__init__()
            self.mode = mode

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", priority=True),
        Binding("tab", "complete", "complete", priority=True, show=False),
        Binding("up", "recall(-1)", "command before", show=False),
        Binding("down", "recall(1)", "next command", show=False),
    ]

    def __init__(self, complete: Callable[[str], str | None], history: list[str]) -> None:
        super().__init__(id="prompt")
        self._complete = complete
        self._history = history
        self._place = 0
        self.mode = PromptMode.COMMAND
        self.display = False

    def compose(self) -> ComposeResult:
        """The sign of the mode, and a field."""
        yield Static(":", markup=False, id="prompt-sign")
        yield Input(id="prompt-text", select_on_focus=False, suggester=_Completing(self._suggest), disabled=True)

    def _suggest(self, text: str) -> str | None:
        return self._complete(text) if self.mode is PromptMode.COMMAND and text else None

    @property
    def opened(self) -> bool:
        """Whether something is being typed."""
        return bool(self.display)

    def open(self, mode: PromptMode, text: str = "") -> None:
        """Show the line with `text` in it, and take the keys, at once: whoever types fast has typed the next ones."""
        self.mode = mode
        self._place = len(self._history)
        self.query_one("#prompt-sign", Static).update(mode.value)
        self.display = True
        field = self.query_one("#prompt-text", Input)
        field.disabled = False
        field.value = text
        field.cursor_position = len(text)
        self.screen.set_focus(field)

    def close(self) -> None:
        """Hide the line."""
        self.display = False
        self.query_one("#prompt-text", Input).disabled = True

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filters act at once."""
        event.stop()
        if self.opened and self.mode is PromptMode.FILTER:
            self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        text = event.value.strip()
        if self.mode is PromptMode.COMMAND and text and self._history[-1:] != [text]:
            self._history.append(text)
            del self._history[:-MAX_HISTORY]
        self.close()
        self.post_message(self.Submitted(self.mode, text))

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """A click elsewhere ends typing; a filter stays as it is."""
        if self.opened:
            self.close()

    def action_leave(self) -> None:
        """Escape."""
        self.close()
        self.post_message(self.Left(self.mode))

    def action_complete(self) -> None:
        """Take the suggestion."""
        field = self.query_one("#prompt-text", Input)
        found = self._suggest(field.value)
        if found is not None:
            field.value = found
            field.cursor_position = len(found)

    def action_recall(self, step: int) -> None:
        """An earlier command."""
        if self.mode is not PromptMode.COMMAND:
            return
        self._place = max(0, min(self._place + step, len(self._history)))
        field = self.query_one("#prompt-text", Input)
        field.value = self._history[self._place] if self._place < len(self._history) else ""
        field.cursor_position = len(field.value)
