"""Pages of AWS's console, as choices of a menu: no browser is started, the address is shown and copied."""

from __future__ import annotations

from collections.abc import Iterator

from console.ui.choices import Choice
from console.ui.desk import Desk
from console.ui.screens.help import TextScreen
from console.view.segments import Role, line


def page_choices(desk: Desk, address: str) -> Iterator[Choice]:
    """The choice of one page; none where there is no address."""
    if address:
        yield Choice("w", "AWS console", "its address, copied: no browser is started", lambda: _show(desk, address))


def _show(desk: Desk, address: str) -> None:
    desk.copy("address", address)
    lines = [line("copied; open it where there is a browser:"), (), line((address, Role.ACCENT))]
    desk.ask(TextScreen("AWS console", lines, desk.glyphs), lambda _: None)
