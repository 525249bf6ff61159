"""The application: connects in the background, beats once a second, shows one place of the stack at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import ClassVar

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from console.clock import Clock, SystemClock
from console.commandline import complete
from console.domain import AcceptedCampaign, CampaignRequest
from console.exit_codes import ExitCode
from console.places import Place
from console.services.budget import Budget
from console.services.errors import NOBODY, Caller, caller_of
from console.services.monitor import Monitor
from console.services.runner import Job, Lane, Runner
from console.sources.base import Connect, Connection
from console.ui.commanding import Commanding
from console.ui.completions import subjects
from console.ui.desk import Desk
from console.ui.registry import HOME, SCREENS, aliases, screen_for
from console.ui.screens.base import ConsoleScreen
from console.ui.screens.connecting import ConnectingScreen
from console.ui.terminal import terminal_is_gone
from console.ui.themes import register_themes
from console.ui.widgets.prompt import Prompt
from console.ui.widgets.scrollbar import fit_scrollbars
from console.view.glyphs import UNICODE, Glyphs

TICK_SECONDS = 0.25
"""Arrivals are looked for this often; the screen is drawn when something arrived, and once a second for the ages."""
DRAW_SECONDS = 1.0
SOONEST_TICKS = 2
"""Arrivals of several feeds are drawn together: each drawing is bytes over somebody's ssh."""
CONNECT_SECONDS = 180.0
MOST_PLACES = 12
"""How deep places are piled up before the oldest ones above the overview are forgotten."""
KEPT_LAGS = 240

TYPED = frozenset({"prompt", "open"})
"""Actions whose keys come before all others, except where somebody types: there they are text."""

MakeBudget = Callable[[Connection], Budget | None]


class ConsoleApp(Commanding):
    """`cpaas-console` on a terminal.

    `target` names what is connected to; `connect` finds it. `link` names the place shown first, `columns` are those of
    tables that were chosen by hand, `autostart` is a campaign sent as soon as the stack is there (the demo).
    `tick_seconds` is the beat. `problem` after the end is the trouble that kept it from ever connecting, if any.
    """

    CSS_PATH = "styles/console.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", key_display="?"),
        # Prompt and places have priority: they are there before the next key is looked at, be it typed ever so fast.
        Binding("colon", "prompt(':')", "command", key_display=":", priority=True),
        Binding("slash", "prompt('/')", "filter", key_display="/", priority=True),
        Binding("o", "jump", "go to"),
        Binding("y", "copy", "copy"),
        Binding("a", "act", "actions"),
        Binding("q", "quit", "quit"),
        Binding("r", "refresh", "read now", show=False),
        Binding("space", "hold", "hold reading, or go on", key_display="space", show=False),
        Binding("e", "export", "export what is shown", show=False),
        Binding("minus", "previous", "the place before", key_display="-", show=False),
        Binding("L", "login", "renew the credentials", show=False),
        Binding("ctrl+s", "picture", "screenshot into a file", show=False),
        Binding("ctrl+p", "command_palette", "palette", show=False, priority=True),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
        *(
            Binding(spec.key, f"open('{spec.name}')", spec.title, show=False, priority=True)
            for spec in SCREENS
            if spec.key
        ),
    ]

    def __init__(
        self,
        target: str,
        connect: Connect,
        *,
        glyphs: Glyphs = UNICODE,
        allow_actions: bool = False,
        autostart: CampaignRequest | None = None,
        link: str = "",
        columns: Mapping[str, tuple[str, ...]] | None = None,
        runner: Runner | None = None,
        clock: Clock | None = None,
        budget: MakeBudget = lambda _: None,
        caller: Caller = NOBODY,
        tick_seconds: float = TICK_SECONDS,
    ) -> None:
        super().__init__(glyphs)
        register_themes(self)
        fit_scrollbars(glyphs)
        self.connection: Connection | None = None
        self.monitor: Monitor | None = None
        self.caller = caller
        self._target = target
        self._connect = connect
        self._allow_actions = allow_actions
        self._columns = dict(columns or {})
        self._autostart = autostart
        self._link_asked = link
        self._budget = budget
        self._tick_seconds = tick_seconds
        self._clock = clock or SystemClock()
        self._runner = runner or Runner(clock=self._clock)
        self._steps: list[str] = []
        self._connecting: Job[Connection] | None = None
        self._connecting_since = 0.0
        self._drawn = 0.0
        self._changed = False
        self._undrawn_ticks = 0
        self._ticked = 0.0
        self._lags: deque[float] = deque(maxlen=KEPT_LAGS)
        self._visited: list[Place] = []
        self._kept: dict[str, Place] = {}

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every screen and everything that can be done here."""
        for spec in SCREENS:
            yield SystemCommand(spec.name, spec.title, partial(self.go, Place(spec.name)))
        for binding in self.BINDINGS:
            if isinstance(binding, Binding) and not binding.key.startswith(("ctrl+c", "ctrl+p", *"123456789")):
                yield SystemCommand(
                    binding.description,
                    f"key {binding.key_display or binding.key}",
                    partial(self.call_later, self.run_action, binding.action),
                )

    def on_mount(self) -> None:
        """Paint first, connect after."""
        self.ask(ConnectingScreen(self._target, self.glyphs))
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._start_connecting()
        self._ticked = self._clock.monotonic()
        self.set_interval(self._tick_seconds, self._tick)

    def _start_connecting(self) -> None:
        self.problem = None
        self._steps = [f"connecting to {self._target}"]
        self._connecting_since = self._clock.monotonic()
        steps = self._steps
        self._connecting = self._runner.start(
            lambda: self._connect(steps.append), deadline=CONNECT_SECONDS, name="connect"
        )

    def _tick(self) -> None:
        if not self.is_running:  # the end has begun: widgets go before timers do
            return
        if terminal_is_gone():
            self.exit(return_code=ExitCode.INTERRUPTED)
            return
        now = self._clock.monotonic()
        self._lags.append(max(0.0, now - self._ticked - self._tick_seconds))
        self._ticked = now
        self.give_up_waiting(now)
        self.works.tick()
        if self.monitor is None:
            self._tick_connecting()
            return
        self._changed |= self.monitor.tick()
        self._undrawn_ticks += 1
        if (self._changed and self._undrawn_ticks >= SOONEST_TICKS) or now - self._drawn >= DRAW_SECONDS:
            self._draw()

    def _draw(self) -> None:
        screen = self.here
        if self.monitor is not None and screen is not None:
            self._drawn, self._undrawn_ticks, self._changed = self._clock.monotonic(), 0, False
            screen.show(self.monitor.overview)

    def _tick_connecting(self) -> None:
        job = self._connecting
        if job is not None and job.done:
            self._connecting = None
            try:
                self._connected(job.result())
                return
            except Exception as error:
                self.problem = self.problem_of(error)
        if isinstance(self.screen, ConnectingScreen):
            elapsed = self._clock.monotonic() - self._connecting_since
            self.screen.show(list(self._steps), elapsed, self.problem)

    def _connected(self, connection: Connection) -> None:
        self.connection = connection
        self.caller = caller_of(connection)
        self.monitor = Monitor(
            connection,
            allow_actions=self._allow_actions,
            runner=self._runner,
            clock=connection.clock or self._clock,
            budget=self._budget(connection),
        )
        self.desk = self._desk(connection, self.monitor)
        self.switch_screen(self.dressed(screen_for(self.desk, Place(HOME))))
        self._visited = [Place(HOME)]
        if self._link_asked:
            self.call_after_refresh(self.obey, self._link_asked)
        self.call_after_refresh(self._tick)
        if self._autostart is not None:
            self.run_worker(self._send_sample(connection, self._autostart), exit_on_error=False, description="sample")

    def _desk(self, connection: Connection, monitor: Monitor) -> Desk:
        return Desk(
            connection,
            monitor,
            self._runner,
            connection.clock or self._clock,
            self.glyphs,
            self.works,
            go=self.go,
            back=self.back,
            say=self.say,
            complain=self.complain,
            copy=self._to_clipboard,
            ask=self.ask,
            prompt=lambda: Prompt(self._complete, self.history),
            lag=lambda: tuple(self._lags),
            columns=self._columns,
        )

    def _complete(self, text: str) -> str | None:
        if self.monitor is None or self.connection is None:
            return complete(text, aliases(), {})
        return complete(text, aliases(), subjects(self.monitor.overview, self.connection.outputs))

    async def _send_sample(self, connection: Connection, request: CampaignRequest) -> None:
        try:
            job = self._runner.start(
                lambda: connection.api.send(request), deadline=60.0, name="sample", lane=Lane.DEEDS
            )
            accepted: AcceptedCampaign = await job.wait_async()
        except Exception as error:
            self.complain(self.problem_of(error))
            return
        self.say(f"campaign {accepted.id} is {accepted.status}")
        if self.monitor is not None:
            self.monitor.refresh()

    @property
    def places(self) -> list[ConsoleScreen]:
        """The places that are open, the overview first."""
        return [screen for screen in self.screen_stack if isinstance(screen, ConsoleScreen)]

    @property
    def here(self) -> ConsoleScreen | None:
        """The place on top, dialogs aside."""
        places = self.places
        return places[-1] if places else None

    def go(self, place: Place) -> None:
        """Open a place: a list above the overview, a subject above what is there."""
        here = self.here
        if self.desk is None or here is None or place == here.place:
            return
        if not place.subject:
            place = self._kept.get(place.screen, place) if not place.params else place
        try:
            screen = None if place.screen == HOME else self.dressed(screen_for(self.desk, place))
        except Exception as error:
            self.complain(self.problem_of(error))
            return
        self._close(1 if not place.subject or len(self.places) >= MOST_PLACES else len(self.places))
        self._visited.append(place)
        del self._visited[:-50]
        if screen is not None:
            assert isinstance(screen, ConsoleScreen)
            screen.trail = (*(each.place.title() for each in self.places), place.title())
            self.open_screen(screen)

    def back(self) -> None:
        """One place up; the overview stays."""
        self._close(max(1, len(self.places) - 1))
        if self.here is not None:
            self._visited.append(self.here.place)

    def _close(self, left: int) -> None:
        while len(self.places) > left:
            top = self.screen
            if isinstance(top, ConsoleScreen) and not top.place.subject:
                self._kept[top.place.screen] = top.place.having(**{"from": "", "to": ""})
            self.pop_screen()

    def action_previous(self) -> None:
        """Where one was before."""
        if len(self._visited) > 1:
            self.go(self._visited[-2])

    def action_open(self, name: str) -> None:
        """A screen by its key."""
        self.go(Place(name))

    def close_connection(self) -> None:
        """End what connecting started (the embedded cloud); blocks, so it is called when the screen is gone."""
        if self.monitor is not None and self.monitor.budget is not None:
            self.monitor.budget.save()
        if self.connection is not None:
            self.connection.close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the screens are dead while a dialog is open, and shown only where they do something."""
        if action in TYPED and isinstance(self.focused, Input):
            return False
        if action == "login" and isinstance(self.screen, ConnectingScreen):
            return self.problem is not None and bool(self.problem.command)
        if action in ("prompt", "jump", "copy", "act", "hold", "export", "previous", "open", "login"):
            return isinstance(self.screen, ConsoleScreen)
        if action in ("help", "refresh"):
            return isinstance(self.screen, ConsoleScreen | ConnectingScreen)
        return True

    def on_app_blur(self, event: events.AppBlur) -> None:
        """Nobody looks: read less often."""
        if self.monitor is not None:
            self.monitor.blurred = True

    def on_app_focus(self, event: events.AppFocus) -> None:
        """Somebody looks again."""
        if self.monitor is not None:
            self.monitor.blurred = False

    def action_refresh(self) -> None:
        """Read everything now, or connect again."""
        if self.monitor is not None:
            self.monitor.refresh()
            if self.here is not None:
                self.here.read_now()
        elif self._connecting is None:
            self._start_connecting()

    def action_hold(self) -> None:
        """Stop or go on reading."""
        if self.monitor is not None:
            self.monitor.paused = not self.monitor.paused
            self._draw()
