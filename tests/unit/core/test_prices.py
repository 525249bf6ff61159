"""Prices are data with a date, a source and a confidence."""

from __future__ import annotations

from datetime import date

import pytest

from lambdas.core.prices import SMS_BY_COUNTRY, SMS_ELSEWHERE, Confidence, Price, sms_price

ALL = [*SMS_BY_COUNTRY.values(), SMS_ELSEWHERE]


@pytest.mark.parametrize("price", ALL, ids=lambda price: price.source)
def test_every_price_says_where_it_is_from(price: Price) -> None:
    assert date(2020, 1, 1) <= date.fromisoformat(price.as_of)
    assert len(price.source) > 20
    assert isinstance(price.confidence, Confidence)
    assert 0 < price.message_usd < 1
    assert 0 <= price.carrier_usd < 1
    assert price.total_usd == price.message_usd + price.carrier_usd


def test_a_country_without_a_figure_gets_an_upper_bound() -> None:
    assert sms_price("ZZ") is sms_price("") is SMS_ELSEWHERE
    assert SMS_ELSEWHERE.confidence is Confidence.GUESS
    assert all(price.total_usd <= SMS_ELSEWHERE.total_usd for price in SMS_BY_COUNTRY.values())
    assert sms_price("US") is SMS_BY_COUNTRY["US"]
