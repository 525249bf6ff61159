"""Keys wait for the one before them and for what it opens, so that what is typed fast means what it would mean slowly.

Textual hands a key to the focused widget, from where it climbs through the parents until a binding answers it; the next
key has gone to the same widget by then, though the first one may have opened a menu.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from textual import events
from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

from console.text import safe

T = TypeVar("T")

PATIENCE_SECONDS = 2.0
"""A screen that was closed before it was drawn never says that it is open; keys wait no longer than this."""
ROUNDS = 2
"""A key climbs to the application, and then what it made a widget say does: a row was chosen, an option selected."""


class KeySeen(events.Event, bubble=True, verbose=True):
    """Follows a key on its way through the widgets; where it arrives, the key has been."""

    def __init__(self, target: Widget, rounds: int) -> None:
        super().__init__()
        self.target = target
        self.rounds = rounds


class TypingAhead(App[None]):
    """Takes one key after the other, and none between the opening of a screen and its first drawing."""

    def __init__(self) -> None:
        super().__init__()
        self._early: deque[events.Key | events.Paste] = deque()
        self._opening: Screen[Any] | None = None
        self._follower: KeySeen | None = None
        self._waiting_since: float | None = None

    @property
    def keys_are_answered(self) -> bool:
        """Whether nothing that was typed is still under way."""
        return not self._early and not self._must_wait

    @property
    def _must_wait(self) -> bool:
        return self._opening is not None or self._follower is not None

    def open_screen(self, screen: Screen[T], answered: Callable[[T | None], None] | None = None) -> None:
        """Push a place or a dialog; `answered` gets what it is dismissed with."""
        self._opening, self._waiting_since = screen, None
        self.push_screen(screen, answered)
        screen.call_after_refresh(self._opened, screen)

    def _opened(self, screen: Screen[Any]) -> None:
        if screen is self._opening:
            self._opening = None
            self.call_later(self._take_early)

    def give_up_waiting(self, now: float) -> None:
        """Called at each beat with its monotonic second: keys are taken where what they wait for does not come."""
        if not self._must_wait or self._waiting_since is None:
            self._waiting_since = now
        elif now - self._waiting_since > PATIENCE_SECONDS:
            self._opening = self._follower = None
            self.call_later(self._take_early)

    async def on_event(self, event: events.Event) -> None:
        """Keys and pastes wait in one row; what is pasted is foreign text as well."""
        if isinstance(event, events.Paste):
            event.text = safe(event.text)
        if isinstance(event, KeySeen):
            self._seen(event)
        elif isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._early.append(event)
            await self._take_early()
        else:
            await super().on_event(event)

    async def _take_early(self) -> None:
        while self._early and not self._must_wait:
            await self._take(self._early.popleft())

    async def _take(self, event: events.Key | events.Paste) -> None:
        target = self.focused or self.screen
        await super().on_event(event)
        if event.is_forwarded:
            self._follow(target, ROUNDS)

    def _follow(self, target: Widget, rounds: int) -> None:
        follower = KeySeen(target, rounds)
        sent = rounds > 0 and self.screen in target.ancestors_with_self and target.post_message(follower)
        self._follower, self._waiting_since = follower if sent else None, None

    def _seen(self, follower: KeySeen) -> None:
        if follower is self._follower:
            self._follow(follower.target, follower.rounds - 1)
            self.call_next(self._take_early)
