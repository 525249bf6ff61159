"""The first thing on the screen: what is being connected to, how far it is, and what went wrong."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Footer, Static

from console.domain import Problem
from console.ui.content import content_of
from console.view import format as fmt
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, line

KEPT_STEPS = 6


class ConnectingScreen(Screen[None]):
    """Progress while the stack is found; stays with the trouble when it is not."""

    def __init__(self, target: str, glyphs: Glyphs) -> None:
        super().__init__()
        self._target = target
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """One dialog in the middle."""
        box = Static(markup=False, classes="dialog", id="progress")
        box.border_title = content_of([line(self._target)], self._glyphs)
        yield Container(box, id="connecting")
        yield Footer(show_command_palette=False)

    def show(self, steps: list[str], elapsed: float, problem: Problem | None) -> None:
        """The last steps, or the problem with its remedy."""
        glyphs = self._glyphs
        lines: list[Line] = [line((f"{glyphs.ok} {step}", Role.MUTED)) for step in steps[-KEPT_STEPS:-1]]
        if steps and problem is None:
            lines.append(line((f"{glyphs.loading} {steps[-1]}", Role.STRONG)))
        if problem is None:
            lines.append(line((f"connecting for {fmt.age(elapsed)}", Role.MUTED)))
        else:
            lines.append(line((f"{glyphs.alarm} {problem.sentence}", Role.ALARM)))
            lines.append(line(problem.remedy))
            renew = "L runs it and tries again, " if problem.command else ""
            lines.append(line((f"{renew}r tries again, q quits", Role.MUTED)))
        self.query_one("#progress", Static).update(content_of(lines, glyphs))
