"""What every channel gives to those that send on it, whichever AWS service stands behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi

from components.iam import Statement
from lambdas.core.channels import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingChannel:
    """A channel that the stack has.

    `identity` is what its messages are sent from, empty where AWS chooses; `configuration_set` is empty where the
    service has none. Rates are per second: `parts_per_second` the identity's, `requests_per_second` the account's.
    `send` is the right to send on it, `templates` that to read the templates that its provider keeps, if it keeps any.
    """

    channel: Channel
    identity: pulumi.Input[str]
    configuration_set: pulumi.Input[str]
    parts_per_second: float
    requests_per_second: float
    send: Statement
    templates: Statement | None = None

    def route(self, work_queue_url: pulumi.Input[str]) -> Mapping[str, pulumi.Input[object]]:
        """The channel as `lambdas.core.channels.Route` reads it."""
        return {
            "identity": self.identity,
            "work_queue_url": work_queue_url,
            "parts_per_second": self.parts_per_second,
            "requests_per_second": self.requests_per_second,
        }


def routes_text(routes: Mapping[Channel, Mapping[str, pulumi.Input[object]]]) -> pulumi.Output[str]:
    """The routes of all channels as the text of one environment variable (`lambdas.core.channels.routes_from_text`)."""
    return pulumi.Output.json_dumps(
        {channel.value: route for channel, route in routes.items()}, sort_keys=True, separators=(",", ":")
    )


def template_rights(channels: Iterable[SendingChannel]) -> list[Statement]:
    """The rights to read what templates ask for, of the channels whose provider keeps any."""
    return [each.templates for each in channels if each.templates is not None]
