"""The SMS channel: configuration set, receipts' destination and origination identity."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.channel_settings import PhoneNumberSettings
from components.channels import SendingChannel
from components.iam import Statement
from components.platform import Platform
from components.topic import Topic
from lambdas.core.channels import Channel


class SmsChannel(pulumi.ComponentResource):
    """How SMS leaves the account."""

    sending: SendingChannel

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
        aws.pinpoint.Smsvoicev2EventDestination(
            f"{name}-receipts",
            configuration_set_name=configuration_set.name,
            event_destination_name="receipts",
            enabled=True,
            matching_event_types=["TEXT_ALL"],
            sns_destination=aws.pinpoint.Smsvoicev2EventDestinationSnsDestinationArgs(topic_arn=receipts.arn),
            opts=pulumi.ResourceOptions(parent=self, depends_on=receipts.ready, delete_before_replace=True),
        )
        identity, identity_arns = self._build_identity(name)
        self.sending = SendingChannel(
            channel=Channel.SMS,
            identity=identity,
            configuration_set=configuration_set.name,
            parts_per_second=settings.parts_per_second,
            requests_per_second=settings.requests_per_second,
            # The configuration set is no resource of this action (Service Authorization Reference).
            send=Statement(sid="SendSms", actions=["sms-voice:SendTextMessage"], resources=identity_arns),
        )
        self.register_outputs({"configuration_set": configuration_set.name})

    def _build_identity(self, name: str) -> tuple[pulumi.Input[str], list[pulumi.Input[str]]]:
        settings = self._site.settings.sms
        if settings.phone_number is not None:
            return self._build_number(name, settings.phone_number)
        if settings.origination_identity is None:
            # AWS asks for the right on the identity that it chooses, so every one of this account's qualifies.
            return "", [self._site.arn("sms-voice", "*")]
        return settings.origination_identity, self._identity_resources(settings.origination_identity)

    def _build_number(
        self, name: str, settings: PhoneNumberSettings
    ) -> tuple[pulumi.Input[str], list[pulumi.Input[str]]]:
        """A number, and on request its own opt-out list, the answers to its keywords and a pool around it."""
        site = self._site
        child = pulumi.ResourceOptions(parent=self)
        opt_outs = (
            aws.pinpoint.Smsvoicev2OptOutList(
                f"{name}-opt-outs",
                name=site.physical("sms"),
                tags=site.tags,
                opts=pulumi.ResourceOptions(parent=self, protect=site.policy.protect),
            )
            if settings.own_opt_out_list
            else None
        )
        number = aws.pinpoint.Smsvoicev2PhoneNumber(
            f"{name}-number",
            iso_country_code=settings.iso_country_code,
            number_type=settings.number_type,
            message_type=site.settings.sms.message_type,
            number_capabilities=["SMS"],
            opt_out_list_name=opt_outs.name if opt_outs else None,
            deletion_protection_enabled=site.policy.deletion_protection,
            wait_for_active=settings.number_type in ("SIMULATOR", "LONG_CODE"),
            tags=site.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=site.policy.protect),
        )
        for keyword, answer in settings.keywords.items():
            aws.pinpoint.Smsvoicev2Keyword(
                f"{name}-keyword-{keyword.lower()}",
                origination_identity_arn=number.arn,
                keyword=keyword,
                keyword_message=answer.message,
                keyword_action=answer.action,
                opts=child,
            )
        if not settings.pool:
            return number.id, [number.arn]
        pool = aws.pinpoint.Smsvoicev2Pool(
            f"{name}-pool",
            origination_identities=[number.arn],
            iso_country_code=settings.iso_country_code,
            message_type=site.settings.sms.message_type,
            opt_out_list_name=opt_outs.name if opt_outs else None,
            deletion_protection_enabled=site.policy.deletion_protection,
            tags=site.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=site.policy.protect),
        )
        return pool.id, [pool.arn]

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
