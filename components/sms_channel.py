"""The SMS channel: configuration set, receipts' destination and origination identity."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.iam import Statement
from components.platform import Platform
from components.topic import Topic


class SmsChannel(pulumi.ComponentResource):
    """How SMS leaves the account.

    `identity` is what goes into `OriginationIdentity`, empty where AWS is to choose one of the account's.
    """

    configuration_set: pulumi.Output[str]
    identity: pulumi.Input[str]

    def __init__(
        self, name: str, platform: Platform, *, receipts: Topic, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("cpaas:sms_channel:SmsChannel", name, {}, opts)
        self._site = platform.site
        settings = platform.site.settings.sms
        configuration_set = aws.pinpoint.Smsvoicev2ConfigurationSet(
            f"{name}-configuration-set",
            name=platform.site.physical("sms"),
            default_message_type=settings.message_type,
            tags=platform.site.tags,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.configuration_set = configuration_set.name
        aws.pinpoint.Smsvoicev2EventDestination(
            f"{name}-receipts",
            configuration_set_name=configuration_set.name,
            event_destination_name="receipts",
            enabled=True,
            matching_event_types=["TEXT_ALL"],
            sns_destination=aws.pinpoint.Smsvoicev2EventDestinationSnsDestinationArgs(topic_arn=receipts.arn),
            opts=pulumi.ResourceOptions(parent=self, depends_on=receipts.ready, delete_before_replace=True),
        )
        self.identity, self._identity_arns = self._build_identity(name)
        self.register_outputs({"configuration_set": self.configuration_set})

    def send(self, sid: str) -> Statement:
        """The right to send from this channel's identity.

        The configuration set is no resource of this action (Service Authorization Reference, End User Messaging SMS).
        """
        return Statement(sid=sid, actions=["sms-voice:SendTextMessage"], resources=self._identity_arns)

    def _build_identity(self, name: str) -> tuple[pulumi.Input[str], list[pulumi.Input[str]]]:
        settings = self._site.settings.sms
        if settings.phone_number is not None:
            number = aws.pinpoint.Smsvoicev2PhoneNumber(
                f"{name}-number",
                iso_country_code=settings.phone_number.iso_country_code,
                number_type=settings.phone_number.number_type,
                message_type=settings.message_type,
                number_capabilities=["SMS"],
                deletion_protection_enabled=self._site.policy.deletion_protection,
                wait_for_active=settings.phone_number.number_type in ("SIMULATOR", "LONG_CODE"),
                tags=self._site.tags,
                opts=pulumi.ResourceOptions(parent=self, protect=self._site.policy.protect),
            )
            return number.id, [number.arn]
        if settings.origination_identity is None:
            # AWS asks for the right on the identity that it chooses, so every one of this account's qualifies.
            return "", [self._site.arn("sms-voice", "*")]
        return settings.origination_identity, self._identity_resources(settings.origination_identity)

    def _identity_resources(self, identity: str) -> list[pulumi.Input[str]]:
        """ARNs under which AWS checks the right to send from `identity` (IAM actions page of the user guide)."""
        if identity.startswith("arn:"):
            return [identity]
        if identity.startswith("pool-"):
            return [self._site.arn("sms-voice", f"pool/{identity}")]
        if identity.startswith("phone-"):
            return [self._site.arn("sms-voice", f"phone-number/{identity}")]
        if identity.startswith("+"):
            # The number's id is not known from the number itself.
            return [self._site.arn("sms-voice", "phone-number/*")]
        return [self._site.arn("sms-voice", f"sender-id/{identity}/*")]
