"""The question before the end, where something is under way: what it is, and that it is let end first."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from console.ui.content import content_of
from console.ui.works import Works
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, line

LOOK_SECONDS = 0.1


class LeaveScreen(ModalScreen[bool]):
    """Dismissed with whether to end. Enter lets what is under way come to its next good point; asked once more, the
    end comes at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stay", "stay", priority=True),
        Binding("enter,q", "leave", "leave"),
    ]

    def __init__(self, works: Works, glyphs: Glyphs) -> None:
        super().__init__()
        self._works = works
        self._glyphs = glyphs
        self._ending = False

    def compose(self) -> ComposeResult:
        """What is under way, and the keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = content_of([line("leave?")], self._glyphs)
            dialog.border_subtitle = content_of([line("enter: leave, esc: stay")], self._glyphs)
            yield Static("", markup=False, id="under-way")

    def on_mount(self) -> None:
        """Watch it end."""
        self._look()
        self.set_interval(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        out = self._works.out
        if self._ending and not out and self.is_active:
            self.dismiss(True)
            return
        lines: list[Line] = [line((f"{self._glyphs.loading} {work.what}", Role.STRONG)) for work in out]
        if self._ending:
            lines.append(line(("ending; ctrl+c leaves at once, in the middle", Role.WARN)))
        elif out:
            lines.append(line("enter lets it come to a good end, then leaves"))
        else:
            lines.append(line("all of it has ended; enter leaves"))
        self.query_one("#under-way", Static).update(content_of(lines, self._glyphs))

    def action_leave(self) -> None:
        """Let it end, then go; the second time at once."""
        if self._ending or not self._works.out:
            self.dismiss(True)
            return
        self._ending = True
        self._works.stop()
        self._look()

    def action_stay(self) -> None:
        """Not now."""
        self.dismiss(False)
