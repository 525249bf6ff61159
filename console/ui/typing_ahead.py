"""Keys that are typed while a place opens wait for it, so that what is typed fast means what it would mean slowly."""

from __future__ import annotations

from textual import events
from textual.app import App
from textual.screen import Screen

from console.text import safe

PATIENCE_SECONDS = 2.0
"""A place that was closed before it was drawn never says that it is open; keys wait no longer than this."""


class TypingAhead(App[None]):
    """Holds keys back between the opening of a place and its first drawing."""

    def __init__(self) -> None:
        super().__init__()
        self._opening_since: float | None = None
        self._early: list[events.Key] = []

    def open_place(self, screen: Screen[None], now: float) -> None:
        """Push a place; `now` is the monotonic second."""
        self._opening_since = now
        self.push_screen(screen)
        screen.call_after_refresh(self._opened)

    def give_up_waiting(self, now: float) -> None:
        """Called at each beat: keys are let go where the place does not come."""
        if self._opening_since is not None and now - self._opening_since > PATIENCE_SECONDS:
            self._opened()

    def _opened(self) -> None:
        self._opening_since = None
        early, self._early = self._early, []
        for event in early:
            self.post_message(event)

    async def on_event(self, event: events.Event) -> None:
        """Keys wait; what is pasted is foreign text as well."""
        if isinstance(event, events.Paste):
            event.text = safe(event.text)
        if self._opening_since is not None and isinstance(event, events.Key) and not event.is_forwarded:
            self._early.append(event)
        else:
            await super().on_event(event)
