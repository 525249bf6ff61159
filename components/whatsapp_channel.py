"""The WhatsApp channel: the topic of its events, and the right to send from a number that AWS's console has linked."""

from __future__ import annotations

import pulumi

from components.channel_settings import WhatsAppSettings
from components.channels import SendingChannel
from components.iam import Statement
from components.platform import Platform
from components.queue import Queue
from components.topic import Publisher, Topic
from lambdas.core.channels import Channel

TOPIC = "whatsapp-receipts"


class WhatsAppChannel(pulumi.ComponentResource):
    """How WhatsApp leaves the account.

    AWS has no resource for business accounts and their event destinations: the account is linked in the console, and
    PutWhatsAppBusinessAccountEventDestinations points it to `topic` (docs/deploy.md, "What remains by hand").
    """

    topic: Topic
    sending: SendingChannel

    def __init__(
        self,
        name: str,
        platform: Platform,
        settings: WhatsAppSettings,
        *,
        receipts: Queue,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("cpaas:whatsapp_channel:WhatsAppChannel", name, {}, opts)
        site = platform.site
        self.topic = Topic(
            TOPIC,
            TOPIC,
            site,
            platform.key_arn,
            publishers=[
                Publisher(
                    sid="WhatsAppReceipts",
                    service="social-messaging.amazonaws.com",
                    source_arn=site.arn("social-messaging", "*"),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.topic.watch(platform)
        self.topic.feed(f"{TOPIC}-to-queue", receipts, parent=self)
        number = settings.phone_number_id.removeprefix("phone-number-id-")
        account = settings.business_account_id.removeprefix("waba-")
        self.sending = SendingChannel(
            channel=Channel.WHATSAPP,
            identity=settings.phone_number_id,
            configuration_set="",
            parts_per_second=settings.messages_per_second,
            requests_per_second=settings.requests_per_second,
            send=Statement(
                sid="SendWhatsApp",
                actions=["social-messaging:SendWhatsAppMessage"],
                resources=[site.arn("social-messaging", f"phone-number-id/{number}")],
            ),
            templates=Statement(
                sid="ReadWhatsAppTemplates",
                actions=[
                    "social-messaging:GetWhatsAppMessageTemplate",
                    "social-messaging:ListWhatsAppMessageTemplates",
                ],
                resources=[site.arn("social-messaging", f"waba/{account}")],
            ),
        )
        self.register_outputs({"topic": self.topic.arn})
