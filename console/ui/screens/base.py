"""The frame around every screen: where we are above, what is typed, the state of the data and the keys below."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from console.domain import Fetched, Overview
from console.places import Place
from console.services.errors import classify
from console.services.feed import FeedSpec
from console.services.monitor import DEADLINE
from console.services.runner import Job
from console.ui.choices import Choice, Copyable
from console.ui.desk import Desk
from console.ui.widgets.key_bar import KeyBar
from console.ui.widgets.panel import Bar, Panel
from console.view import frame as view
from console.view.export import Sheet
from console.view.overview import freshness, waiting
from console.view.segments import Line, Role, line

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, eq=False)
class _Lookup:
    """What somebody waits for."""

    what: str
    job: Job[Any]


class ConsoleScreen(Screen[None]):
    """One place of a connected stack; subclasses say what they read, what they show and what can be done there.

    `reads` names the feeds of the whole stack that the screen shows; `own_feeds` are those about its subject. Both are
    read at their full rate while it is on top, and forgotten when it is left.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]  # noqa: RUF012 - Textual's own type
    AUTO_FOCUS: ClassVar[str | None] = ""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", show=False)]
    reads: ClassVar[tuple[str, ...]] = ()

    def __init__(self, desk: Desk, place: Place) -> None:
        super().__init__()
        self.desk = desk
        self.place = place
        self.trail: tuple[str, ...] = (place.title(),)
        self._last: Overview | None = None
        self._watched: tuple[str, ...] = ()
        self._composed = False
        self._lookup: _Lookup | None = None

    @abstractmethod
    def body(self) -> ComposeResult:
        """What stands between header and status."""

    @abstractmethod
    def draw(self, overview: Overview) -> None:
        """Show the state of this moment; called when something arrived, and each second."""

    def own_feeds(self) -> Sequence[FeedSpec]:
        """Reads about the subject of this screen."""
        return ()

    def focus_body(self) -> None:
        """Give the keys back to what is shown, after something was typed."""
        self.set_focus(None)

    def narrow(self, text: str) -> bool:
        """Filter what is shown; False where a screen has nothing to filter, `ConsoleError` for what is no filter."""
        return False

    def choose_columns(self, names: Sequence[str]) -> bool:
        """Show these columns; False where a screen has no table, `ConsoleError` for columns that it has not."""
        return False

    def note(self) -> str:
        """What stands at the right of the breadcrumbs: filter, counts, time range."""
        return ""

    def copies(self) -> Sequence[Copyable]:
        """What `y` offers beside the link."""
        return ()

    def jumps(self) -> Sequence[Choice]:
        """Where `o` leads from here."""
        return ()

    def actions(self) -> Sequence[Choice]:
        """What `a` offers beside the actions that are always there."""
        return ()

    def read_now(self) -> None:
        """Read again what no feed reads."""

    def look_up(self, what: str, call: Callable[[], V], found: Callable[[V], None]) -> None:
        """Read what a key has asked for, then go on with it; from a second on it is said how long that takes.

        Escape gives it up, and so does whoever types or goes elsewhere meanwhile: what was meant for one place must
        not happen in another. What is still out is not asked a second time.
        """
        job = self.desk.runner.start(call, deadline=DEADLINE, name=what, key=what)
        self._lookup = _Lookup(what, job)
        self.run_worker(self._await(self._lookup, found), exit_on_error=False, description=what)

    async def _await(self, lookup: _Lookup, found: Callable[[V], None]) -> None:
        try:
            value = await lookup.job.wait_async()
            if self._lookup is lookup and self.app.screen is self:
                found(value)
        except Exception as error:
            if self._lookup is lookup:
                self.desk.complain(self.desk.problem_of(error))
        finally:
            if self._lookup is lookup:
                self._lookup = None

    def drop_lookup(self) -> bool:
        """Give up what is being looked up; whether there was anything."""
        dropped, self._lookup = self._lookup is not None, None
        self.again()
        return dropped

    def flaw(self) -> Exception | None:
        """Why something of what is drawn had to be left out, None where all is shown."""
        return None

    def sheet(self) -> Sheet | None:
        """What `e` exports; None where there are no rows."""
        return None

    def compose(self) -> ComposeResult:
        """The frame."""
        glyphs = self.desk.glyphs
        yield Bar(glyphs, id="header")
        yield Bar(glyphs, id="banner")
        yield Bar(glyphs, id="crumbs")
        yield from self.body()
        yield self.desk.prompt()
        yield Bar(glyphs, id="status")
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin to read."""
        self._composed = True
        monitor = self.desk.monitor
        specs = [*(monitor.spec(name) for name in self.reads), *self.own_feeds()]
        for spec in specs:
            monitor.watch(spec)
        self._watched = tuple(spec.name for spec in specs)
        monitor.focus(self._watched)
        self.show(monitor.overview)
        self.opened()

    def opened(self) -> None:
        """What a screen does once when it is there. Textual calls the `on_mount` of every class by itself, so that one
        which called its base's would begin twice."""

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        self._composed = False
        for name in self._watched:
            self.desk.monitor.unwatch(name)

    def on_screen_suspend(self) -> None:
        """Something else was opened: a dialog has the keys and names its own, another place ends what is looked up."""
        self.query_one(KeyBar).visible = False
        if self.app.screen is not self:
            self.drop_lookup()

    def on_screen_resume(self) -> None:
        """On top again."""
        for bar in self.query(KeyBar):
            bar.visible = True
        self.desk.monitor.focus(self._watched)
        self.show(self.desk.monitor.overview)

    def on_resize(self, event: events.Resize) -> None:
        """Lines are made for a size, so they are made again for the new one."""
        self.call_after_refresh(self.again)

    @property
    def on_top(self) -> bool:
        """Whether this is the place that is looked at, dialogs aside."""
        places = [screen for screen in self.app.screen_stack if isinstance(screen, ConsoleScreen)]
        return bool(places) and places[-1] is self

    def again(self) -> None:
        """Draw the last state once more."""
        if self._last is not None:
            self.show(self._last)

    def show(self, overview: Overview) -> None:
        """Frame and body."""
        if not self._composed:
            return
        self._last = overview
        glyphs, columns = self.desk.glyphs, self.size.width
        header = self.query_one("#header", Bar)
        self.set_class(overview.stack.environment == "prod" and not overview.stack.replayed, "-prod")
        self.set_class(overview.stack.replayed, "-replay")
        header.show(view.header_row(overview, columns=columns, glyphs=glyphs))
        feeds = {name: feed.state for name, feed in self.desk.monitor.feeds.items()}
        banner = view.banner_row(feeds, overview.taken_at, columns=columns, glyphs=glyphs)
        if self._lookup is not None and (seconds := self._lookup.job.elapsed) >= view.SLOW_SECONDS:
            banner = line((f" {view.working_words(self._lookup.what, seconds, 'esc gives up', glyphs)}", Role.ACCENT))
        banner = self._draw_body(overview) or banner
        self.query_one("#banner", Bar).set_class(bool(banner), "-shown")
        self.query_one("#banner", Bar).show(banner)
        self.query_one("#status", Bar).show(view.status_row(overview, feeds, columns=columns, glyphs=glyphs))
        trail = [name.removeprefix(overview.stack.alarm_prefix) or name for name in self.trail]
        self.query_one("#crumbs", Bar).show(view.crumbs_row(trail, self.note(), columns=columns, glyphs=glyphs))

    def _draw_body(self, overview: Overview) -> Line:
        """Draw the body; a banner where it cannot be drawn, because one screen's trouble must not end the others."""
        try:
            self.draw(overview)
            flaw: Exception | None = self.flaw()
        except Exception as error:
            flaw = error
        return () if flaw is None else self.broken(flaw, self.size.width)

    def broken(self, error: Exception, columns: int) -> Line:
        """What stands in the place of a value that cannot be shown."""
        return view.broken_row(classify(error), columns=columns, glyphs=self.desk.glyphs)

    def fill(
        self,
        name: str,
        feed: Fetched[T],
        now: float,
        rows: Callable[[T, int, int], Sequence[Line]],
        *,
        note: str = "",
    ) -> None:
        """Put `rows` of (value, columns, rows) into a panel with the age of its data, or its trouble before any.

        A value that `rows` cannot show is this panel's trouble alone.
        """
        panel = self.query_one(f"#{name}", Panel)
        if feed.value is None:
            panel.show(waiting(feed, now, self.desk.glyphs))
            return
        badge = freshness(feed, now, self.desk.glyphs)
        try:
            lines = rows(feed.value, panel.size.width, panel.size.height)
        except Exception as error:
            panel.show([self.broken(error, panel.size.width)], badge=badge)
            return
        panel.show(lines, note=note, badge=badge)

    def action_leave(self) -> None:
        """Escape: what is being looked up first, then what is filtered, then one place up."""
        if self.drop_lookup():
            return
        if self.place.params.get("filter"):
            self.narrow("")
            self.again()
        else:
            self.desk.back()
