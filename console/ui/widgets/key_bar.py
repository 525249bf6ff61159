"""The row of keys at the bottom: where it is too narrow for all of them, those give way that are known best."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

GIVE_WAY = ("copy", "live", "act", "jump", "prompt('/')", "prompt(':')")
"""Actions whose keys are left out, one after the other; `?` stays, and it tells them all."""
AROUND = 3
"""Cells that Textual puts around a key and its word, and around a group of keys and its word."""


class KeyBar(Footer):
    """The keys that are live, as many as there is room for."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._left_out: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        """Textual's own keys without those that give way."""
        self._left_out = self._too_many()
        for widget in super().compose():
            if not (isinstance(widget, FooterKey) and widget.action in self._left_out):
                yield widget

    def on_resize(self, event: events.Resize) -> None:
        """More or less room."""
        if self._too_many() != self._left_out:
            self.call_after_refresh(self.recompose)

    def _too_many(self) -> frozenset[str]:
        live = [each.binding for each in self.screen.active_bindings.values()]
        shown = list({binding.action: binding for binding in reversed(live) if binding.show}.values())[::-1]
        left_out: list[str] = []
        for action in GIVE_WAY:
            if self._cells([binding for binding in shown if binding.action not in left_out]) <= self.app.size.width:
                break
            left_out.append(action)
        return frozenset(left_out)

    def _cells(self, bindings: Sequence[Binding]) -> int:
        cells = 0
        for group, members in groupby(bindings, lambda binding: binding.group):
            together = list(members)
            keys = sum(cell_len(self.app.get_key_display(binding)) for binding in together)
            if group is not None and len(together) > 1:
                cells += keys + cell_len(group.description) + AROUND
            else:
                cells += keys + sum(cell_len(binding.description) + AROUND for binding in together)
        return cells
