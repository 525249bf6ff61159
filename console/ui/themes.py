"""The palette as data: one dark theme, and the style of each role as theme variables.

Contrast on the background is at least 6.2:1 and the worst pair of states stays distinct for deuteranopia: blue is OK,
not green. Colours after Okabe and Ito for the series.
"""

from __future__ import annotations

from textual.theme import Theme

from console.view.segments import Role

DARK = Theme(
    name="cpaas-dark",
    primary="#2fafff",
    secondary="#989898",
    accent="#56b4e9",
    foreground="#d8dde3",
    background="#10141a",
    surface="#10141a",
    panel="#1a2029",
    success="#2fafff",
    warning="#ffa00f",
    error="#ff5f59",
    dark=True,
    variables={
        "state-ok": "#2fafff",
        "state-warn": "#ffa00f",
        "state-alarm": "#ff5f59",
        "state-nodata": "#989898",
        "series-achieved": "#56b4e9",
        "series-target": "#e69f00",
        "text-strong": "#f4f7fa",
        "text-dim": "#989898",
        "frame": "#3a4450",
        "footer-key-foreground": "#56b4e9",
        "footer-background": "#1a2029",
        "border": "#56b4e9",
        "input-selection-background": "#2a4a66",
    },
)

ROLE_STYLES: dict[Role, str] = {
    Role.PLAIN: "",
    Role.STRONG: "bold $text-strong",
    Role.MUTED: "$text-dim",
    Role.ACCENT: "$series-achieved",
    Role.OK: "$state-ok",
    Role.WARN: "$state-warn",
    Role.ALARM: "bold $state-alarm",
    Role.NODATA: "$state-nodata",
    Role.ACHIEVED: "$series-achieved",
    Role.TARGET: "$series-target",
}
