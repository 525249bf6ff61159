"""Stack settings: the project's configuration, typed, complete and refused as a whole when any of it is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self, get_args

import pulumi.runtime.config
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from components.channel_settings import EmailAddress, EmailSettings, SmsSettings, WhatsAppSettings
from components.environments import ENVIRONMENTS, Environment, EnvironmentPolicy
from components.price_settings import PriceSettings
from components.pumping_settings import ASK_FOR_COUNTRIES
from components.send_window_settings import ASK_FOR_WINDOW, PromotionalWindow
from components.session_settings import SessionSettings

PROJECT = "ai-cpaas-demo"


class SettingsError(ValueError):
    """The stack's configuration is wrong; the message lists every problem with its key and the allowed values."""


TagValue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]{1,256}$")]
"""Characters and length of a tag value that every service accepts (Tag Editor, naming limits)."""

PrincipalArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:(root|role/.+|user/.+)$")]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[^/*\s]+$")]

EventSource = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,256}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]


def _https(url: SecretStr) -> SecretStr:
    """Refuse anything else without repeating it: who knows the address can page."""
    if re.fullmatch(r"https://[^/\s]+\S*", url.get_secret_value()) is None:
        raise ValueError("an https:// address without white space is needed")
    return url


SecretUrl = Annotated[SecretStr, AfterValidator(_https)]


@dataclass(frozen=True, slots=True)
class SetWithSecret:
    """Marks a setting that is set with `--secret`: no message repeats its value.

    `stand_in` is a value that the setting accepts, for whoever cannot decrypt the stack's own (previews).
    """

    stand_in: str


class TagSettings(BaseModel):
    """Tags that every resource carries beside project, stack and environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: TagValue = Field(description="team that answers for the stack")
    cost_center: TagValue = Field(description="where its cost is booked")


class StackSettings(BaseModel):
    """All settings of one stack; `region` comes from `aws:region`, everything else from the project's own namespace."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: Environment = Field(description="what the stack is for")
    region: Region = Field(description="AWS region")
    tags: TagSettings = Field(description="required tags")
    sms: SmsSettings = Field(default=SmsSettings(), description="SMS channel")
    whatsapp: WhatsAppSettings | None = Field(default=None, description="WhatsApp channel; off without it")
    email: EmailSettings | None = Field(default=None, description="email channel; off without it")
    sessions: SessionSettings | None = Field(default=None, description="sessions over WebSockets; off without it")
    campaign_spend_cap_usd: float = Field(
        default=50.0, gt=0, allow_inf_nan=False, description="spend cap of a campaign, which may ask for less"
    )
    campaign_pause_error_rate: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="share of a campaign's latest messages that may fail before it pauses itself; 1 for never",
    )
    promotional_window: PromotionalWindow = Field(
        default=None,
        description="hours of the recipient's day in which promotional campaigns are sent that say nothing about them, "
        "or none; production names it",
    )
    messages_daily_cap_usd: float = Field(
        default=20.0, gt=0, allow_inf_nan=False, description="what single messages may cost in a UTC day"
    )
    campaigns_daily_cap_usd: float = Field(
        default=200.0, gt=0, allow_inf_nan=False, description="what all campaigns together may cost in a UTC day"
    )
    prices: PriceSettings = Field(default=PriceSettings(), description="prices in place of those we ship")
    worker_concurrency: int = Field(default=5, ge=2, le=1000, description="sending workers at the same time")
    receipts_concurrency: int = Field(default=5, ge=2, le=1000, description="receipt batches at the same time")
    alarm_email: Annotated[EmailAddress | None, SetWithSecret("somebody@example.com")] = Field(
        default=None, description="subscribed to both alarm topics"
    )
    alarm_webhook: Annotated[SecretUrl | None, SetWithSecret("https://alarms.example.com/in")] = Field(
        default=None,
        description="HTTPS address that critical alarms are also posted to, as SNS messages (PagerDuty's CloudWatch "
        "integration, for example); it must confirm the subscription by itself",
    )
    application_principals: tuple[PrincipalArn, ...] = Field(
        default=(), description="who may assume the application role; default: the account itself"
    )
    allowed_origins: tuple[Origin, ...] = Field(default=(), description="web origins that may call the API")
    in_house_event_source: EventSource | None = Field(
        default=None, description="`source` of receipts that in-house producers put on a bus of their own"
    )
    console_allow_actions: bool = Field(
        default=False, description="consoles may act on this stack without --allow-actions"
    )
    layer_path: str = Field(default="build/layer", min_length=1, description="directory of the built Lambda layer")
    endpoint_url: Annotated[str, StringConstraints(pattern=r"^http://127\.0\.0\.1:[0-9]+$")] | None = Field(
        default=None, description="the embedded cloud; only in the environment local"
    )

    @model_validator(mode="after")
    def _endpoint_only_local(self) -> Self:
        if (self.endpoint_url is not None) != (self.environment is Environment.LOCAL):
            raise ValueError("endpoint_url belongs to the environment local, and only there")
        return self

    @model_validator(mode="after")
    def _webhook_not_local(self) -> Self:
        if self.alarm_webhook is not None and self.environment is Environment.LOCAL:
            raise ValueError("alarm_webhook does not belong to the environment local, which reaches nobody outside")
        return self

    @model_validator(mode="after")
    def _own_event_source(self) -> Self:
        if (self.in_house_event_source or "").startswith("aws."):
            raise ValueError("in_house_event_source must not start with `aws.`: PutEvents refuses AWS's own sources")
        return self

    @model_validator(mode="after")
    def _names_its_limits(self) -> Self:
        unsaid = [] if self.sms.allowed_countries else [ASK_FOR_COUNTRIES]
        if self.promotional_window is None:
            unsaid.append(ASK_FOR_WINDOW)
        if unsaid and self.policy.names_limits:
            raise ValueError(f"the environment {self.environment} has to name {'; and '.join(unsaid)}")
        return self

    @property
    def policy(self) -> EnvironmentPolicy:
        """What the environment decides."""
        return ENVIRONMENTS[self.environment]


STAND_INS: Mapping[str, str] = {
    name: mark.stand_in
    for name, field in StackSettings.model_fields.items()
    for mark in field.metadata
    if isinstance(mark, SetWithSecret)
}
"""The settings that are set with `--secret`, and what can stand for each."""

EMBEDDED_ACCOUNT_ID = "123456789012"
"""The embedded cloud's account: the example number of AWS's documentation."""


def require_account(settings: StackSettings, account_id: str) -> None:
    """Refuse to deploy the environment `local` anywhere but into the embedded cloud."""
    if settings.environment is Environment.LOCAL and account_id != EMBEDDED_ACCOUNT_ID:
        raise SettingsError(
            f"the environment local is for the embedded cloud, and these credentials are of account {account_id}: "
            "run `cpaas-local`, or choose the stack dev, staging or prod"
        )


def load() -> StackSettings:
    """The running program's settings; raises `SettingsError` before any resource exists."""
    config = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    listed = pulumi.runtime.config.get_config_secret_keys_env()
    return parse(config, {key for key in config if key in listed or pulumi.runtime.config.is_config_secret(key)})


def parse(config: Mapping[str, str], encrypted: Collection[str] = ()) -> StackSettings:
    """Read full keys (`ai-cpaas-demo:environment`) and their text; raises `SettingsError` with all problems.

    The message repeats no value of the `encrypted` keys, nor of those that should be.
    """
    own = f"{PROJECT}:"
    values: dict[str, Any] = {
        key.removeprefix(own): _decoded(key.removeprefix(own), text)
        for key, text in config.items()
        if key.startswith(own)
    }
    misplaced = ["ai-cpaas-demo:region: set aws:region instead"] if "region" in values else []
    if (region := config.get("aws:region")) is not None:
        values["region"] = region
    try:
        settings = StackSettings.model_validate(values)
    except ValidationError as error:
        hidden = {key.removeprefix(own) for key in encrypted} | STAND_INS.keys()
        problems = [_problem(item, hidden) for item in error.errors()] + misplaced
    else:
        problems = misplaced
        if not problems:
            return settings
    raise SettingsError(
        f"the configuration of this stack has {len(problems)} problem{'s' * (len(problems) > 1)}: "
        + "; ".join(sorted(problems))
        + ". Correct with `pulumi config set` or in Pulumi.<stack>.yaml"
    )


def _decoded(field: str, text: Any) -> Any:
    """Objects and lists arrive as JSON text, scalars as they were written."""
    if isinstance(text, str) and re.match(r"\s*[\[{]", text):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _problem(item: Any, hidden: Collection[str]) -> str:
    location = [str(part) for part in item["loc"]]
    key = "aws:region" if location == ["region"] else f"{PROJECT}:{'.'.join(location)}" if location else PROJECT
    if item["type"] == "extra_forbidden":
        return f"{key} is unknown (known: {', '.join(_known(location[:-1]))})"
    if item["type"] == "missing":
        return f"{key} is missing ({_expected(location)})"
    secret = bool(location) and location[0] in hidden
    if item["type"] == "value_error" and (not secret or location[0] in STAND_INS):
        return f"{key}: {item['ctx']['error']}"
    if secret:
        return f"{key} is not allowed ({_expected(location)}; its value is a secret and not shown)"
    return f"{key}={item['input']!r} is not allowed ({_expected(location)}: {item['msg']})"


def _model(path: list[str]) -> type[BaseModel]:
    return _walk(path)[1] or StackSettings


def _walk(path: list[str]) -> tuple[FieldInfo | None, type[BaseModel] | None]:
    """The innermost setting that a path leads to and the model within it; keys of mappings and places in lists pass."""
    field: FieldInfo | None = None
    model: type[BaseModel] | None = StackSettings
    for name in path:
        if model is not None and name in model.model_fields:
            field = model.model_fields[name]
            candidates = [field.annotation, *get_args(field.annotation)]
            model = next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
    return field, model


def _known(path: list[str]) -> list[str]:
    return sorted(name for name in _model(path).model_fields if path or name != "region")


def _expected(location: list[str]) -> str:
    field, _ = _walk(location)
    assert field is not None
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, Environment):
        return f"{field.description}: one of {', '.join(annotation)}"
    literals = [value for value in get_args(annotation) if isinstance(value, str)]
    return f"{field.description}: one of {', '.join(literals)}" if literals else str(field.description)
