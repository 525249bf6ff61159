"""Settings of the hours in which promotional campaigns are sent that say nothing about it themselves."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BeforeValidator

from lambdas.core.send_window import SendWindow, parse_send_window

NO_WINDOW = "none"
"""The setting of stacks that keep no quiet hours."""
ASK_FOR_WINDOW = (
    "promotional_window, the hours in which promotional campaigns are sent, such as"
    ' {start: "08:00", end: "21:00", timezone: America/New_York}, or none'
)
"""What a stack that has to name its window is told."""


def _read(value: object) -> object:
    if value is None or value == NO_WINDOW or isinstance(value, SendWindow):
        return value
    problems: list[str] = []
    window = parse_send_window(value, "promotional_window", problems)
    if window is None:
        raise ValueError("; ".join(problems))
    if window.timezone is None:
        raise ValueError(
            "promotional_window needs a timezone, such as America/New_York, for recipients whose own is not known"
        )
    return window


PromotionalWindow = Annotated[SendWindow | Literal["none"] | None, BeforeValidator(_read)]
"""A send window with a time zone, or `NO_WINDOW`; None where nobody has said."""


def window_text(window: SendWindow | str | None) -> str:
    """The window as the text of one environment variable; empty without one."""
    return json.dumps(window.to_json(), separators=(",", ":")) if isinstance(window, SendWindow) else ""
