"""The application: connects in the background, beats once a second, hands each snapshot to the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, TypeVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from console.campaigns import require_actions
from console.clock import Clock, SystemClock
from console.domain import (
    AcceptedCampaign,
    CampaignRequest,
    ChangedCampaign,
    ChangeKind,
    Problem,
    StackFacts,
    is_open,
)
from console.exit_codes import ExitCode
from console.services.errors import classify
from console.services.monitor import Monitor
from console.services.runner import Job, Runner
from console.sources.base import Connect, Connection
from console.ui.screens.action_menu import ACTIONS, ActionMenu
from console.ui.screens.change_campaign import ChangeCampaign
from console.ui.screens.connecting import ConnectingScreen
from console.ui.screens.help import TextScreen, help_lines
from console.ui.screens.overview import OverviewScreen
from console.ui.screens.send_campaign import CampaignForm
from console.ui.terminal import terminal_is_gone
from console.ui.themes import register_themes
from console.view.changes import changed_words
from console.view.details import alarm_details
from console.view.glyphs import UNICODE, Glyphs
from lambdas.core.campaign import CampaignStatus

T = TypeVar("T")

TICK_SECONDS = 0.25
"""Arrivals are looked for this often; the screen is drawn when something arrived, and once a second for the ages."""
DRAW_SECONDS = 1.0
CONNECT_SECONDS = 180.0
CAMPAIGN_BINDINGS: tuple[Binding, ...] = (
    Binding("down", "choose(1)", "select the next open campaign", show=False),
    Binding("up", "choose(-1)", "select the one before", show=False),
    Binding("p", "pause_campaign", "pause the selected campaign, or resume it", show=False),
    Binding("t", "change_campaign('tps')", "change its TPS", show=False),
    Binding("x", "change_campaign('cancel')", "cancel it", show=False),
)
"""Keys of the selected campaign: help tells them, the last row has no room for them."""


class ConsoleApp(App[None]):
    """`cpaas-console` on a terminal.

    `target` names what is connected to; `connect` finds it. `autostart` is a campaign sent as soon as the stack is
    there (the demo). `problem` after the end is the trouble that kept it from ever connecting, if any.
    """

    CSS_PATH = "styles/console.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("q", "quit", "quit"),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
        Binding("r", "refresh", "refresh"),
        Binding("space", "hold", "hold reading", key_display="space"),
        Binding("a", "actions", "actions"),
        Binding("enter", "details", "alarms", key_display="enter"),
        *CAMPAIGN_BINDINGS,
    ]

    def __init__(
        self,
        target: str,
        connect: Connect,
        *,
        glyphs: Glyphs = UNICODE,
        allow_actions: bool = False,
        autostart: CampaignRequest | None = None,
        runner: Runner | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()
        register_themes(self)
        self.problem: Problem | None = None
        self.connection: Connection | None = None
        self.monitor: Monitor | None = None
        self._target = target
        self._connect = connect
        self._glyphs = glyphs
        self._allow_actions = allow_actions
        self._autostart = autostart
        self._clock = clock or SystemClock()
        self._runner = runner or Runner(clock=self._clock)
        self._steps: list[str] = []
        self._connecting: Job[Connection] | None = None
        self._connecting_since = 0.0
        self._drawn = 0.0

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """None: everything has a key."""
        return ()

    def on_mount(self) -> None:
        """Paint first, connect after."""
        self._push(ConnectingScreen(self._target, self._glyphs))
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._start_connecting()
        self.set_interval(TICK_SECONDS, self._tick)

    def _start_connecting(self) -> None:
        self.problem = None
        self._steps = [f"connecting to {self._target}"]
        self._connecting_since = self._clock.monotonic()
        steps = self._steps
        self._connecting = self._runner.start(
            lambda: self._connect(steps.append), deadline=CONNECT_SECONDS, name="connect"
        )

    def _tick(self) -> None:
        if terminal_is_gone():
            self.exit(return_code=ExitCode.INTERRUPTED)
            return
        if self.monitor is None:
            self._tick_connecting()
            return
        changed = self.monitor.tick()
        if changed or self._clock.monotonic() - self._drawn >= DRAW_SECONDS:
            self._draw()

    def _draw(self) -> None:
        if self.monitor is None:
            return
        self._drawn = self._clock.monotonic()
        for screen in self.screen_stack:
            if isinstance(screen, OverviewScreen):
                screen.show(self.monitor.overview)

    def _tick_connecting(self) -> None:
        job = self._connecting
        if job is not None and job.done:
            self._connecting = None
            try:
                self._connected(job.result())
                return
            except Exception as error:
                self.problem = classify(error)
        if isinstance(self.screen, ConnectingScreen):
            elapsed = self._clock.monotonic() - self._connecting_since
            self.screen.show(list(self._steps), elapsed, self.problem)

    def _connected(self, connection: Connection) -> None:
        self.connection = connection
        self.monitor = Monitor(connection, allow_actions=self._allow_actions, runner=self._runner, clock=self._clock)
        screen = OverviewScreen(self._glyphs)
        screen.set_class(self._glyphs.ascii_only, "-ascii")
        self.switch_screen(screen)
        self.call_after_refresh(self._tick)
        if self._autostart is not None:
            self.run_worker(self._send_sample(connection, self._autostart), exit_on_error=False, description="sample")

    async def _send_sample(self, connection: Connection, request: CampaignRequest) -> None:
        try:
            job = self._runner.start(lambda: connection.api.send(request), deadline=60.0, name="sample")
            self._campaign_sent(await job.wait_async())
        except Exception as error:
            self._tell(classify(error))

    def _push(self, screen: Screen[T], callback: Callable[[T | None], None] | None = None) -> None:
        screen.set_class(self._glyphs.ascii_only, "-ascii")
        self.push_screen(screen, callback)

    def _tell(self, problem: Problem) -> None:
        self.notify(str(problem), severity="error", markup=False, timeout=10)

    def close_connection(self) -> None:
        """End what connecting started (the embedded cloud); blocks, so it is called when the screen is gone."""
        if self.connection is not None:
            self.connection.close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of the overview are dead while a dialog is open, and shown only where they do something."""
        if action in ("hold", "actions", "details", "choose", "pause_campaign", "change_campaign"):
            return isinstance(self.screen, OverviewScreen)
        if action in ("help", "refresh"):
            return isinstance(self.screen, OverviewScreen | ConnectingScreen)
        return True

    def action_help(self) -> None:
        """Open help."""
        bindings = [
            active.binding
            for active in self.screen.active_bindings.values()
            if active.enabled and (active.binding.show or active.binding in CAMPAIGN_BINDINGS)
        ]
        self._push(TextScreen("help", help_lines(bindings), self._glyphs))

    def action_refresh(self) -> None:
        """Read everything now, or connect again."""
        if self.monitor is not None:
            self.monitor.refresh()
        elif self._connecting is None:
            self._start_connecting()

    def action_hold(self) -> None:
        """Stop or go on reading."""
        if self.monitor is not None:
            self.monitor.paused = not self.monitor.paused
            self._draw()

    def action_details(self) -> None:
        """All alarms with reason and runbook."""
        if self.monitor is not None:
            overview = self.monitor.overview
            lines = alarm_details(overview.alarms.value or (), overview.taken_at, self._glyphs)
            self._push(TextScreen("alarms", lines, self._glyphs))

    def action_actions(self) -> None:
        """Open the action menu, where actions are allowed."""
        if self.monitor is not None and self._may_act(self.monitor.stack):
            self._push(ActionMenu(ACTIONS, self.monitor.stack.stack, self._glyphs), self._act)

    def _may_act(self, stack: StackFacts) -> bool:
        try:
            require_actions(stack)
        except Exception as error:
            self._tell(classify(error))
            return False
        return True

    def _act(self, name: str | None) -> None:
        if self.monitor is None or self.connection is None or name is None:
            return
        if name == "send_campaign":
            form = CampaignForm(self.monitor.stack, self.connection.api, self._runner, self._glyphs)
            self._push(form, self._campaign_sent)
        else:
            self.action_change_campaign(name)

    def action_choose(self, step: int) -> None:
        """Select another campaign."""
        if isinstance(self.screen, OverviewScreen):
            self.screen.choose(step)

    def action_pause_campaign(self) -> None:
        """Pause the selected campaign, or resume it where it is paused."""
        campaign = self.screen.selected if isinstance(self.screen, OverviewScreen) else None
        paused = campaign is not None and campaign.status is CampaignStatus.PAUSED
        self.action_change_campaign(ChangeKind.RESUME if paused else ChangeKind.PAUSE)

    def action_change_campaign(self, kind: str) -> None:
        """Ask for a confirmation of a change of the selected campaign."""
        if self.monitor is None or self.connection is None or not isinstance(self.screen, OverviewScreen):
            return
        campaign, stack = self.screen.selected, self.monitor.stack
        if not self._may_act(stack):
            return
        if campaign is None or not is_open(campaign):
            self.notify("no campaign is open", severity="warning", markup=False)
            return
        dialog = ChangeCampaign(ChangeKind(kind), campaign, stack, self.connection.api, self._runner, self._glyphs)
        self._push(dialog, self._campaign_changed)

    def _campaign_changed(self, done: ChangedCampaign | None) -> None:
        if done is not None and self.monitor is not None:
            self.notify(changed_words(done), markup=False)
            self.monitor.refresh()

    def _campaign_sent(self, accepted: AcceptedCampaign | None) -> None:
        if accepted is not None and self.monitor is not None:
            self.notify(f"campaign {accepted.id} is {accepted.status}", markup=False)
            self.monitor.refresh()
