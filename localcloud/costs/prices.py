"""Prices of AWS as data: US dollars in us-east-1, with date, source and how far each can be trusted.

Those of messages are the ones that campaigns are planned and booked with (`lambdas/core/prices.py`).
No free tier is taken off: an account has one, a stack does not, and what a change costs should not depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lambdas.core import prices as messages
from lambdas.core.channels import Channel


class Confidence(StrEnum):
    """How far a price can be trusted: `documented` is printed by AWS, `quoted` a list price as others quote it,
    `guess` stands where nothing could be confirmed."""

    DOCUMENTED = "documented"
    QUOTED = "quoted"
    GUESS = "guess"


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """US dollars for `per` of `unit`."""

    usd: Decimal
    per: int
    unit: str
    as_of: str
    source: str
    confidence: Confidence

    def of(self, quantity: float) -> Decimal:
        """What `quantity` units cost."""
        return self.usd * Decimal(str(quantity)) / self.per


_SOLUTION = "AWS Solutions Library, cost page of Automated Security Response on AWS"
_PRICE_LIST = "repository document quoting the AWS Price List Query API"
_MILLION = 1_000_000


def _documented(usd: str, per: int, unit: str, source: str = _SOLUTION) -> UnitPrice:
    return UnitPrice(Decimal(usd), per, unit, "2026-11-20", source, Confidence.DOCUMENTED)


def _quoted(usd: str, per: int, unit: str, source: str = _PRICE_LIST) -> UnitPrice:
    return UnitPrice(Decimal(usd), per, unit, "2026-07-30", source, Confidence.QUOTED)


def _guess(usd: str, per: int, unit: str, source: str) -> UnitPrice:
    return UnitPrice(Decimal(usd), per, unit, "2026-11-20", source, Confidence.GUESS)


ALARM = _documented("0.10", 1, "alarm metric a month")
ALARM_HIGH_RESOLUTION = _documented("0.30", 1, "alarm metric under 60 s a month")
API_CALL = _quoted("1.00", _MILLION, "HTTP API calls", "several price quotes for HTTP APIs")
COMPOSITE_ALARM = _documented("0.50", 1, "composite alarm a month")
CUSTOM_METRIC = _documented("0.30", 1, "metric and dimension set a month")
DASHBOARD = _documented("3.00", 1, "dashboard a month")
EVENT = _documented("1.00", _MILLION, "events on a custom bus")
EVENT_OF_AWS = _guess(
    "1.00", _MILLION, "status events", "whether SMS, WhatsApp and SES events are free could not be confirmed"
)
KEY = _documented("1.00", 1, "key a month")
KEY_REQUEST = _documented("0.03", 10_000, "key requests")
LAMBDA_ARM_SECOND = _quoted("0.0000133334", 1, "GB-seconds on arm64", "several price quotes, Price List of 2026-09-11")
LAMBDA_REQUEST = _documented("0.20", _MILLION, "invocations")
LAMBDA_X86_SECOND = _documented("0.0000166667", 1, "GB-seconds on x86")
LOG_INGESTION = _documented("0.50", 1, "GB of log lines")
LOG_STORAGE = _quoted("0.03", 1, "GB of log lines kept a month", "price quotes of CloudWatch Logs")
OBJECT_READ = _guess("0.0004", 1_000, "objects read", "S3 Standard, could not be confirmed")
OBJECT_STORAGE = _guess("0.023", 1, "GB of objects a month", "S3 Standard, could not be confirmed")
OBJECT_WRITE = _guess("0.005", 1_000, "objects written", "S3 Standard, could not be confirmed")
PARAMETER_ADVANCED = _guess("0.05", 1, "advanced parameter a month", "SSM, could not be confirmed")
PUBLISH = _documented("0.50", _MILLION, "messages published")
QUEUE_REQUEST = _documented("0.40", _MILLION, "queue requests")
READ_UNIT = _quoted("0.125", _MILLION, "read units")
RECOVERY = _quoted("0.20", 1, "GB of point-in-time recovery a month", "price quotes of DynamoDB")
SOCKET_MESSAGE = _quoted("1.00", _MILLION, "WebSocket messages of 32 KB", "several price quotes for WebSocket APIs")
SOCKET_MINUTE = _quoted("0.25", _MILLION, "minutes of a connection", "several price quotes for WebSocket APIs")
SECRET = _documented("0.40", 1, "secret a month")
TABLE_STORAGE = _quoted("0.25", 1, "GB of table a month")
TRACE = _documented("5.00", _MILLION, "traces recorded", "aws.amazon.com/xray/pricing")
USER = _documented("0.015", 1, "user signing in in a month (Cognito Essentials)")
WRITE_UNIT = _quoted("0.625", _MILLION, "write units")

_NUMBER_SOURCE = "usual lease of US numbers; read MonthlyLeasingPrice of DescribePhoneNumbers after the request"
PHONE_NUMBERS = {
    "SIMULATOR": _guess("1.00", 1, "simulator number a month", _NUMBER_SOURCE),
    "LONG_CODE": _guess("1.00", 1, "long code a month", _NUMBER_SOURCE),
    "TEN_DLC": _guess("1.00", 1, "10DLC number a month", f"{_NUMBER_SOURCE}; the campaign's own fee is extra"),
    "TOLL_FREE": _guess("2.00", 1, "toll-free number a month", _NUMBER_SOURCE),
}

_CONFIDENCE = {
    messages.Confidence.LIST: Confidence.QUOTED,
    messages.Confidence.SAMPLE: Confidence.QUOTED,
    messages.Confidence.GUESS: Confidence.GUESS,
}


def message(channel: Channel, unit: str, *, country: str = "", template: bool = False) -> UnitPrice:
    """Price of one message part (one message, outside SMS), with what carriers and Meta ask."""
    price = messages.price_of(channel, country=country, template=template)
    return UnitPrice(price.total_usd, 1, unit, price.as_of, price.source, _CONFIDENCE[price.confidence])
