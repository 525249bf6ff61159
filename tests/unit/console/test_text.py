"""Hostile text: whatever comes in, nothing that drives a terminal comes out."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.text import MAX_COMBINING, fit, safe, safe_line

HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from("\x00\x07\x08\x1b\x7f\x9b\x9d\u200b\u200d\u202e\u2066\ufeff\u00ad\u2028\u0301\u3164\U000e0041"),
    )
)


@given(HOSTILE, st.integers(min_value=1, max_value=60))
def test_nothing_that_drives_a_terminal_survives(text: str, cells: int) -> None:
    cleaned = safe(text, cells)
    for character in cleaned:
        assert character in "\t\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    assert cell_len(cleaned) <= cells
    cleaned.encode("utf-8")


@given(HOSTILE)
def test_cleaning_is_idempotent(text: str) -> None:
    assert safe(safe(text)) == safe(text)
    assert safe_line(safe_line(text)) == safe_line(text)


@given(HOSTILE, st.integers(min_value=1, max_value=40))
def test_a_line_is_one_line(text: str, cells: int) -> None:
    cleaned = safe_line(text, cells)
    assert not set(cleaned) & set("\t\n\r")
    assert cell_len(cleaned) <= cells


@given(st.text(alphabet=st.characters(categories=("Lu", "Ll", "Nd", "Po"), max_codepoint=0x24F), max_size=50))
def test_ordinary_text_is_untouched(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b]52;c;ZXZpbA==\x07", "]52;c;ZXZpbA=="),
        ("\x9b31mred", "31mred"),
        ("\x1b[6n", "[6n"),
        ("pay\u202egnp.exe", "paygnp.exe"),
        ("in\u200bvis\u2060ible", "invisible"),
        ("a\u2028b", "a\nb"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
        ("x" + "\u0301" * 50, "x" + "\u0301" * MAX_COMBINING),
        (b"bytes", "b'bytes'"),
        (None, "None"),
    ],
)
def test_known_attacks(hostile: object, harmless: str) -> None:
    assert safe(hostile) == harmless


def test_the_length_counts_cells_not_characters() -> None:
    assert safe("日本語テキスト", 7) == "日本語…"
    assert fit("plain text", 6) == "plain…"
    assert fit("anything", 0) == ""
