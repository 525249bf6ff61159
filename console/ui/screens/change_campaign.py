"""Changing the selected campaign: what it is, what the change does, and a confirmation. Nothing happens before that."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from console.campaigns import make_change
from console.domain import CampaignChange, ChangedCampaign, ChangeKind
from console.services.actions import Action, word_for
from console.services.changes import change_campaign
from console.ui.content import content_of
from console.ui.desk import Desk
from console.ui.screens.action_screen import ActionScreen
from console.view import changes as view
from console.view.segments import line
from lambdas.core.campaign import CampaignSummary

CHANGE_SECONDS = 30.0


class ChangeCampaign(ActionScreen[ChangedCampaign]):
    """One change of one campaign; enter makes it. In production the stack's name must be typed first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "change", "change")]

    def __init__(
        self,
        action: Action,
        campaign: CampaignSummary,
        desk: Desk,
    ) -> None:
        super().__init__(desk, word_for(action, desk.stack))
        self._kind = ChangeKind(action.name)
        self._campaign = campaign

    def compose(self) -> ComposeResult:
        """The campaign, the consequence, a field for the pace, and the word to type where one is needed."""
        with Vertical(classes="dialog -danger" if self._word else "dialog") as dialog:
            title = f"{view.TITLES[self._kind]} on {self._stack.project}/{self._stack.stack}?"
            dialog.border_title = content_of([line(title)], self._glyphs)
            dialog.border_subtitle = content_of([line(f"enter: {self._kind.value}, esc: back")], self._glyphs)
            lines = view.confirmation_lines(self._campaign, self._kind)
            yield Static(content_of(lines, self._glyphs), markup=False, id="campaign")
            if self._kind is ChangeKind.TPS:
                yield Static("messages per second", markup=False, classes="label")
                yield Input(f"{self._campaign.throughput_tps:g}", id="tps", select_on_focus=False)
            yield from self.compose_word()
            yield Static("", markup=False, classes="answer", id="answer")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field."""
        self.action_change()

    def action_change(self) -> None:
        """Make the change, once."""
        if self.busy or self.word_is_missing():
            return
        try:
            pace = self.query_one("#tps", Input).value if self._kind is ChangeKind.TPS else None
            self._change(make_change(self._kind, pace))
        except Exception as error:
            self.trouble(error)

    def _change(self, change: CampaignChange) -> None:
        campaign_id = self._campaign.id
        doing = f"{self._kind.value} of {campaign_id}"
        call = partial(change_campaign, self._api, campaign_id, change)
        self.write(doing, call, view.changed_words, seconds=CHANGE_SECONDS)
