"""The palettes as themes of the terminal library, and the style of each role as theme variables."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.theme import Theme

from console.view.palette import PALETTES, SERIES, STATES, Palette, palette
from console.view.segments import Role

PREFIX = "cpaas-"


def theme_of(colours: Palette) -> Theme:
    """One palette as a theme: the library's own colours, then the console's variables."""
    of = colours.colours
    return Theme(
        name=f"{PREFIX}{colours.name}",
        primary=of["accent"],
        secondary=of["dim"],
        accent=of["accent"],
        foreground=of["foreground"],
        background=of["background"],
        surface=of["background"],
        panel=of["panel"],
        boost=of["panel"],
        success=of["ok"],
        warning=of["warn"],
        error=of["alarm"],
        dark=colours.dark,
        ansi=colours.ansi,
        variables={
            **{f"state-{state}": of[state] for state in STATES},
            **{
                name: of[name]
                for name in (*SERIES, "shade", "cursor-row", "frame", "prod", "prod-frame", "replay", "replay-frame")
            },
            "series-achieved": of["series-1"],
            "series-target": of["series-2"],
            "text-strong": of["strong"],
            "text-dim": of["dim"],
            "selection": of["selection"],
            "ansi-background": of["background"],
            "ansi-foreground": of["foreground"],
            "block-cursor-background": of["background"] if colours.ansi else of["selection"],
            "block-cursor-foreground": of["foreground"] if colours.ansi else of["selected"],
            "block-cursor-blurred-background": of["background"] if colours.ansi else of["selection"],
            "block-cursor-blurred-foreground": of["foreground"] if colours.ansi else of["selected"],
            "block-cursor-text-style": "bold underline" if colours.ansi else "bold",
            "block-cursor-blurred-text-style": "bold underline" if colours.ansi else "bold",
            "border": of["accent"],
            "border-blurred": of["frame"],
            "footer-key-foreground": of["accent"],
            "footer-foreground": of["foreground"],
            "footer-background": of["panel"],
            "input-selection-background": of["selection"],
            "input-selection-foreground": of["selected"],
            "screen-selection-background": of["selection"],
            "screen-selection-foreground": of["selected"],
            "scrollbar": of["frame"],
            "scrollbar-hover": of["dim"],
            "scrollbar-active": of["accent"],
            "scrollbar-background": of["background"],
            "scrollbar-background-hover": of["background"],
            "scrollbar-background-active": of["background"],
            "scrollbar-corner-color": of["background"],
        },
    )


THEMES: dict[str, Theme] = {name: theme_of(each) for name, each in PALETTES.items()}

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
    Role.THIRD: "$series-3",
    Role.FOURTH: "$series-4",
    Role.CHANGED: "bold underline $text-strong",
}
SHADE_STYLE = "on $shade"


def register_themes(app: App[Any]) -> None:
    """Make the four themes known to `app`, and the dark one its own."""
    for theme in THEMES.values():
        app.register_theme(theme)
    app.theme = THEMES["dark"].name


def set_theme(app: App[Any], name: str) -> None:
    """Draw `app` in the theme of that name (`dark`, `light`, ...); raises `ConsoleError` for any other."""
    app.theme = THEMES[palette(name).name].name


def theme_name(app: App[Any]) -> str:
    """The name of the theme that `app` is drawn in, as `set_theme` takes it."""
    return app.theme.removeprefix(PREFIX)
