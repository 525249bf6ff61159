"""The estimate: complete over the program's types, right in its sums, and moved by what changes money."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.channels import Channel
from lambdas.core.prices import price_of
from localcloud import resource_types as types
from localcloud.costs import Usage, UsageError, estimate, prices
from localcloud.costs.model import COSTS, FREE
from localcloud.costs.parts import FUNCTIONS
from localcloud.costs.usage import load, parse
from localcloud.graph import RecordedGraph, Registration

ROOT = Path(__file__).resolve().parents[3]
SMS_SET = "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet"


def item(type_: str, inputs: dict[str, Any], name: str = "thing", **links: str) -> Registration:
    return Registration(
        urn=f"urn:{type_}::{name}",
        type=type_,
        name=name,
        custom=True,
        property_dependencies={key: (urn,) for key, urn in links.items()},
        inputs=inputs,
        outputs={},
    )


def usd(*registrations: Registration, usage: Usage | None = None) -> dict[tuple[str, str], Decimal]:
    """(service, item) -> US dollars of the infrastructure."""
    found = estimate(RecordedGraph(registrations, {}), usage or Usage())
    return {(line.service, line.item): line.usd for line in found.infrastructure}


def function(memory: int, name: str = "sweeper", **more: Any) -> Registration:
    handler = f"lambdas.{name}.handler.handler"
    return item(types.FUNCTION, {"handler": handler, "memorySize": memory, "architectures": ["arm64"], **more}, name)


def test_no_type_is_both_priced_and_free() -> None:
    assert not COSTS.keys() & FREE.keys()
    assert all(len(reason) > 10 for reason in FREE.values())


def test_every_function_has_a_part_to_play() -> None:
    folders = {path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py")}
    assert folders <= FUNCTIONS.keys()


def test_every_price_says_when_and_where_from() -> None:
    named = {name: value for name, value in vars(prices).items() if isinstance(value, prices.UnitPrice)}
    assert len(named) > 20
    for price in (*named.values(), *prices.PHONE_NUMBERS.values()):
        assert price.usd > 0
        assert price.per >= 1
        assert price.as_of.startswith("2026-")
        assert len(price.source) > 10


def test_memory_is_dollars() -> None:
    small, large = usd(function(256)), usd(function(1024))
    # 43,800 minutes at half a second in a gigabyte, arm64.
    assert large["Lambda", "compute"] == Decimal("0.0000133334") * Decimal(43_800 * 0.5)
    assert large["Lambda", "compute"] == 4 * small["Lambda", "compute"]
    assert large["Lambda", "requests"] == small["Lambda", "requests"]


def test_the_other_architecture_costs_a_quarter_more() -> None:
    ratio = usd(function(256, architectures=["x86_64"]))["Lambda", "compute"] / usd(function(256))["Lambda", "compute"]
    assert ratio == pytest.approx(Decimal("1.25"), abs=Decimal("0.01"))


def test_a_function_that_the_model_does_not_know_is_marked() -> None:
    found = estimate(RecordedGraph((function(128, "stranger"), function(128)), {}), Usage())
    assert {line.urn.rpartition("::")[2] for line in found.infrastructure if line.assumed} == {"stranger"}


def test_a_table_by_its_units_its_storage_and_its_recovery() -> None:
    sending = item(SMS_SET, {}, "set")
    table = item(types.TABLE, {"pointInTimeRecovery": {"enabled": True}}, "delivery-tracking-table")
    usage = replace(Usage(), sms_messages=900_000, single_messages=100_000, receipts_per_message=1)
    costs = usd(sending, table, usage=usage)
    # Intent two, acceptance two, one receipt that changes the row (docs/data-model.md): five units a message.
    # Every tenth is a single message, which enters the ledger and leaves it.
    assert costs["DynamoDB", "writes"] == Decimal("0.625") * (5 + Decimal("0.1") * 2)
    assert costs["DynamoDB", "storage"] == Decimal("0.25")
    assert costs["DynamoDB", "recovery"] == Decimal("0.20")
    without = usd(sending, item(types.TABLE, {}, "delivery-tracking-table"), usage=usage)
    assert ("DynamoDB", "recovery") not in without


def test_an_idle_queue_costs_its_polls() -> None:
    queue = item(types.QUEUE, {}, "plan-queue")
    mapping = item(types.EVENT_SOURCE_MAPPING, {"batchSize": 1}, "m", eventSourceArn=queue.urn)
    idle = usd(queue, mapping, usage=replace(Usage(), campaigns=0))
    assert idle["SQS", "requests"] == 0
    assert idle["SQS", "idle polls"] == Decimal("0.40") * Decimal(5 * 3 * 43_800) / 1_000_000
    assert ("SQS", "idle polls") not in usd(queue)


def test_a_dead_letter_queue_costs_nothing_while_all_is_well() -> None:
    dead = item(types.QUEUE, {}, "dead")
    queue = item(types.QUEUE, {}, "plan-queue", redrivePolicy=dead.urn)
    found = estimate(RecordedGraph((dead, queue), {}), Usage())
    assert [line.usd for line in found.infrastructure if line.urn == dead.urn] == [0]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"period": 60}, "0.10"),
        ({"period": 10}, "0.30"),
        ({"metricQueries": [{"id": "a", "metric": {}}, {"id": "b", "metric": {}}, {"expression": "a/b"}]}, "0.20"),
    ],
)
def test_alarms_by_the_metrics_they_watch(inputs: dict[str, Any], expected: str) -> None:
    assert usd(item(types.ALARM, inputs)) == {("CloudWatch", "alarm"): Decimal(expected)}


def test_messages_stand_apart_and_only_where_the_channel_is() -> None:
    none = estimate(RecordedGraph((), {}), Usage())
    assert none.messages == ()
    sms = estimate(RecordedGraph((item(SMS_SET, {}),), {}), Usage())
    assert [line.item for line in sms.messages] == ["SMS"]
    assert sms.infrastructure_usd == 0
    # 110,000 messages, single ones among them, of 1.2 parts at $0.00581 and $0.003.
    assert sms.messages_usd == Decimal(132_000) * Decimal("0.00881")
    email = item("aws:sesv2/configurationSet:ConfigurationSet", {}, "mail")
    three = estimate(RecordedGraph((item(SMS_SET, {}), email), {"WhatsappPhoneNumberId": "phone-number-id-1"}), Usage())
    assert [line.item for line in three.messages] == ["SMS", "WhatsApp templates", "WhatsApp answers", "e-mail"]


@pytest.mark.parametrize("share", [0, 0.25, 1])
def test_messages_cost_what_campaigns_are_planned_with(share: float) -> None:
    email = item("aws:sesv2/configurationSet:ConfigurationSet", {}, "mail")
    graph = RecordedGraph((item(SMS_SET, {}), email), {"WhatsappPhoneNumberId": "phone-number-id-1"})
    usage = replace(Usage(), single_messages=0, parts_per_sms=1, whatsapp_template_share=share)
    costs = {line.item: line.usd for line in estimate(graph, usage).messages}
    template, answer = (price_of(Channel.WHATSAPP, template=each).total_usd for each in (True, False))
    assert costs == {
        "SMS": 100_000 * price_of(Channel.SMS, country="US").total_usd,
        "WhatsApp templates": 50_000 * Decimal(str(share)) * template,
        "WhatsApp answers": 50_000 * Decimal(str(1 - share)) * answer,
        "e-mail": 100_000 * price_of(Channel.EMAIL).total_usd,
    }


def test_a_single_message_by_its_order_its_share_of_the_day_and_its_lease() -> None:
    registrations = [
        item(SMS_SET, {}),
        *(item(types.TABLE, {}, f"{name}-table") for name in ("campaigns", "rate-limits")),
    ]
    usage = replace(Usage(), sms_messages=0, receipts_per_message=0, single_messages=1_000_000)
    lines = estimate(RecordedGraph(tuple(registrations), {}), usage).infrastructure
    writes = {line.urn.rpartition("::")[2]: line.quantity for line in lines if line.item == "writes"}
    # Intent and acceptance are two changes, counted by the batch of 100 with six units.
    assert writes == {"campaigns-table": 2_000_000 + 2_000_000 / 100 * 6, "rate-limits-table": 2_000_000}


def test_a_type_without_price_or_reason_is_named() -> None:
    found = estimate(RecordedGraph((item("aws:new/thing:Thing", {}),), {}), Usage())
    assert found.unpriced == ("aws:new/thing:Thing",)


def test_usage_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "usage.json"
    file.write_text(json.dumps({"sms_messages": 5}), encoding="utf-8")
    assert load(file) == replace(Usage(), sms_messages=5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no JSON"),
        ("[]", "holds no object"),
        ('{"smss": 1}', "smss is unknown (known: alarm_notifications"),
        ('{"sms_messages": -1}', "sms_messages is -1"),
        ('{"sms_messages": "many"}', "sms_messages is 'many'"),
        ('{"sms_messages": true}', "sms_messages is True"),
        ('{"sms_messages": NaN}', "sms_messages is nan"),
        ('{"whatsapp_template_share": 1.5}', "a share from 0 to 1 is needed"),
        ('{"worker_messages_per_second": 0}', "nothing would ever be sent"),
    ],
)
def test_a_wrong_usage_is_one_sentence(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "usage.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load(file)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


SHARES_AND_RATES = {"worker_messages_per_second", "whatsapp_template_share"}


@given(st.data())
def test_more_use_never_costs_less(data: st.DataObject) -> None:
    registrations = (
        item(SMS_SET, {}, "set"),
        function(256),
        function(1024, "campaign_worker"),
        item(types.TABLE, {}, "delivery-tracking-table"),
        item(types.QUEUE, {}, "receipts-queue"),
        item(types.API, {}, "api"),
    )
    names = [field.name for field in fields(Usage) if field.name not in SHARES_AND_RATES]
    name = data.draw(st.sampled_from(names))
    less, more = sorted(data.draw(st.tuples(*[st.floats(0, 1e9)] * 2)))
    totals = []
    for value in (less, more):
        found = estimate(RecordedGraph(registrations, {}), parse({name: value}, "here"))
        totals.append(found.infrastructure_usd + found.messages_usd)
    assert totals[0] <= totals[1]
