"""STOP in many spellings and languages, and what only looks like it."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.opt_out_words import (
    HELP_WORDS,
    MAX_CHARACTERS,
    START_WORDS,
    STOP_WORDS,
    OptOutWord,
    normal_form,
    opt_out_word,
)

STOPS = [word for words in STOP_WORDS.values() for word in words]
STARTS = [word for words in START_WORDS.values() for word in words]
HELPS = [word for words in HELP_WORDS.values() for word in words]
AWS_DEFAULTS = ("ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE")


@pytest.mark.parametrize("text", AWS_DEFAULTS)
def test_every_default_keyword_of_aws_stops(text: str) -> None:
    assert opt_out_word(text) is OptOutWord.STOP
    assert opt_out_word(text.lower()) is OptOutWord.STOP


@pytest.mark.parametrize(
    "text",
    [
        "stop",
        "  Stop  ",
        "STOP!",
        "“Stop.”",
        "s.t.o.p.",
        "S T O P",
        "ＳＴＯＰ",
        "stop\u200b",
        "STOP STOP stop",
        "Stop, please!",
        "please stop",
        "STOP 🛑",
        "opt out",
        "Opt‑Out",
        "StopAll",
        "stop all",
        "Revoke",
        "Stop promotions",
        "don’t text me",
        "Stopp",
        "abmelden",
        "kuendigen",
        "kündigen",
        "Baja",
        "ALTO por favor",
        "no mas",
        "arrêt",
        "Arrêter",
        "ARRETER",
        "désabonner svp",
        "sair",
        "Parar",
        "basta",
        "Cancellami, grazie",
        "afmelden",
        "avanmäl",
        "rezygnuje",
        "iptal",
        "İPTAL",
        "ıptal",
        "стоп",
        "Отписаться",
        "στοπ",
        "إيقاف",
        "ايقاف",
        "הסר",
        "रोकें",
        "退订",
        "停止",
        "ｽﾄｯﾌﾟ",
        "수신거부",
    ],
)
def test_stop_is_understood(text: str) -> None:
    assert opt_out_word(text) is OptOutWord.STOP


@pytest.mark.parametrize(
    "text",
    [
        "please don't stop",
        "Don't stop!",
        "do not cancel",
        "non-stop",
        "the next stop is Central Station",
        "stop by at nine",
        "when does it end?",
        "can I cancel my order",
        "para mi madre",
        "I'm going to the bus stop",
        "start stop",
        "yes",
        "no",
        "please",
        "thank you",
        "",
        "!!!",
        "st op",
        "stopping",
        "un stop",
        "stop" + " " * MAX_CHARACTERS,
        "12",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert opt_out_word(text) is None


def test_start_and_help_are_words_of_their_own() -> None:
    assert {opt_out_word(text) for text in STARTS} == {OptOutWord.START}
    assert {opt_out_word(text) for text in HELPS} == {OptOutWord.HELP}
    assert opt_out_word("u n s t o p") is OptOutWord.START


def test_no_spelling_means_two_things() -> None:
    stops, starts, helps = ({normal_form(text) for text in words} for words in (STOPS, STARTS, HELPS))
    assert not stops & starts
    assert not stops & helps
    assert not starts & helps


def test_many_languages_are_known() -> None:
    assert len(STOP_WORDS.keys() - {"aws", "ctia"}) >= 20


@given(
    st.sampled_from(STOPS),
    st.text(" .,!?\t\n\"'()-", max_size=5),
    st.text(" .,!?\t\n\"'()-", max_size=5),
    st.sampled_from([str.upper, str.lower, str.title, str.swapcase]),
    st.booleans(),
)
def test_case_punctuation_and_width_do_not_matter(
    word: str, before: str, after: str, recase: object, wide: bool
) -> None:
    assert callable(recase)
    text = recase(word) if word.isascii() else word
    if wide:
        text = text.translate({ord(each): ord(each) + 0xFEE0 for each in string.ascii_letters})
    assert opt_out_word(f"{before}{text}{after}") is OptOutWord.STOP


@given(st.sampled_from(STOPS), st.sampled_from(["don't", "do not", "never", "not", "bus", "nicht", "ne", "the", "7"]))
def test_a_word_among_others_asks_for_nothing(word: str, other: str) -> None:
    assert opt_out_word(f"{other} {word}") is None
    assert opt_out_word(f"{word} {other}") is None


@given(st.text(max_size=400))
def test_any_text_is_read_without_failing(text: str) -> None:
    normal = normal_form(text)
    assert normal_form(normal) == normal
    assert opt_out_word(text) in (None, *OptOutWord)
