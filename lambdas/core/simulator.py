"""AWS's simulator destinations: numbers and mailboxes that accept or fail every message and reach nobody.

Sources: AWS End User Messaging SMS user guide, "Simulator phone numbers"; Amazon SES developer guide, "Using the
mailbox simulator". AWS has no simulator for WhatsApp.
"""

from __future__ import annotations

import re

SUCCESS_BY_COUNTRY: dict[str, str] = {
    "US": "+14254147755",
    "GB": "+447860019066",
    "FR": "+33755512501",
    "AU": "+61455944038",
    "ES": "+34683783440",
    "IT": "+394390009172",
    "NL": "+3197008100148",
    "SE": "+46790645100",
    "CH": "+41798075872",
    "PL": "+48732141440",
    "PT": "+351927946948",
}

FAILURE_BY_COUNTRY: dict[str, str] = {
    "US": "+14254147167",
    "GB": "+447860019067",
    "FR": "+33755512502",
    "AU": "+61455944039",
    "ES": "+34683783442",
    "IT": "+394390009174",
    "NL": "+3197008100150",
    "SE": "+46790645102",
    "CH": "+41798075874",
    "PL": "+48732141442",
    "PT": "+351927946950",
}

MAILBOXES: dict[str, str] = {
    "success": "success@simulator.amazonses.com",
    "bounce": "bounce@simulator.amazonses.com",
    "ooto": "ooto@simulator.amazonses.com",
    "complaint": "complaint@simulator.amazonses.com",
    "suppressionlist": "suppressionlist@simulator.amazonses.com",
}
"""What a mailbox does to its address: accept, bounce hard, answer automatically, accept and complain, or bounce hard as
an address on the suppression list. A label may follow the name (`success+row-17@...`)."""

_SUCCESS = frozenset(SUCCESS_BY_COUNTRY.values())
_FAILURE = frozenset(FAILURE_BY_COUNTRY.values())
_MAILBOX = re.compile(r"([a-z]+)(?:\+[^@]*)?@simulator\.amazonses\.com", re.IGNORECASE)
_FAILING_MAILBOXES = frozenset({"bounce", "suppressionlist"})


def mailbox(address: str) -> str | None:
    """Which of `MAILBOXES` an address is, label or not; None for any other."""
    found = _MAILBOX.fullmatch(address)
    name = found.group(1).lower() if found else None
    return name if name in MAILBOXES else None


def is_simulator(destination: str) -> bool:
    """Whether an E.164 number or an address is one of AWS's simulator destinations."""
    return destination in _SUCCESS or destination in _FAILURE or mailbox(destination) is not None


def always_fails(destination: str) -> bool:
    """Whether a simulator destination fails what it is sent; a complaint comes after a delivery."""
    return destination in _FAILURE or mailbox(destination) in _FAILING_MAILBOXES
