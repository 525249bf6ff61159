"""The provider of a channel, with a client of its own; one channel's client costs no other's import time."""

from __future__ import annotations

from lambdas.adapters.aws import client
from lambdas.core.channels import Channel
from lambdas.core.ports import ProviderPort


def make_provider(
    channel: Channel, *, stack: str, identity: str, configuration_set: str, connections: int
) -> ProviderPort:
    """Build it; its client makes each call once, over up to `connections` connections."""
    if channel is Channel.SMS:
        from lambdas.adapters.sms import SmsProvider

        return SmsProvider(
            client("pinpoint-sms-voice-v2", attempts=1, connections=connections),
            stack=stack,
            configuration_set=configuration_set,
            origination_identity=identity,
        )
    if channel is Channel.WHATSAPP:
        from lambdas.adapters.whatsapp import WhatsAppProvider

        return WhatsAppProvider(
            client("socialmessaging", attempts=1, connections=connections), stack=stack, phone_number_id=identity
        )
    from lambdas.adapters.ses import EmailProvider

    return EmailProvider(
        client("sesv2", attempts=1, connections=connections),
        stack=stack,
        configuration_set=configuration_set,
        sender=identity,
    )
