"""AWS's simulator destinations: numbers that accept or fail every message and reach nobody.

Source: AWS End User Messaging SMS user guide, "Simulator phone numbers".
"""

from __future__ import annotations

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

_SUCCESS = frozenset(SUCCESS_BY_COUNTRY.values())
_FAILURE = frozenset(FAILURE_BY_COUNTRY.values())


def is_simulator(number: str) -> bool:
    """Whether an E.164 number is one of AWS's simulator destinations."""
    return number in _SUCCESS or number in _FAILURE


def always_fails(number: str) -> bool:
    """Whether a simulator destination fails what it is sent."""
    return number in _FAILURE
