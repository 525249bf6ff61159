"""The action menu: all that can be done to the stack. What has a key of its own asks for a confirmation as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from console.domain import ChangeKind
from console.ui.content import content_of
from console.view.glyphs import Glyphs
from console.view.segments import Role, line, pad


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done to the stack."""

    name: str
    title: str
    does: str


ACTIONS: tuple[Action, ...] = (
    Action("send_campaign", "send test campaign", "to simulator numbers; shows its plan first"),
    Action(ChangeKind.PAUSE, "pause campaign", "the selected one; p"),
    Action(ChangeKind.RESUME, "resume campaign", "the selected one; p where it is paused"),
    Action(ChangeKind.TPS, "change TPS", "of the selected campaign; t"),
    Action(ChangeKind.CANCEL, "cancel campaign", "the selected one, for good; x"),
)


class ActionMenu(ModalScreen[str | None]):
    """Choose an action; dismissed with its name."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "cancel", "back")]

    def __init__(self, actions: Sequence[Action], stack: str, glyphs: Glyphs) -> None:
        super().__init__()
        self._actions = actions
        self._stack = stack
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = content_of([line(f"actions on {self._stack}")], self._glyphs)
            dialog.border_subtitle = content_of([line("enter: choose, esc: back")], self._glyphs)
            yield OptionList(
                *(
                    Option(
                        content_of([line((pad(a.title, 24), Role.STRONG), (a.does, Role.MUTED))], self._glyphs),
                        id=a.name,
                    )
                    for a in self._actions
                ),
                markup=False,
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or click."""
        self.dismiss(event.option_id)

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
