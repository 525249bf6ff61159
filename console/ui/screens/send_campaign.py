"""The action menu's "send test campaign": form, dry run, plan, confirmation. Nothing is sent before the last step."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from console.campaigns import DEFAULT_BODY, make_request, new_key, require_actions
from console.domain import AcceptedCampaign, CampaignPlan, CampaignRequest
from console.services.actions import Action, word_for
from console.ui.content import content_of
from console.ui.desk import Desk
from console.ui.screens.action_screen import ActionScreen
from console.view import plan as view
from console.view.segments import Role, line
from lambdas.core.channels import Channel

FIELDS = ("recipients", "tps", "body", "channels")
CHANNELS = "sms, email; whatsapp on a local stack"
"""What AWS has simulator destinations for, and what the embedded cloud has besides."""
PLAN_SECONDS = 30.0
SEND_SECONDS = 30.0


class CampaignForm(ActionScreen[AcceptedCampaign]):
    """Recipients, TPS, channels and body; enter asks for a dry run and shows its plan, also on a read-only console.

    All that is sent from one form has its one Idempotency-Key: a send whose answer was lost is not made twice.
    """

    def __init__(self, action: Action, desk: Desk) -> None:
        super().__init__(desk, None)
        self._action = action
        self._key = new_key()

    def compose(self) -> ComposeResult:
        """Four fields."""
        title = "send test campaign to" if self._stack.actions_allowed else "dry run of a test campaign on"
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = content_of([line(f"{title} {self._stack.stack}")], self._glyphs)
            dialog.border_subtitle = content_of([line("enter: dry run, tab: next field, esc: back")], self._glyphs)
            for name, label, value in (
                ("recipients", "recipients (simulator destinations only)", "100"),
                ("tps", "messages per second", "20"),
                ("channels", f"channels by turns ({CHANNELS})", Channel.SMS.value),
                ("body", "body", DEFAULT_BODY),
            ):
                yield Static(label, markup=False, classes="label")
                yield Input(value, id=name, select_on_focus=False)
            yield Static("", markup=False, classes="answer", id="answer")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in any field: check, then dry run."""
        if self.busy:
            return
        try:
            request = replace(make_request(*map(self._field, FIELDS)), key=self._key)
            self.read("dry run", lambda: self._api.plan(request), partial(self._planned, request), seconds=PLAN_SECONDS)
        except Exception as error:
            self.trouble(error)

    def _field(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value

    def _planned(self, request: CampaignRequest, plan: CampaignPlan) -> None:
        self.answer()
        self._desk.ask(CampaignConfirm(self._action, request, plan, self._desk), self._confirmed)

    def _confirmed(self, accepted: AcceptedCampaign | None) -> None:
        if accepted is not None:
            self.dismiss(accepted)


class CampaignConfirm(ActionScreen[AcceptedCampaign]):
    """The plan of a dry run; enter sends once the number of recipients is typed, in production the stack's name."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "send", "send")]

    def __init__(
        self,
        action: Action,
        request: CampaignRequest,
        plan: CampaignPlan,
        desk: Desk,
    ) -> None:
        acts = desk.stack.actions_allowed
        super().__init__(desk, word_for(action, desk.stack, plan.recipients) if acts and plan.recipients else None)
        self._request = request
        self._plan = plan

    def compose(self) -> ComposeResult:
        """The plan, and the word to type where one is needed."""
        with Vertical(classes="dialog -danger" if self._word == self._stack.stack else "dialog") as dialog:
            title = f"send to {self._stack.project}/{self._stack.stack}?" if self._stack.actions_allowed else "dry run"
            dialog.border_title = content_of([line(title)], self._glyphs)
            keys = "enter: send, esc: back" if self._stack.actions_allowed and self._plan.recipients else "esc: back"
            dialog.border_subtitle = content_of([line(keys)], self._glyphs)
            yield Static(content_of(view.plan_lines(self._plan, self._request), self._glyphs), markup=False, id="plan")
            yield from self.compose_word()
            yield Static("", markup=False, classes="answer", id="answer")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the confirmation field."""
        self.action_send()

    def action_send(self) -> None:
        """Send, once."""
        if self.busy or self.word_is_missing():
            return
        if self._plan.recipients == 0:
            self.answer(line(("nobody would get anything: all recipients are excluded", Role.WARN)))
            return
        try:
            require_actions(self._stack)
            self.write("sending", lambda: self._api.send(self._request), view.accepted_words, seconds=SEND_SECONDS)
        except Exception as error:
            self.trouble(error)
