"""Prices are data with a date, a source and a confidence."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from lambdas.core.channels import Channel
from lambdas.core.prices import (
    EMAIL,
    SMS_BY_COUNTRY,
    SMS_ELSEWHERE,
    WHATSAPP_BODY,
    WHATSAPP_TEMPLATE,
    Confidence,
    Price,
    price_of,
    sms_price,
)

ALL = [*SMS_BY_COUNTRY.values(), SMS_ELSEWHERE, WHATSAPP_BODY, WHATSAPP_TEMPLATE, EMAIL]


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


def test_each_channel_has_its_price() -> None:
    assert price_of(Channel.SMS, country="US") is sms_price("US")
    assert price_of(Channel.SMS, country="US", template=True) is sms_price("US")
    assert price_of(Channel.SMS) is SMS_ELSEWHERE
    assert price_of(Channel.WHATSAPP, country="US") is WHATSAPP_BODY
    assert price_of(Channel.WHATSAPP, template=True) is WHATSAPP_TEMPLATE
    assert price_of(Channel.EMAIL, country="US") is price_of(Channel.EMAIL, template=True) is EMAIL


def test_a_template_costs_at_least_what_a_text_does() -> None:
    assert WHATSAPP_TEMPLATE.message_usd == WHATSAPP_BODY.message_usd
    assert WHATSAPP_TEMPLATE.total_usd > WHATSAPP_BODY.total_usd


def test_every_price_can_be_a_highest_price_and_lies_within_a_counter_s_digits() -> None:
    for price in ALL:
        assert price.total_usd == round(price.total_usd, 8)
        assert price.total_usd >= Decimal("0.00001")
