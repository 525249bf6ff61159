"""The colours of the four themes as data, by what they mean; a test measures their contrast and their distances.

Blue is OK, not green, and ALARM is a light red, after the palette for deuteranopia of the Modus themes: each state has
at least 6.2:1 on the dark background and 7:1 on the others. On white no two warm colours of that contrast are far apart
for people who see little green, so the light theme tells ALARM from WARN by a reversed badge. Series are the colours of
Okabe and Ito, lightened or darkened until their figures read as text. The `ansi` theme names the terminal's own sixteen
colours, which whoever set up the terminal has chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from console.domain import ConsoleError, ProblemKind

STATES = ("ok", "warn", "alarm", "nodata")
SERIES = ("series-1", "series-2", "series-3", "series-4")
VARIABLE = "CPAAS_THEME"


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme: each colour by its meaning as #rrggbb, or as a name of Textual's `ansi_` colours.

    `badged` are the states that this theme must reverse to keep them apart from others.
    """

    name: str
    dark: bool
    colours: Mapping[str, str]
    badged: frozenset[str] = frozenset()

    @property
    def ansi(self) -> bool:
        """Whether the colours are the terminal's own."""
        return self.colours["background"].startswith("ansi_")


DARK = Palette(
    "dark",
    True,
    {
        "background": "#10141a",
        "panel": "#1a2029",
        "shade": "#1d2733",
        "cursor-row": "#24303c",
        "selection": "#15324b",
        "selected": "#f4f7fa",
        "foreground": "#d8dde3",
        "strong": "#f4f7fa",
        "dim": "#989898",
        "frame": "#3a4450",
        "accent": "#56b4e9",
        "ok": "#2fafff",
        "warn": "#ffa00f",
        "alarm": "#ff605a",
        "nodata": "#989898",
        "series-1": "#56b4e9",
        "series-2": "#e69f00",
        "series-3": "#d98bb8",
        "series-4": "#2cb98d",
        "prod": "#3d1113",
        "prod-frame": "#8c3b39",
        "replay": "#3a2a08",
        "replay-frame": "#9a6a12",
    },
)
LIGHT = Palette(
    "light",
    False,
    {
        "background": "#ffffff",
        "panel": "#eef1f4",
        "shade": "#e8eef5",
        "cursor-row": "#dbe7f3",
        "selection": "#d3e7f8",
        "selected": "#000000",
        "foreground": "#1c2127",
        "strong": "#000000",
        "dim": "#595959",
        "frame": "#a8b0ba",
        "accent": "#0067a3",
        "ok": "#0034c8",
        "warn": "#864800",
        "alarm": "#a60000",
        "nodata": "#595959",
        "series-1": "#0067a3",
        "series-2": "#a45a00",
        "series-3": "#a8467f",
        "series-4": "#00745a",
        "prod": "#ffdedb",
        "prod-frame": "#c98380",
        "replay": "#ffecc4",
        "replay-frame": "#c19a4b",
    },
    badged=frozenset({"alarm"}),
)
HIGH_CONTRAST = Palette(
    "high-contrast",
    True,
    {
        "background": "#000000",
        "panel": "#000000",
        "shade": "#1c2a3a",
        "cursor-row": "#1f3044",
        "selection": "#0a4a80",
        "selected": "#ffffff",
        "foreground": "#ffffff",
        "strong": "#ffffff",
        "dim": "#c8c8c8",
        "frame": "#9aa4b0",
        "accent": "#6cc4ff",
        "ok": "#2fafff",
        "warn": "#ffd000",
        "alarm": "#ff6f60",
        "nodata": "#a8a8a8",
        "series-1": "#6cc4ff",
        "series-2": "#ffb52e",
        "series-3": "#f0a6d0",
        "series-4": "#3fe0ae",
        "prod": "#4a0000",
        "prod-frame": "#b8453b",
        "replay": "#382400",
        "replay-frame": "#b08f00",
    },
)
ANSI = Palette(
    "ansi",
    True,
    {
        "background": "ansi_default",
        "panel": "ansi_default",
        "shade": "ansi_default",
        "cursor-row": "ansi_default",
        "selection": "ansi_blue",
        "selected": "ansi_bright_white",
        "foreground": "ansi_default",
        "strong": "ansi_default",
        "dim": "ansi_default",
        "frame": "ansi_default",
        "accent": "ansi_cyan",
        "ok": "ansi_cyan",
        "warn": "ansi_yellow",
        "alarm": "ansi_red",
        "nodata": "ansi_default",
        "series-1": "ansi_cyan",
        "series-2": "ansi_yellow",
        "series-3": "ansi_magenta",
        "series-4": "ansi_green",
        "prod": "ansi_default",
        "prod-frame": "ansi_red",
        "replay": "ansi_default",
        "replay-frame": "ansi_yellow",
    },
)
PALETTES: Mapping[str, Palette] = {each.name: each for each in (DARK, LIGHT, HIGH_CONTRAST, ANSI)}


def palette(name: str) -> Palette:
    """The palette of that name; raises `ConsoleError` for any other."""
    try:
        return PALETTES[name]
    except KeyError:
        raise ConsoleError(
            ProblemKind.BAD_INPUT, f"there is no theme {name!r}", f"themes are {', '.join(PALETTES)}"
        ) from None


def chosen(option: str | None, environ: Mapping[str, str]) -> str:
    """The theme's name: of the option, else of the variable, else what suits the terminal; raises `ConsoleError` where
    it is unknown.

    A terminal that promises neither 256 colours in TERM nor all of them in COLORTERM is drawn in its own sixteen: the
    nearest of them to the colours of another theme may be one and the same for a text and its background.
    """
    if name := option or environ.get(VARIABLE, ""):
        return palette(name).name
    shades = environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit")
    many = environ.get("TERM", "").strip().lower().rpartition("-")[2] in ("256color", "kitty")
    return DARK.name if shades or many else ANSI.name
