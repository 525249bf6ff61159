"""Configuration is read whole, typed, and refused whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from string import ascii_uppercase
from typing import get_args

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from components.environments import ENVIRONMENTS, Environment
from components.send_window_settings import window_text
from components.settings import PROJECT, STAND_INS, SettingsError, SetWithSecret, StackSettings, load, parse
from lambdas.core.channels import Channel
from lambdas.core.prices import PriceList


def config(**own: object) -> dict[str, str]:
    """A complete configuration, `own` replacing or (with None) removing keys."""
    values: dict[str, object] = {"environment": "dev", "tags": {"owner": "team", "cost_center": "cc"}, **own}
    return {
        "aws:region": "eu-west-1",
        **{
            f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in values.items()
            if value is not None
        },
    }


def refusal(given_config: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(given_config)
    return str(caught.value)


def test_a_minimal_configuration_costs_nothing_by_itself() -> None:
    settings = parse(config())
    assert settings.region == "eu-west-1"
    assert settings.environment is Environment.DEV
    assert settings.sms.phone_number is None
    assert settings.sms.origination_identity is None
    assert settings.sms.requests_per_second == 1
    assert settings.alarm_email is None
    assert settings.alarm_webhook is None
    assert settings.in_house_event_source is None


def test_everything_can_be_set() -> None:
    settings = parse(
        config(
            sms={"origination_identity": "+18005550100", "parts_per_second": 3, "requests_per_second": 20},
            campaign_spend_cap_usd="12.5",
            worker_concurrency="7",
            alarm_email="oncall@example.com",
            alarm_webhook="https://events.example.com/integration/key/enqueue",
            application_principals=["arn:aws:iam::123456789012:role/app"],
            allowed_origins=["https://console.example.com"],
            in_house_event_source="acme.messaging",
        )
    )
    assert settings.sms.parts_per_second == 3
    assert settings.campaign_spend_cap_usd == 12.5
    assert settings.worker_concurrency == 7
    assert settings.application_principals == ("arn:aws:iam::123456789012:role/app",)


@pytest.mark.parametrize("address", ["http://events.example.com/canary", "https://", "https://a b/canary", "canary"])
def test_a_webhook_that_is_no_https_address_is_refused_without_repeating_it(address: str) -> None:
    message = refusal(config(alarm_webhook=address))
    assert "ai-cpaas-demo:alarm_webhook" in message
    assert "https://" in message
    assert "canary" not in message


@pytest.mark.parametrize("name", sorted(STAND_INS))
@pytest.mark.parametrize("value", ["canary", ["canary"], {"at": "canary"}])
def test_a_wrong_secret_is_refused_without_repeating_it(name: str, value: object) -> None:
    message = refusal(config(**{name: value}))
    assert f"ai-cpaas-demo:{name}" in message
    assert "canary" not in message


@pytest.mark.parametrize(
    "own",
    [
        {"worker_concurrency": "canary"},
        {"tags": {"owner": "team", "cost_center": "canary!"}},
        {"email": {"sender": "a@canary.example", "identity": "example.com"}},
    ],
)
def test_what_a_stack_encrypts_is_not_repeated_either(own: dict[str, object]) -> None:
    (name,) = own
    given_config = config(**own)
    assert "canary" in refusal(given_config)
    with pytest.raises(SettingsError) as caught:
        parse(given_config, {f"{PROJECT}:{name}"})
    assert f"{PROJECT}:{name}" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_the_engine_s_secret_keys_are_the_encrypted_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config(worker_concurrency="canary")))
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps([f"{PROJECT}:worker_concurrency"]))
    pulumi.runtime.set_all_config({})
    with pytest.raises(SettingsError, match="worker_concurrency") as caught:
        load()
    assert "canary" not in str(caught.value)


def test_secret_settings_are_those_of_the_documentation_and_have_stand_ins_that_are_accepted() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "deploy.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|") and "set it with `--secret`" in line]
    assert {match[1] for row in rows if (match := re.match(r"\| `(\w+)`", row))} == set(STAND_INS)
    assert len(rows) == len(STAND_INS)
    parse(config(**STAND_INS))


def fields(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, object, bool]]:
    """(path, annotation, whether it is marked) of every setting, nested ones included."""
    for name, field in model.model_fields.items():
        marked = any(isinstance(each, SetWithSecret) for each in field.metadata)
        yield f"{path}{name}", field.annotation, marked
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from fields(kind, f"{path}{name}.")


def test_no_secret_setting_goes_unmarked() -> None:
    """Nested ones cannot be stood in for one by one: a stack encrypts and stands in for whole keys."""
    found = list(fields(StackSettings))
    assert {path for path, _, marked in found if marked} == set(STAND_INS)
    secret = {path for path, annotation, _ in found if SecretStr.__name__ in repr(annotation)}
    assert "alarm_webhook" in secret <= set(STAND_INS)


def test_the_embedded_cloud_calls_nobody() -> None:
    local = config(
        environment="local", endpoint_url="http://127.0.0.1:4566", alarm_webhook="https://events.example.com/x"
    )
    assert "alarm_webhook does not belong to the environment local" in refusal(local)


def test_all_problems_come_in_one_message_with_keys_and_allowed_values() -> None:
    bad = config(
        environment="production", sms={"parts_per_second": 0, "speed": 9}, tags={"owner": "team"}, colour="red"
    )
    del bad["aws:region"]
    message = refusal(bad)
    assert "has 6 problems" in message
    assert "ai-cpaas-demo:environment='production'" in message
    assert "local, dev, staging, prod" in message
    assert "ai-cpaas-demo:sms.parts_per_second=0" in message
    assert "ai-cpaas-demo:sms.speed is unknown (known: allowed_countries, message_type, monthly_spend_usd" in message
    assert "ai-cpaas-demo:tags.cost_center is missing" in message
    assert "ai-cpaas-demo:colour is unknown" in message
    assert "aws:region is missing" in message
    assert "\n" not in message


def test_a_region_in_the_wrong_place_is_named() -> None:
    assert "set aws:region instead" in refusal(config(region="eu-west-1"))


@pytest.mark.parametrize(
    ("own", "hint"),
    [
        ({"sms": {"origination_identity": "+18005550100", "phone_number": {}}}, "phone_number"),
        (
            {
                "sms": {
                    "origination_identity": "pool-1",
                    "phone_number": {"iso_country_code": "US", "number_type": "SIMULATOR"},
                }
            },
            "not both",
        ),
        ({"endpoint_url": "http://127.0.0.1:1"}, "environment local"),
        ({"environment": "local"}, "endpoint_url"),
        ({"in_house_event_source": "aws.end-user-messaging"}, "PutEvents refuses"),
        ({"worker_concurrency": "1"}, "worker_concurrency"),
        ({"allowed_origins": ["https://*.example.com"]}, "allowed_origins"),
        ({"application_principals": ["*"]}, "application_principals"),
        ({"tags": None}, "tags is missing"),
        ({"sms": "fast"}, "ai-cpaas-demo:sms"),
    ],
)
def test_what_is_refused(own: dict[str, object], hint: str) -> None:
    assert hint in refusal(config(**own))


def test_sessions_are_off_unless_set() -> None:
    assert parse(config()).sessions is None
    sessions = parse(config(sessions={})).sessions
    assert sessions is not None
    assert (sessions.max_active_sessions, sessions.max_listeners, sessions.session_max_hours) == (100, 500, 12)
    assert (sessions.sessions_per_hour, sessions.joins_per_minute, sessions.attempts_per_minute) == (50, 10, 20)
    assert (sessions.heartbeats_per_minute, sessions.refresh_minutes, sessions.warning_minutes) == (2, 100, 105)
    assert sessions.user_pool_id is None


@pytest.mark.parametrize(
    ("sessions", "hint"),
    [
        ({"refresh_minutes": 105}, r"refresh_minutes \(105\) must be less than warning_minutes \(105\)"),
        ({"warning_minutes": 120}, "sessions.warning_minutes=120"),
        ({"max_active_sessions": 1_001}, "sessions.max_active_sessions=1001"),
        ({"max_listeners": 0}, "sessions.max_listeners=0"),
        ({"user_pool_id": "eu-west-1_AbCdEf123"}, "user_pool_id and client_id of an existing pool, or neither"),
        ({"client_id": "abc"}, "user_pool_id and client_id of an existing pool, or neither"),
        ({"user_pool_id": "AbCdEf123", "client_id": "abc"}, "sessions.user_pool_id='AbCdEf123'"),
        ({"listeners": 5}, r"sessions.listeners is unknown \(known: attempts_per_minute, client_id"),
    ],
)
def test_session_settings_that_cannot_hold_are_refused(sessions: dict[str, object], hint: str) -> None:
    assert re.search(hint, refusal(config(sessions=sessions)))


def test_the_embedded_cloud_is_on_this_machine_only() -> None:
    local = config(environment="local", endpoint_url="http://127.0.0.1:4566")
    assert parse(local).endpoint_url == "http://127.0.0.1:4566"
    refusal(config(environment="local", endpoint_url="http://10.0.0.1:4566"))


def test_keys_of_other_namespaces_are_left_alone() -> None:
    assert parse({**config(), "aws:profile": "x", "other:thing": "y"}) == parse(config())


@given(st.text(min_size=1).filter(lambda key: key not in StackSettings.model_fields))
def test_any_unknown_key_is_refused_by_name(key: str) -> None:
    assert f"{PROJECT}:{key} is unknown" in refusal({**config(), f"{PROJECT}:{key}": "x"})


def test_each_environment_has_a_policy() -> None:
    assert set(ENVIRONMENTS) == set(Environment)


def test_settings_are_frozen() -> None:
    settings = parse(config())
    with pytest.raises(ValueError, match="frozen"):
        settings.region = "us-east-1"


def test_prices_are_data_with_a_date_and_a_source() -> None:
    own = {"as_of": "2026-11-01", "source": "AWS price list", "sms": {"DE": 0.0893}, "headroom_percent": 0}
    settings = parse(config(prices=own))
    prices = PriceList.from_text(settings.prices.text())
    assert prices.price(Channel.SMS, country="DE").total_usd == Decimal("0.0893")
    assert prices.headroom == 0
    assert PriceList.from_text(parse(config()).prices.text()) == PriceList.from_text("")


@pytest.mark.parametrize(
    ("prices", "problem"),
    [
        ({"sms": {"DE": 0.1}}, "need as_of .* and source"),
        (
            {"as_of": "2026-11-01", "source": "AWS", "sms": {"false": 0.1}},
            r"prices.sms.false.* by country or elsewhere",
        ),
        ({"as_of": "2026-11-01", "source": "AWS", "sms": {"DE": 0}}, r"prices.sms.DE=0 .* by country or elsewhere"),
        ({"as_of": "2026-11-01", "source": "AWS", "voice": {}}, r"prices.voice is unknown \(known: as_of, email"),
        (
            {
                "as_of": "2026-11-01",
                "source": "AWS",
                "sms": {a + b: 0.12345 for a in "ABCDEF" for b in ascii_uppercase},
            },
            "name the countries you send to",
        ),
    ],
)
def test_prices_that_cannot_hold_are_refused_with_the_remedy(prices: object, problem: str) -> None:
    assert re.search(problem, refusal(config(prices=prices)))


WINDOW = {"start": "08:00", "end": "21:00", "timezone": "America/New_York"}


def test_production_names_its_countries_and_its_quiet_hours() -> None:
    named: dict[str, object] = {"sms": {"allowed_countries": ["US"]}, "promotional_window": WINDOW}
    message = refusal(config(environment="prod"))
    assert "the environment prod has to name sms.allowed_countries, the countries" in message
    assert "; and promotional_window, the hours" in message
    for left_out, other in (("sms", "promotional_window"), ("promotional_window", "sms")):
        message = refusal(config(environment="prod", **{**named, left_out: None}))
        assert f"has to name {'sms.allowed_countries' if left_out == 'sms' else left_out}, the" in message
        assert f"name {other}" not in message
    settings = parse(config(environment="prod", **named))
    assert window_text(settings.promotional_window) == json.dumps(WINDOW, separators=(",", ":"))
    settings = parse(config(environment="prod", **{**named, "promotional_window": "none"}))
    assert window_text(settings.promotional_window) == ""
    assert parse(config()).promotional_window is None


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({"start": "08:00", "end": "21:00"}, "needs a timezone, such as America/New_York"),
        ({**WINDOW, "start": "8"}, "promotional_window.start must be a time of day like 09:00"),
        ({**WINDOW, "timezone": "Moon/Base"}, "promotional_window.timezone must be an IANA time zone"),
        ("never", "promotional_window must be an object with start and end"),
    ],
)
def test_quiet_hours_that_are_none_are_refused(window: object, words: str) -> None:
    assert words in refusal(config(promotional_window=window))
