"""Help, made from the bindings that are live on the screen below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from console.commandline import COMMANDS
from console.ui.content import content_of
from console.view.filters import HELP as FILTER_HELP
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, line, pad

LEGEND: tuple[str, ...] = (
    "achieved: messages accepted by the provider per second, over the last 5 s, from the campaigns' counters",
    "target: the running campaigns' TPS together, at most the rate of the origination identity",
    "awaiting receipt: accepted, no final receipt yet; in doubt: it is not known whether the provider took it",
    "estimate: month to date over the share of the month that has passed",
    "band: the estimate plus and minus two standard deviations of a day, times the root of the days left",
)


class TextScreen(ModalScreen[None]):
    """Lines to read, scrolled with the arrows, closed with escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,question_mark", "dismiss", "close"),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, title: str, lines: Sequence[Line], glyphs: Glyphs) -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """One scrolling dialog."""
        dialog = VerticalScroll(
            Static(content_of(self._lines, self._glyphs), markup=False), classes="dialog tall", id="text"
        )
        dialog.border_title = content_of([line(self._title)], self._glyphs)
        dialog.border_subtitle = content_of([line("esc closes")], self._glyphs)
        yield dialog

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#text").scroll_relative(y=lines, animate=False)

    async def action_dismiss(self, result: None = None) -> None:
        """Close."""
        self.dismiss(result)


def help_lines(bindings: Sequence[Binding], *, commands: bool) -> list[Line]:
    """Key and meaning of each binding, the command line and the filters, then what the words mean."""
    lines: list[Line] = [line(("keys", Role.STRONG))]
    lines += [_row(keys, what) for what, keys in _keys(bindings).items()]
    if commands:
        lines += [
            (),
            line((": commands", Role.STRONG)),
            _row("NAME [X]", "a screen, or one thing on it; tab completes"),
        ]
        lines += [_row(name, what) for name, what in COMMANDS.items()]
        lines += [(), line(("/ filters; terms beside each other must all hold", Role.STRONG))]
        lines += [_row(form, what) for form, what in FILTER_HELP]
    lines += [(), line(("words", Role.STRONG))]
    return lines + [line((sentence, Role.MUTED)) for sentence in LEGEND]


def _keys(bindings: Sequence[Binding]) -> dict[str, str]:
    """All keys of what each of them does; the terminal library's own descriptions are written like ours."""
    keys: dict[str, list[str]] = {}
    for binding in bindings:
        what = binding.description
        keys.setdefault(what.lower() if what[:1].isupper() else what, []).append(binding.key_display or binding.key)
    return {what: " ".join(dict.fromkeys(each)) for what, each in keys.items()}


def _row(name: str, what: str) -> Line:
    return line((pad(name, 14), Role.ACCENT), what)
