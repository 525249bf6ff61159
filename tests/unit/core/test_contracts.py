"""The contracts between parts: environment, outputs, keys, work tokens, alarm descriptions."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lambdas
from lambdas.core import keys
from lambdas.core.channels import Channel
from lambdas.core.environment import FunctionEnvironment, SettingsError, render
from lambdas.core.outputs import (
    COMPONENTS,
    SPELLED,
    OutputsError,
    StackOutputs,
    output_name,
    parameter_prefix,
    variable_name,
)
from lambdas.core.work import MAX_TOKENS, WorkToken, token_count

FUNCTIONS = (
    "campaign_api", "campaign_counters", "campaign_planner", "campaign_worker", "delivery_processor",
    "fallback", "message_sender", "session_authorizer", "session_broadcaster", "session_connection",
    "session_disconnect", "session_heartbeat", "session_notifier", "session_refresh", "sweeper",
)  # fmt: skip


def settings_classes() -> list[type[FunctionEnvironment]]:
    modules = [importlib.import_module(f"lambdas.{name}.settings") for name in FUNCTIONS]
    return [
        thing
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, FunctionEnvironment) and thing is not FunctionEnvironment
    ]


SETTINGS = settings_classes()
SAMPLES: dict[type, Any] = {str: "a value with = and spaces", int: 42, float: 12.5, bool: True}


def sample(cls: type[FunctionEnvironment]) -> FunctionEnvironment:
    hints = get_type_hints(cls)
    return cls(**{field.name: SAMPLES[hints[field.name]] for field in dataclasses.fields(cls)})


def variables(settings: FunctionEnvironment) -> dict[str, str]:
    return {variable: render(getattr(settings, field)) for field, variable in settings.variable_names().items()}


def test_every_function_has_settings() -> None:
    assert [cls.FUNCTION for cls in SETTINGS] == list(FUNCTIONS)
    packages = {module.name for module in pkgutil.iter_modules(lambdas.__path__) if module.ispkg}
    assert packages - {"core", "adapters"} == set(FUNCTIONS)


@pytest.mark.parametrize("cls", SETTINGS, ids=lambda cls: cls.FUNCTION)
def test_settings_are_read_back_as_written(cls: type[FunctionEnvironment]) -> None:
    settings = sample(cls)
    environ = {**variables(settings), "AWS_REGION": "us-east-1", "PATH": "/usr/bin"}
    assert cls.from_environ(environ) == settings


@pytest.mark.parametrize("cls", SETTINGS, ids=lambda cls: cls.FUNCTION)
def test_every_missing_variable_is_named_at_once(cls: type[FunctionEnvironment]) -> None:
    with pytest.raises(SettingsError) as refused:
        cls.from_environ({})
    for field in cls.required_fields():
        assert f"{field.upper()} is missing" in str(refused.value)
    assert cls.FUNCTION in str(refused.value)
    assert "LOG_LEVEL" not in str(refused.value)


@pytest.mark.parametrize("cls", SETTINGS, ids=lambda cls: cls.FUNCTION)
def test_defaults_hold_where_a_variable_is_absent(cls: type[FunctionEnvironment]) -> None:
    environ = variables(sample(cls))
    optional = cls.variable_names().keys() - cls.required_fields()
    settings = cls.from_environ({name: text for name, text in environ.items() if name.lower() not in optional})
    assert settings.log_level == "INFO"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Example(FunctionEnvironment):
    """One field of each kind."""

    FUNCTION = "example"

    count: int
    rate: float
    enabled: bool = False


BASE = {"ENVIRONMENT": "local", "STACK": "dev", "PROJECT": "cpaas", "COUNT": "3", "RATE": "2.5"}


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("COUNT", "three"), ("COUNT", "2.5"), ("COUNT", ""), ("RATE", "fast"), ("RATE", ""), ("RATE", "nan"),
        ("RATE", "inf"), ("RATE", "-Infinity"), ("ENABLED", "True"), ("ENABLED", "1"), ("ENABLED", ""),
    ],
)  # fmt: skip
def test_a_malformed_variable_is_named_with_what_it_holds(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable}='{text}'"):
        Example.from_environ({**BASE, variable: text})


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.text())
def test_any_value_round_trips(count: int, rate: float, enabled: bool, text: str) -> None:
    settings = Example(environment=text, stack="dev", project="cpaas", count=count, rate=rate, enabled=enabled)
    assert Example.from_environ(variables(settings)) == settings


def test_outputs_round_trip_and_ignore_what_they_do_not_know() -> None:
    mapping = {output_name(f.name): f"value of {f.name}" for cls in COMPONENTS for f in dataclasses.fields(cls)}
    outputs = StackOutputs.from_mapping({**mapping, "SomethingNewer": 1})
    assert outputs.to_mapping() == mapping
    assert StackOutputs.from_mapping(json.loads(json.dumps(outputs.to_mapping()))) == outputs
    assert outputs.to_variables() == {
        variable_name(f.name): f"value of {f.name}" for cls in COMPONENTS for f in dataclasses.fields(cls)
    }
    assert [type(part) for part in outputs.components()] == list(COMPONENTS)


def test_no_two_outputs_share_a_name() -> None:
    names = [output_name(f.name) for cls in COMPONENTS for f in dataclasses.fields(cls)]
    assert len(set(names)) == len(names)
    assert output_name("rate_limits_table") == "RateLimitsTable"
    assert variable_name("rate_limits_table") == "RATE_LIMITS_TABLE"
    assert [output_name(field) for field in ("websocket_api_endpoint", "sessions_table", "connections_table")] == [
        "WebSocketAPIEndpoint",
        "SessionsTableName",
        "ConnectionsTableName",
    ]
    assert output_name("session_rate_limits_table") == "SessionRateLimitsTableName"
    assert SPELLED.keys() <= {f.name for cls in COMPONENTS for f in dataclasses.fields(cls)}
    assert parameter_prefix("cpaas", "dev") == "/cpaas/dev/outputs/"


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.COMPONENT)
def test_a_missing_output_is_named(component: type[Any]) -> None:
    names = {output_name(f.name): "x" for f in dataclasses.fields(component) if f.default is dataclasses.MISSING}
    assert component.from_mapping(names)
    for name in names:
        for lacking in ({**names, name: None}, {key: value for key, value in names.items() if key != name}):
            with pytest.raises(OutputsError, match=rf"the {component.COMPONENT} outputs lack {name}$"):
                component.from_mapping(lacking)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,47}", fullmatch=True), st.integers(0, 9_999_999))
def test_message_ids_fit_everywhere_and_tell_rows_apart(campaign: str, row: int) -> None:
    message_id = keys.message(campaign, row)
    assert len(message_id) <= 64
    assert set(message_id) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert message_id.rpartition("-") == (campaign, "-", f"{row:07d}")
    assert keys.campaign_id(keys.campaign(campaign)) == campaign


@given(st.lists(st.integers(0, 9_999_999), min_size=2, max_size=20))
def test_chunks_sort_by_their_first_row(rows: list[int]) -> None:
    assert sorted(map(keys.chunk, rows)) == [keys.chunk(row) for row in sorted(rows)]


def test_the_other_keys() -> None:
    assert keys.limiter("sms", "us-east-1", "") == "sms:us-east-1:account"
    assert keys.limiter("sms", "us-east-1", "phone-1") == "sms:us-east-1:phone-1"
    assert keys.count("sms") == "COUNT#sms"
    assert keys.spend_day("2026-11-20") == "SPEND#2026-11-20"
    assert keys.recipient("+14255550100") == "RECIPIENT#+14255550100"
    assert keys.recipient_state(Channel.WHATSAPP) == "STATE#whatsapp"


@given(st.text(min_size=1), st.booleans())
def test_work_tokens_round_trip(campaign_id: str, recover: bool) -> None:
    token = WorkToken(campaign_id, recover)
    assert WorkToken.from_json(token.to_json()) == token


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "5", '"x"', "{}", '{"recover":true}', '{"campaign_id":5}', '{"campaign_id":null}',
        '{"campaign_id":""}', '{"campaign_id":"a","recover":"false"}', "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_work_token(body: str) -> None:
    with pytest.raises(ValueError, match="not a work token"):
        WorkToken.from_json(body)


def test_a_token_without_recover_does_not_recover() -> None:
    assert WorkToken.from_json('{"campaign_id":"a"}') == WorkToken("a", recover=False)


@pytest.mark.parametrize(("rate", "tokens"), [(0.01, 1), (100, 1), (107, 2), (1_000, 10), (10_000, MAX_TOKENS)])
def test_workers_for_a_rate(rate: float, tokens: int) -> None:
    assert token_count(rate) == tokens
