"""Scrollbars for terminals of few characters: whole cells, where the library draws eighths of one."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender

from console.view.glyphs import UNICODE, Glyphs


class WholeCells(ScrollBarRender):
    """A bar that ends where a cell ends."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


def fit_scrollbars(glyphs: Glyphs) -> None:
    """Draw all bars of this process with what its terminal can show, those of the library's own screens among them.

    Before the first one is drawn: a bar of one widget can be told only once it is there, and may be drawn before that.
    """
    ScrollBar.renderer = ScrollBarRender if glyphs is UNICODE else WholeCells
