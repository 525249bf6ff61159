"""Which channels a stack has, by its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdas.core.channels import Channel

_CONFIGURED_BY = {Channel.WHATSAPP: "WhatsappPhoneNumberId", Channel.EMAIL: "EmailSender"}
"""The output that is not empty where a channel is configured; SMS always is."""


def is_configured(channel: str, outputs: Mapping[str, Any]) -> bool:
    """Whether a stack with these outputs has the channel."""
    return channel == Channel.SMS or bool(outputs.get(_CONFIGURED_BY[Channel(channel)]))
