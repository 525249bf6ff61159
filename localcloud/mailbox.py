"""SES as ministack keeps it: identities, configuration sets, templates, and the mailbox that SendEmail fills.

ministack's own SendEmail neither asks IAM about the identity nor publishes events, so the host answers that call
(`carrier_email`) and leaves every other one to ministack. Call these in the context of a request
(`emulator.enter_request`): accounts and regions are separate.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from ministack.services import ses, ses_v2

from localcloud.carrier_email_message import Mail, Template
from localcloud.emulator import caller_name
from localcloud.wire import ServiceError

_SEND_PATH = "/v2/email/outbound-emails"
_MAILS_KEPT = 10_000


class Mailbox:
    """What the simulated SES finds and leaves in ministack."""

    def identity(self, sender: str) -> str:
        """The identity a sender stands for: its address if that is one, else the nearest domain, else the address."""
        known = {name.lower(): name for store in (ses_v2._identities, ses._identities) for name in store}
        domain = sender.rpartition("@")[2].lower()
        found = (known.get(each) for each in (sender.lower(), *ses._domain_and_parents(domain)))
        return next((name for name in found if name is not None), sender)

    def check_sender(self, sender: str) -> None:
        """Raise the `ServiceError` for a sender whose identity is not verified."""
        refused = ses._message_rejection(sender)
        if refused is not None:
            raise ServiceError("MessageRejected", refused)

    def configuration_set(self, name: str) -> Mapping[str, Any]:
        """The set as ministack holds it, event destinations included; raises `ServiceError`."""
        found: Mapping[str, Any] | None = ses_v2._config_sets.get(name)
        if found is None:
            raise ServiceError("NotFoundException", f"Configuration set <{name}> does not exist.")
        return found

    def template(self, name: str) -> Template:
        """A stored template's parts; raises `ServiceError`."""
        found = ses._templates.get(name)
        if found is None:
            raise ServiceError("NotFoundException", f"Template {name} does not exist")
        return dict(ses_v2._template_content(found))

    def caller(self) -> str:
        """Who sends."""
        return caller_name()

    async def keep(self, mail: Mail) -> str:
        """Put a mail into the mailbox; its message id. Raises `ServiceError` as ministack refuses."""
        content = dict(mail.content)
        if "Raw" in content:
            content["Raw"] = {"Data": base64.b64encode(content["Raw"]["Data"]).decode("ascii")}
        to, cc, bcc = mail.addresses
        destination = {"ToAddresses": to, "CcAddresses": cc, "BccAddresses": bcc}
        request = {"FromEmailAddress": mail.source, "Destination": destination, "Content": content}
        status, _, body = await ses_v2.handle_request("POST", _SEND_PATH, {}, json.dumps(request).encode(), {})
        answer = json.loads(body)
        if status >= 300:
            raise ServiceError(answer["name"], answer["message"])
        kept = ses._sent_emails_list()
        if len(kept) > 2 * _MAILS_KEPT:
            del kept[:-_MAILS_KEPT]
        return str(answer["MessageId"])
