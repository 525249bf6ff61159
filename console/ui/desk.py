"""What every screen works with: the connected stack, its monitor, how to go elsewhere and say something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from textual.screen import Screen

from console.clock import Clock
from console.domain import Problem, StackFacts
from console.places import Place, link
from console.services.errors import Caller, caller_of, classify_once
from console.services.monitor import Monitor
from console.services.runner import Runner
from console.sources.base import Connection
from console.ui.widgets.prompt import Prompt
from console.ui.works import Works
from console.view.glyphs import Glyphs
from console.view.table import Look

T = TypeVar("T")


class Ask(Protocol):
    """Opens a dialog and hands its answer on."""

    def __call__(self, screen: Screen[T], answered: Callable[[T | None], None], /) -> None:
        """Show `screen`; `answered` is called with what it is dismissed with."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """One connected stack as screens see it.

    `go` opens a place, `back` the one above; `say` is a sentence that goes away by itself, `complain` a problem,
    `copy` puts a text (after what it is) on the clipboard, `ask` opens a dialog.
    `lag` gives the seconds that the event loop was late at its last beats; `works` must not be ended in the middle.
    `columns` are those chosen by hand, by the name of the kind of rows; screens change them.
    """

    connection: Connection
    monitor: Monitor
    runner: Runner
    clock: Clock
    glyphs: Glyphs
    works: Works
    go: Callable[[Place], None]
    back: Callable[[], None]
    say: Callable[[str], None]
    complain: Callable[[Problem], None]
    copy: Callable[[str, str], None]
    ask: Ask
    prompt: Callable[[], Prompt]
    lag: Callable[[], tuple[float, ...]]
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def stack(self) -> StackFacts:
        """Which stack this is."""
        return self.monitor.stack

    @property
    def caller(self) -> Caller:
        """How the stack is called, for what goes wrong."""
        return caller_of(self.connection)

    def look(self) -> Look:
        """What cells of tables may depend on at this moment."""
        return Look(self.clock.now(), self.glyphs, self.stack.alarm_prefix)

    def problem_of(self, error: BaseException) -> Problem:
        """What went wrong, with remedies for whoever calls this stack."""
        return classify_once(error, self.caller)

    def link(self, place: Place) -> str:
        """The deep link of a place in this stack."""
        return link(self.stack.stack, place)
