"""The carrier's count of message parts, against known texts and against the sender's own count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.parts import count_parts
from localcloud.message_parts import Airtime, airtime

GSM = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./09:;<=>?¡AZÄÖÑÜ§¿azäöñüà^{}\\[~]|€\f"
TEXTS = st.one_of(st.text(min_size=1, max_size=700), st.text(alphabet=GSM, min_size=1, max_size=700))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", Airtime("GSM", 1, 1)),
        ("a" * 160, Airtime("GSM", 1, 160)),
        ("a" * 161, Airtime("GSM", 2, 161)),
        ("a" * 306, Airtime("GSM", 2, 306)),
        ("a" * 307, Airtime("GSM", 3, 307)),
        ("€" * 80, Airtime("GSM", 1, 160)),
        ("a" * 152 + "€" + "a" * 152, Airtime("GSM", 3, 306)),
        ("ж" * 70, Airtime("UNICODE", 1, 70)),
        ("ж" * 71, Airtime("UNICODE", 2, 71)),
        ("ж" * 66 + "😀" + "ж" * 66, Airtime("UNICODE", 3, 134)),
        ("\x1b", Airtime("UNICODE", 1, 1)),
    ],
)
def test_known_texts(text: str, expected: Airtime) -> None:
    assert airtime(text) == expected


@given(TEXTS)
def test_carrier_and_sender_count_alike(text: str) -> None:
    counted = count_parts(text)
    assert airtime(text) == Airtime(counted.encoding.value, counted.parts, counted.units)


def test_nothing_has_no_parts() -> None:
    with pytest.raises(ValueError, match="empty"):
        airtime("")
