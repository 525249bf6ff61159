"""The themes' colours measured: contrast as WCAG 2.2 defines it, distances as seen with each kind of colour vision."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from console.domain import Alarm, AlarmState, ConsoleError
from console.ui.themes import ROLE_STYLES, SHADE_STYLE, THEMES, theme_of
from console.view import palette
from console.view.glyphs import UNICODE, alarm_badge
from console.view.palette import ANSI, DARK, HIGH_CONTRAST, LIGHT, SERIES, STATES, Palette
from console.view.segments import Role

Vector = tuple[float, float, float]
VISIONS: dict[str, tuple[Vector, Vector, Vector]] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""Severity 1.0 of Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
Deficiency" (2009), for linear RGB."""
XYZ: tuple[Vector, Vector, Vector] = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
WHITE: Vector = (0.95047, 1.0, 1.08883)
"""Linear sRGB to CIE XYZ, and its white point D65 (IEC 61966-2-1)."""

MEASURED = [(DARK, 6.2), (LIGHT, 7.0), (HIGH_CONTRAST, 7.0)]
WORST_DISTANCE = 25.0


def linear(colour: str) -> Vector:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return _linear(red), _linear(green), _linear(blue)


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def times(matrix: tuple[Vector, Vector, Vector], vector: Vector) -> Vector:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def contrast(one: str, other: str) -> float:
    low, high = sorted(times(XYZ, linear(colour))[1] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, vision: str) -> Vector:
    seen = times(VISIONS[vision], linear(colour))
    clipped = tuple(min(1.0, max(0.0, each)) for each in seen)
    shares = [a / b for a, b in zip(times(XYZ, clipped), WHITE, strict=True)]  # type: ignore[arg-type]
    x, y, z = (each ** (1 / 3) if each > 216 / 24389 else (24389 / 27 * each + 16) / 116 for each in shares)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: str, other: str, vision: str) -> float:
    """CIE 1976 delta E."""
    return float(sum((a - b) ** 2 for a, b in zip(lab(one, vision), lab(other, vision), strict=True)) ** 0.5)


def test_the_measures_agree_with_known_figures() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert distance("#ff0000", "#00ff00", "normal") == pytest.approx(170.6, abs=0.5)
    assert distance("#ff0000", "#808000", "deutan") < distance("#ff0000", "#808000", "normal") / 2


@pytest.mark.parametrize(("theme", "least"), MEASURED, ids=lambda value: getattr(value, "name", value))
def test_every_state_reads_on_the_background(theme: Palette, least: float) -> None:
    for state in STATES:
        assert contrast(theme.colours[state], theme.colours["background"]) >= least, state


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize(("theme", "_least"), MEASURED, ids=lambda value: getattr(value, "name", value))
def test_states_stay_apart_for_every_kind_of_vision(theme: Palette, _least: float, vision: str) -> None:
    """By colour where both are drawn alike; a reversed badge is told from plain text by its form."""
    for one, other in combinations(STATES, 2):
        if (one in theme.badged) == (other in theme.badged):
            assert distance(theme.colours[one], theme.colours[other], vision) >= WORST_DISTANCE, (one, other)


def test_only_the_light_theme_falls_back_on_badges() -> None:
    assert {name for name, each in palette.PALETTES.items() if each.badged} == {"light"}
    assert distance(LIGHT.colours["alarm"], LIGHT.colours["warn"], "deutan") < WORST_DISTANCE
    loud, quiet = (
        alarm_badge(Alarm("x", AlarmState.ALARM, severity, None, "", ""), UNICODE)
        for severity in ("critical", "warning")
    )
    assert (loud.role, loud.badge) == (Role.ALARM, True)
    assert (quiet.role, quiet.badge) == (Role.WARN, False)


@pytest.mark.parametrize(("theme", "_least"), MEASURED, ids=lambda value: getattr(value, "name", value))
def test_text_reads_wherever_it_stands(theme: Palette, _least: float) -> None:
    colours = theme.colours
    for ground in ("background", "panel", "shade", "cursor-row", "prod", "replay"):
        for text in ("foreground", "strong", "dim", *STATES):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for text in ("selected", "foreground", "strong", "dim", "accent"):
        assert contrast(colours[text], colours["selection"]) >= 4.5, text
    for text in (*SERIES, "accent"):
        assert contrast(colours[text], colours["background"]) >= 4.5, text


def test_all_themes_have_the_same_colours_and_variables() -> None:
    assert {frozenset(each.colours) for each in palette.PALETTES.values()} == {frozenset(DARK.colours)}
    assert {frozenset(each.variables) for each in THEMES.values()} == {frozenset(theme_of(DARK).variables)}
    assert all(re.fullmatch(r"#[0-9a-f]{6}", c) for theme, _ in MEASURED for c in theme.colours.values())
    assert ANSI.ansi
    assert all(colour.startswith("ansi_") for colour in ANSI.colours.values())


def test_every_role_has_a_style_of_known_variables() -> None:
    assert set(ROLE_STYLES) == set(Role)
    known = set(theme_of(DARK).variables)
    for style in (*ROLE_STYLES.values(), SHADE_STYLE):
        assert set(re.findall(r"\$([\w-]+)", style)) <= known


def test_a_theme_is_chosen_by_option_then_variable() -> None:
    assert palette.chosen(None, {"TERM": "xterm-256color"}) == "dark"
    assert palette.chosen(None, {"TERM": "alacritty", "COLORTERM": "truecolor"}) == "dark"
    assert palette.chosen(None, {"TERM": "linux"}) == palette.chosen(None, {}) == "ansi"
    assert palette.chosen(None, {"CPAAS_THEME": "light"}) == "light"
    assert palette.chosen("ansi", {"CPAAS_THEME": "light"}) == "ansi"
    with pytest.raises(ConsoleError, match="there is no theme 'neon'; themes are dark, light, high-contrast, ansi"):
        palette.chosen(None, {"CPAAS_THEME": "neon"})
