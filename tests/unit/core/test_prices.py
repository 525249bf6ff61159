"""Prices are data with a date, a source and a confidence."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.channels import Channel
from lambdas.core.prices import (
    EMAIL,
    HIGHEST_USD,
    LIST_PRICES,
    SMS_BY_COUNTRY,
    SMS_ELSEWHERE,
    WHATSAPP_BODY,
    WHATSAPP_TEMPLATE,
    Confidence,
    Price,
    PriceList,
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


def settings(**changes: object) -> str:
    return json.dumps({"as_of": "2026-11-01", "source": "AWS price list", **changes})


def test_a_stack_s_own_prices_replace_ours() -> None:
    own = PriceList.from_text(
        settings(
            sms={"DE": "0.0893", "elsewhere": "0.2"},
            whatsapp={"DE": "0.006"},
            whatsapp_template={"elsewhere": "0.1"},
            email={"elsewhere": "0.0001"},
        )
    )
    assert own.price(Channel.SMS, country="DE").total_usd == Decimal("0.0893")
    assert own.price(Channel.SMS, country="US") is SMS_BY_COUNTRY["US"], "a country's figure before one for elsewhere"
    assert own.price(Channel.SMS, country="FR").total_usd == Decimal("0.2")
    assert own.price(Channel.WHATSAPP, country="DE").total_usd == Decimal("0.006")
    assert own.price(Channel.WHATSAPP, country="FR") is WHATSAPP_BODY
    assert own.price(Channel.WHATSAPP, country="DE", template=True).total_usd == Decimal("0.1")
    assert own.price(Channel.EMAIL).total_usd == Decimal("0.0001")
    price = own.price(Channel.SMS, country="DE")
    assert (price.as_of, price.source, price.confidence) == ("2026-11-01", "AWS price list", Confidence.LIST)


@pytest.mark.parametrize("channel", Channel)
def test_without_settings_our_own_figures_hold(channel: Channel) -> None:
    for text in ("", "{}"):
        found = PriceList.from_text(text).price(channel, country="FR", template=True)
        assert found is price_of(channel, country="FR", template=True)


def test_the_highest_price_is_the_planned_one_with_its_headroom() -> None:
    assert LIST_PRICES.highest_usd(Channel.SMS, Decimal("0.00881")) == Decimal("0.01102"), "rounded up to a step"
    exact = PriceList.from_text(settings(headroom_percent=0))
    assert exact.highest_usd(Channel.SMS, Decimal("0.00881")) == Decimal("0.00881")
    assert exact.highest_usd(Channel.SMS, Decimal("0.008811")) == Decimal("0.00882")


def test_the_caller_s_limit_lowers_the_highest_price_and_never_raises_it() -> None:
    assert LIST_PRICES.highest_usd(Channel.SMS, Decimal("0.01"), Decimal("0.011")) == Decimal("0.011")
    assert LIST_PRICES.highest_usd(Channel.SMS, Decimal("0.01"), Decimal("0.0100099")) == Decimal("0.01000")
    assert LIST_PRICES.highest_usd(Channel.SMS, Decimal("0.01"), Decimal(50)) == Decimal("0.0125")


@pytest.mark.parametrize("channel", [Channel.WHATSAPP, Channel.EMAIL])
def test_only_sms_takes_a_highest_price(channel: Channel) -> None:
    assert LIST_PRICES.highest_usd(channel, Decimal("0.01"), Decimal(1)) is None


@given(
    planned=st.decimals("0.00001", "120", places=6),
    percent=st.sampled_from([0, 10, 25, 300]),
    limit=st.none() | st.decimals("0.00001", "99.99999", places=5),
)
def test_every_highest_price_can_be_written_as_maxprice(planned: Decimal, percent: int, limit: Decimal | None) -> None:
    highest = PriceList(headroom=Decimal(percent) / 100).highest_usd(Channel.SMS, planned, limit)
    assert highest is not None
    text = f"{highest:.5f}"
    assert re.fullmatch(r"[0-9]{0,2}\.[0-9]{1,5}", text)
    assert Decimal(text) == highest
    if limit is None and highest < HIGHEST_USD:
        assert planned * (1 + Decimal(percent) / 100) <= highest
