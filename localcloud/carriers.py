"""The simulated carriers of one cloud: one profile drives them, one record has their calls."""

from __future__ import annotations

from lambdas.core.channels import Channel
from localcloud import receipts, receipts_email, receipts_whatsapp
from localcloud.carrier import Carrier
from localcloud.carrier_email import EmailCarrier, Post
from localcloud.carrier_whatsapp import WhatsAppCarrier
from localcloud.profile import CarrierProfile
from localcloud.simulated_service import SimulatedService
from localcloud.traffic import Calls, ReceiptPublisher, Traffic
from localcloud.wire import ServiceError


class Carriers:
    """SMS, WhatsApp and email. Used on the event loop only."""

    def __init__(
        self,
        *,
        account_id: str,
        region: str,
        publisher: ReceiptPublisher,
        post: Post,
        profile: CarrierProfile | None = None,
    ) -> None:
        self.calls = Calls()
        texts = Traffic(Channel.SMS, receipts.ORIGIN, publisher, self.calls)
        chats = Traffic(Channel.WHATSAPP, receipts_whatsapp.ORIGIN, publisher, self.calls)
        mails = Traffic(Channel.EMAIL, receipts_email.ORIGIN, publisher, self.calls)
        self._traffic = (texts, chats, mails)
        self.sms = Carrier(account_id=account_id, region=region, traffic=texts)
        self.whatsapp = WhatsAppCarrier(account_id=account_id, region=region, traffic=chats)
        self.email = EmailCarrier(account_id=account_id, region=region, traffic=mails, post=post)
        services: tuple[SimulatedService, ...] = (self.sms, self.whatsapp, self.email)
        self._services = {service.signing_name: service for service in services}
        self.set_profile(profile or CarrierProfile())

    @property
    def profile(self) -> CarrierProfile:
        """The behaviour in force."""
        return self._profile

    def set_profile(self, profile: CarrierProfile) -> None:
        """Behave so from the next call on; every channel's sequence of outcomes starts anew."""
        self._profile = profile
        for traffic in self._traffic:
            traffic.set_profile(profile)

    def set_template_status(self, account: str, name: str, language: str, status: str) -> None:
        """Review a WhatsApp template of a business account anew, as Meta does; raises ValueError."""
        try:
            templates = self.whatsapp.accounts.account(account).templates
        except ServiceError as error:
            raise ValueError(str(error)) from error
        templates.set_status(name, language, status)

    def serving(self, signing_name: str | None, method: str, path: str) -> SimulatedService | None:
        """The carrier that answers a request, if one does."""
        service = self._services.get(signing_name or "")
        return service if service is not None and service.serves(method, path) else None
