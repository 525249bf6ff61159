"""Scrollbars for terminals without UTF-8: whole cells, where the library draws eighths of one."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBarRender
from textual.widget import Widget

from console.view.glyphs import Glyphs


class WholeCells(ScrollBarRender):
    """A bar that ends where a cell ends."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


def fit_scrollbars(widget: Widget, glyphs: Glyphs) -> None:
    """Draw the bars of `widget` with what the terminal can show."""
    if glyphs.ascii_only:
        for bar in (widget.vertical_scrollbar, widget.horizontal_scrollbar):
            bar.renderer = WholeCells  # type: ignore[misc]
