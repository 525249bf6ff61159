"""The pumping guard on the emulator's tables: many senders at once, what it costs, people who see and lift blocks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lambdas.adapters.counters import Counters
from lambdas.adapters.pumping import Blocks, MixReader, PumpingGuard
from lambdas.core.channels import Channel
from lambdas.core.counting import CounterDelta, CounterKey
from lambdas.core.days import utc_day
from lambdas.core.lifecycle import Counts
from lambdas.core.pumping_guard import DAY_S, WIDE_FACTOR, GuardLimits, Kind, UsualMix, Watched
from localcloud.launch import LocalCloud
from tests.cloud.campaign_client import StackClient, eligible_users, message_order
from tests.cloud.conftest import WaitUntil
from tests.support.campaigns import planned_row

LIMITS = GuardLimits()
SENDERS, THREADS = 5, 10
BAR = 20
NOW_MS = 1_780_000_000_000


class Usual(MixReader):
    """A mix that is not read."""

    def __init__(self, **messages: int) -> None:
        self._usual = UsualMix(messages)

    def read(self) -> UsualMix:
        return self._usual


WIDE_RANGES = iter(range(20, 100))
"""Of Seattle's exchanges: a test's numbers count in their wide range as well, which must be no other test's."""


@pytest.fixture
def prefix() -> str:
    """The range of a test of its own."""
    return f"+1206{next(WIDE_RANGES)}70"


def test_many_senders_let_few_of_an_attack_through_for_a_write_each(
    stack: StackClient, cloud: LocalCloud, prefix: str
) -> None:
    guards = [PumpingGuard(stack.rate_limits, Usual(US=20_000), LIMITS, lambda: NOW_MS) for _ in range(SENDERS)]
    rows = [replace(planned_row(0), destination=f"{prefix}{number:03d}", country="US") for number in range(200)]
    cloud.control.clear_meters()
    with ThreadPoolExecutor(SENDERS * THREADS) as pool:
        allowed = list(
            pool.map(lambda each: guards[each[0] % SENDERS].allows(f"m-{each[0]}", each[1]), enumerate(rows))
        )
    assert sum(allowed) == LIMITS.numbers
    assert sum(allowed) <= BAR
    table = stack.outputs.messaging.rate_limits_table
    assert cloud.control.meters()["write_units"][table]["UpdateItem"] <= len(rows) + 3 * LIMITS.numbers
    assert guards[0].allows("m-200", replace(rows[0], channel=Channel.WHATSAPP.value))


def test_a_block_is_listed_and_lifted_by_the_api(stack: StackClient, prefix: str) -> None:
    guard = PumpingGuard(stack.rate_limits, Usual(US=20_000), LIMITS, lambda: time.time_ns() // 1_000_000)
    rows = [replace(planned_row(0), destination=f"{prefix}{number:03d}", country="US") for number in range(16)]
    assert [guard.allows(f"m-{place}", row) for place, row in enumerate(rows)] == [True] * 15 + [False]
    listed = stack.call("GET", "/api/pumping-guard")[1]["blocks"]
    (block,) = [each for each in listed if each["id"] == f"range:{prefix}"]
    assert (block["kind"], block["name"]) == ("range", f"{prefix}xxx")
    assert block["until_ms"] > time.time() * 1_000
    path = f"/api/pumping-guard/range%3A%2B{prefix[1:]}"
    assert stack.call("DELETE", path)[0] == 200
    assert guard.allows("m-16", rows[-1])
    assert all(each["id"] != block["id"] for each in stack.call("GET", "/api/pumping-guard")[1]["blocks"])
    status, answer = stack.call("DELETE", path)
    assert (status, answer["error"]["code"]) == (404, "not_blocked")
    assert stack.call("DELETE", "/api/pumping-guard/everything")[0] == 404


def test_one_number_takes_no_more_than_a_person_asks_for_until_somebody_lifts_it(
    stack: StackClient, prefix: str
) -> None:
    guard = PumpingGuard(stack.rate_limits, Usual(US=20_000), LIMITS, lambda: time.time_ns() // 1_000_000)
    row = replace(planned_row(0), destination=f"{prefix}000", country="US")
    allowed = [guard.allows(f"m-{place}", row) for place in range(LIMITS.messages_per_hour + 10)]
    assert allowed == [True] * LIMITS.messages_per_hour + [False] * 10
    assert guard.allows("m-0", row), "it was let through before, and comes again"
    assert all(row.destination[1:] not in each["id"] for each in stack.call("GET", "/api/pumping-guard")[1]["blocks"])
    path = f"/api/pumping-guard/number%3A%2B{row.destination[1:]}"
    assert stack.call("DELETE", path)[0] == 200
    assert guard.allows("another", row)
    status, answer = stack.call("DELETE", path)
    assert (status, answer["error"]["code"]) == (404, "not_blocked")


def test_an_attack_over_neighbouring_ranges_is_stopped_and_lifted(stack: StackClient, prefix: str) -> None:
    guard = PumpingGuard(stack.rate_limits, Usual(US=20_000), LIMITS, lambda: time.time_ns() // 1_000_000)
    numbers = [f"{prefix[:-1]}{range_}{line:03d}" for range_ in range(10) for line in range(15)]
    rows = [replace(planned_row(0), destination=number, country="US") for number in numbers]
    allowed = [guard.allows(f"m-{place}", row) for place, row in enumerate(rows)]
    most = LIMITS.numbers * WIDE_FACTOR
    assert most <= sum(allowed) <= most + 3, "the first of each range is no neighbour"
    wide = Watched.of(Kind.WIDE, numbers[0])
    (block,) = [each for each in stack.call("GET", "/api/pumping-guard")[1]["blocks"] if each["id"] == wide.id]
    assert (block["kind"], block["name"]) == ("wide", f"{prefix[:-2]}xxxxx")
    assert stack.call("DELETE", f"/api/pumping-guard/wide%3A%2B{wide.name[1:]}")[0] == 200
    assert guard.allows("m-150", rows[-1])


def test_a_country_outside_the_mix_of_the_last_days(stack: StackClient, unique: str) -> None:
    days_on = 100 + int(unique[-6:], 16) % 10_000
    now_ms = NOW_MS + days_on * DAY_S * 1_000
    counts = Counts(sent=1)
    for ago, sent in ((0, 50), (3, 300), (9, 5_000)):
        key = CounterKey("", utc_day(now_ms - ago * DAY_S * 1_000), "sms")
        delta = CounterDelta(counts)
        delta.countries.update({"US": sent, "FR": 5_000 if ago == 9 else 0})
        Counters(stack.campaigns).add({key: delta}, f"{unique}-{ago}", now_ms // 1_000)
    mix = MixReader(stack.campaigns, lambda: now_ms)
    assert {name: sent for name, sent in mix.read().messages.items() if sent} == {"US": 350}
    guard = PumpingGuard(stack.rate_limits, mix, LIMITS, lambda: now_ms)
    rows = [replace(planned_row(0), destination=f"+336{n:03d}{days_on % 10**5:05d}", country="FR") for n in range(30)]
    assert sum(guard.allows(f"m-{place}", row) for place, row in enumerate(rows)) == LIMITS.numbers
    assert Watched(Kind.COUNTRY, "FR") in Blocks(stack.rate_limits, lambda: now_ms).listed()
    assert guard.allows("m-30", replace(rows[0], destination="+12065551234", country="US"))
    assert Blocks(stack.rate_limits, lambda: now_ms).lift(Watched(Kind.COUNTRY, "FR"))


def test_what_is_held_back_is_on_record(stack: StackClient, prefix: str, wait_until: WaitUntil) -> None:
    ids = [stack.send_message("sms", phone=f"{prefix}{number:03d}") for number in range(18)]

    def states() -> list[tuple[str, str | None]]:
        shown = (stack.call("GET", f"/api/messages/{each}")[1] for each in ids)
        return [(each["status"], each.get("error_code")) for each in shown]

    def held_back() -> int:
        return states().count(("failed", "PUMPING_GUARD"))

    assert wait_until(lambda: held_back() == 3, timeout=60, what=lambda: f"three are held back: {states()}")


@pytest.fixture
def guarded_audiences(stack: StackClient) -> Iterator[None]:
    """The planner as every stack but the embedded one has it."""
    functions, name = stack.client("lambda"), stack.outputs.campaigns.campaign_planner_function
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    assert variables["GUARD_AUDIENCES"] == "false"
    guarded = {"Variables": {**variables, "GUARD_AUDIENCES": "true"}}
    functions.update_function_configuration(FunctionName=name, Environment=guarded)
    yield
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def test_a_counted_up_audience_waits_for_a_person(
    stack: StackClient, unique: str, wait_until: WaitUntil, guarded_audiences: None
) -> None:
    campaign_id = stack.send_campaign(60, 50, key=unique, eligible_users=eligible_users(60))
    wait_until(lambda: stack.show(campaign_id)["status"] == "paused", timeout=30, what="it is paused")
    shown = stack.show(campaign_id)
    assert shown["pause_reason"] == "pumping"
    assert shown["suspicious_ranges"] == [{"country": "US", "range": "+12065550xxx", "numbers": 60}]
    assert shown["results"]["total_sent"] == 0
    change = {"status": "running", "expected_version": shown["version"]}
    assert stack.call("PATCH", f"/api/campaigns/{campaign_id}", change)[0] == 200
    wait_until(lambda: stack.show(campaign_id)["settled"], timeout=60, what="a person has let it go")
    costs = stack.show(campaign_id)["costs"]
    assert costs["charged_usd"] > 0
    assert costs["difference_usd"] == pytest.approx(costs["charged_usd"] - costs["estimate_usd"])


def test_a_number_of_another_country_is_refused(stack: StackClient) -> None:
    order = message_order("sms", options={"allowed_countries": ["DE", "FR"]})
    status, answer = stack.call("POST", "/api/messages", order)
    assert (status, answer["error"]["code"]) == (400, "country_not_allowed")
    assert "DE, FR" in answer["error"]["message"]
    users = [
        {"customer_id": "1", "selected_channel": "sms", "phone": "+12065550000"},
        {"customer_id": "2", "selected_channel": "sms", "phone": "+4915112345678"},
        {"customer_id": "3", "selected_channel": "email", "email": "guest@example.com"},
    ]
    body = {"eligible_users": users, "throughput_tps": 3, "body": "hello", "dry_run": True,
            "content": {"email": {"subject": "Hi"}}, "options": {"allowed_countries": ["DE"]}}  # fmt: skip
    status, plan = stack.call("POST", "/api/send-campaign", body)
    assert (status, plan["recipients"], plan["excluded_by_reason"]) == (200, 2, {"country_not_allowed": 1})
