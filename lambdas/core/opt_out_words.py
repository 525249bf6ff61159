"""STOP, START and HELP as people write them: in many languages, any case, with accents, punctuation or none.

Only a whole message counts. "STOP", "s.t.o.p" and "Stop, please!" ask for it; "please don't stop" and "the next stop is
Central Station" do not, nor does any longer text, because nobody can be asked what they meant by a word inside it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum

MAX_CHARACTERS = 160
"""A longer text is no command."""


class OptOutWord(StrEnum):
    """What a message asks for: no more messages, messages again, or who is writing and how to end it."""

    STOP = "stop"
    START = "start"
    HELP = "help"


STOP_WORDS: Mapping[str, tuple[str, ...]] = {
    # AWS's default keywords (End User Messaging SMS user guide, "Keywords"); TD is Chinese "tui ding", unsubscribe.
    "aws": ("ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"),
    # CTIA's Messaging Principles and Best Practices; "revoke" is also named by 47 CFR 64.1200(a)(10).
    "ctia": ("STOPALL", "STOP ALL", "REVOKE"),
    # Phrases, and the text of the button that Meta adds to marketing templates.
    "en": (
        *("STOP PROMOTIONS", "STOP MESSAGES", "STOP TEXTING", "STOP TEXTING ME", "STOP MESSAGING ME", "REMOVE ME"),
        *("STOP SENDING", "STOP SENDING ME MESSAGES", "STOP SENDING MESSAGES", "DO NOT TEXT ME", "DO NOT CONTACT ME"),
        *("UNSUBSCRIBE ME", "UNSUBSCRIBE ALL", "OPT ME OUT", "DON'T TEXT ME", "DON'T CONTACT ME"),
    ),
    "de": ("STOPP", "ABMELDEN", "ABBESTELLEN", "AUSTRAGEN", "KÜNDIGEN", "ABMELDUNG", "BEENDEN", "STOPPEN"),
    "es": ("BAJA", "ALTO", "DETENER", "CANCELAR", "PARAR", "SALIR", "DARME DE BAJA", "DAR DE BAJA", "NO MÁS"),
    "fr": ("ARRÊT", "ARRÊTER", "ARRÊTEZ", "DÉSABONNER", "DÉSABONNEMENT", "DÉSINSCRIRE", "DÉSINSCRIPTION", "STOP SMS"),
    "pt": ("SAIR", "PARE", "PARAR", "CANCELE", "REMOVER", "DESCADASTRAR"),
    "it": ("BASTA", "FERMA", "FERMATI", "CANCELLA", "CANCELLAMI", "ANNULLA", "DISISCRIVI", "DISISCRIVIMI", "RIMUOVI"),
    "nl": ("AFMELDEN", "UITSCHRIJVEN", "OPZEGGEN", "STOPZETTEN"),
    "da": ("AFMELD", "FRAMELD", "STOP NU"),
    "no": ("AVMELD", "AVSLUTT"),
    "sv": ("AVSLUTA", "AVREGISTRERA", "AVANMÄL"),
    "fi": ("LOPETA", "PERUUTA"),
    "pl": ("REZYGNUJĘ", "REZYGNACJA", "WYPISZ", "WYPISZ MNIE", "ZATRZYMAJ"),
    "cs": ("ODHLÁSIT", "ZRUŠIT", "UKONČIT"),
    "hu": ("LEIRATKOZÁS", "LEIRATKOZOM", "LEÁLLÍTÁS"),
    "ro": ("DEZABONARE", "OPREȘTE", "ANULARE"),
    "tr": ("DUR", "DURDUR", "İPTAL", "RET", "ÇIKIŞ"),
    "el": ("ΣΤΟΠ", "ΔΙΑΓΡΑΦΗ", "ΔΙΑΚΟΠΗ"),
    "ru": ("СТОП", "ОТПИСАТЬСЯ", "ОТПИСКА", "ОТМЕНА"),
    "uk": ("ВІДПИСАТИСЯ", "ВІДПИСКА"),
    "ar": ("توقف", "إيقاف", "الغاء", "إلغاء الاشتراك"),
    "he": ("הסר", "הסירו", "עצור"),
    "hi": ("रोकें", "रोको", "बंद करें"),
    "id": ("BERHENTI",),
    "vi": ("HỦY", "DỪNG", "TỪ CHỐI"),
    "th": ("หยุด", "ยกเลิก"),
    "zh": ("退订", "退訂", "取消订阅", "取消訂閱", "停止", "拒收"),
    "ja": ("停止", "配信停止", "解除", "ストップ"),
    "ko": ("수신거부", "중지", "거부"),
}
"""Words and phrases that opt out, by language. A word that is a plain answer in another language (Finnish PERU and
SEIS) is left out."""

START_WORDS: Mapping[str, tuple[str, ...]] = {
    # US toll-free numbers take START and UNSTOP (user guide, "Keywords"). YES is left out: it answers questions.
    "en": ("START", "UNSTOP", "OPT-IN", "OPTIN", "SUBSCRIBE", "RESUBSCRIBE", "RESUME PROMOTIONS", "STARTALL"),
    "de": ("STARTEN", "ANMELDEN"),
    "es": ("ALTA", "INICIAR", "COMENZAR"),
    "fr": ("COMMENCER", "DÉMARRER", "REPRENDRE", "ABONNER", "RÉABONNER"),
    "pt": ("INICIO", "COMEÇAR", "ASSINAR"),
    "it": ("INIZIA", "ISCRIVI", "ISCRIVIMI"),
    "nl": ("AANMELDEN", "INSCHRIJVEN"),
    "da": ("TILMELD",),
    "no": ("PÅMELD",),
    "sv": ("STARTA", "ANMÄL"),
    "pl": ("ZAPISZ", "ZAPISZ MNIE"),
    "tr": ("BAŞLA", "BAŞLAT"),
    "el": ("ΕΝΑΡΞΗ",),
    "ru": ("СТАРТ", "ПОДПИСАТЬСЯ"),
    "ar": ("ابدأ", "اشتراك"),
    "id": ("MULAI",),
    "zh": ("订阅", "訂閱", "开始"),
    "ja": ("再開", "スタート"),
    "ko": ("수신동의",),
}
"""Words that lift one's own opt-out, by language."""

HELP_WORDS: Mapping[str, tuple[str, ...]] = {
    "en": ("HELP", "INFO"),
    "de": ("HILFE",),
    "es": ("AYUDA",),
    "fr": ("AIDE",),
    "pt": ("AJUDA",),
    "it": ("AIUTO",),
    "nl": ("HULP",),
    "da": ("HJÆLP",),
    "no": ("HJELP",),
    "sv": ("HJÄLP",),
    "fi": ("APUA",),
    "pl": ("POMOC",),
    "tr": ("YARDIM",),
    "el": ("ΒΟΗΘΕΙΑ",),
    "ru": ("ПОМОЩЬ",),
    "uk": ("ДОПОМОГА",),
    "ar": ("مساعدة",),
    "he": ("עזרה",),
    "hi": ("मदद",),
    "id": ("BANTUAN",),
    "vi": ("TRỢ GIÚP",),
    "zh": ("帮助", "幫助"),
    "ja": ("ヘルプ",),
    "ko": ("도움말",),
}
"""Words that ask for help, by language."""

POLITE: Mapping[str, tuple[str, ...]] = {
    "en": ("PLEASE", "PLS", "PLZ", "THANKS", "THANK YOU", "NOW", "HI", "HELLO"),
    "de": ("BITTE", "DANKE"),
    "es": ("POR FAVOR", "GRACIAS"),
    "fr": ("S'IL VOUS PLAÎT", "SVP", "MERCI"),
    "it": ("PER FAVORE", "GRAZIE"),
    "pt": ("OBRIGADO", "OBRIGADA"),
    "nl": ("ALSTUBLIEFT", "DANK U"),
    "pl": ("PROSZĘ",),
    "tr": ("LÜTFEN",),
    "ru": ("ПОЖАЛУЙСТА",),
}
"""What may stand before or after a word without changing what it asks for."""

_LETTERS = {"ı": "i", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "\u0640": ""}
"""Letters that Unicode does not take apart, as people without the key write them; Arabic's tatweel is no letter."""
_MARKS = re.compile("[\u0300-\u036f\u064b-\u0655\u0670]")
"""Accents of Latin, Greek and Cyrillic letters, and Arabic's vowels and hamza; marks elsewhere are part of the word."""


def normal_form(text: str) -> str:
    """A text as words are compared: lower case, without accents, punctuation, symbols and extra spaces; full-width
    letters are plain ones."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()))
    letters = "".join(_LETTERS.get(each, each) for each in plain)
    kept = (each if _is_part_of_word(each) else "" if unicodedata.category(each) == "Cf" else " " for each in letters)
    return " ".join("".join(kept).split())


def _is_part_of_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _spellings(text: str) -> set[str]:
    """The normal form, and where umlauts are written out."""
    written_out = text.replace("Ü", "UE").replace("Ä", "AE").replace("Ö", "OE")
    return {normal_form(text), normal_form(written_out)}


def _table() -> dict[str, OptOutWord]:
    words = ((OptOutWord.HELP, HELP_WORDS), (OptOutWord.START, START_WORDS), (OptOutWord.STOP, STOP_WORDS))
    return {
        spelling: meaning
        for meaning, by_language in words
        for listed in by_language.values()
        for each in listed
        for spelling in _spellings(each)
    }


_WORDS = _table()
_POLITE = sorted({normal_form(each) for listed in POLITE.values() for each in listed}, key=len, reverse=True)


def opt_out_word(text: str) -> OptOutWord | None:
    """What a whole message asks for; None if it is anything but one of the words."""
    if len(text) > MAX_CHARACTERS:
        return None
    words = _without_politeness(normal_form(text))
    if (tokens := words.split()) and all(len(each) == 1 for each in tokens):
        words = "".join(tokens)
    elif len(set(tokens)) == 1:
        words = tokens[0]
    return _WORDS.get(words)


def _without_politeness(words: str) -> str:
    """The words between what is said out of politeness."""
    left = f" {words} "
    found = True
    while found:
        found = False
        for each in _POLITE:
            if left.startswith(f" {each} "):
                left, found = left[len(each) + 1 :], True
            if left.endswith(f" {each} "):
                left, found = left[: -len(each) - 1], True
    return left.strip()
