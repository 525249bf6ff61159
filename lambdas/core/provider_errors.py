"""What to do when a provider refuses: one class for every reason that SMS, WhatsApp and email give.

Reasons: API references of AWS End User Messaging SMS v2 (SendTextMessage), AWS End User Messaging Social
(SendWhatsAppMessage) and Amazon SES v2 (SendEmail), "Errors". Exceptions about throttling carry no reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ErrorClass(StrEnum):
    """What follows from a refusal: wait until the provider takes calls again, try the message a few times more, give it
    to another channel, never write to this destination again, or stop sending until somebody has put right what all
    messages are refused for. `IN_DOUBT`: nobody knows whether the provider took the message.

    `WAIT` says nothing about the message (calls come too fast, nobody can be reached), so it never fails one.
    """

    WAIT = "wait"
    RETRY = "retry"
    FAIL_OVER = "fail_over"
    SUPPRESS = "suppress"
    STOP = "stop"
    IN_DOUBT = "in_doubt"


class ProviderError(Exception):
    """A provider call that was not accepted: `code` is the exception's name, or its reason where it has one."""

    def __init__(self, code: str, error_class: ErrorClass, *, throttled: bool = False) -> None:
        super().__init__(f"{code} ({error_class})")
        self.code = code
        self.error_class = error_class
        self.throttled = throttled


BY_REASON: Mapping[str, ErrorClass] = {
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": ErrorClass.SUPPRESS,
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": ErrorClass.FAIL_OVER,
    "DESTINATION_COUNTRY_BLOCKED": ErrorClass.FAIL_OVER,
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": ErrorClass.FAIL_OVER,
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": ErrorClass.FAIL_OVER,
    "NO_ORIGINATION_IDENTITIES_FOUND": ErrorClass.STOP,
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT": ErrorClass.STOP,
    "INSUFFICIENT_ACCOUNT_REPUTATION": ErrorClass.STOP,
    "ACCOUNT_DISABLED": ErrorClass.STOP,
    "PRICE_OVER_THRESHOLD": ErrorClass.FAIL_OVER,
}

THROTTLED = frozenset({"ThrottlingException", "ThrottledRequestException", "TooManyRequestsException"})
"""How SMS, WhatsApp and SES say that calls come too fast."""

BY_EXCEPTION: Mapping[str, ErrorClass] = {
    **dict.fromkeys(THROTTLED, ErrorClass.WAIT),
    "InternalServerException": ErrorClass.RETRY,
    "ServiceQuotaExceededException": ErrorClass.STOP,
    "AccessDeniedException": ErrorClass.STOP,
    "ResourceNotFoundException": ErrorClass.STOP,
    "ExpiredTokenException": ErrorClass.STOP,
    "UnrecognizedClientException": ErrorClass.STOP,
    "InvalidSignatureException": ErrorClass.STOP,
    "IncompleteSignatureException": ErrorClass.STOP,
    "MissingAuthenticationTokenException": ErrorClass.STOP,
    "ConflictException": ErrorClass.FAIL_OVER,
    "ValidationException": ErrorClass.FAIL_OVER,
    "InvalidParametersException": ErrorClass.FAIL_OVER,
    "MessageRejected": ErrorClass.FAIL_OVER,
    "BadRequestException": ErrorClass.FAIL_OVER,
    "NotFoundException": ErrorClass.STOP,
    "LimitExceededException": ErrorClass.STOP,
    "AccountSuspendedException": ErrorClass.STOP,
    "SendingPausedException": ErrorClass.STOP,
    "MailFromDomainNotVerifiedException": ErrorClass.STOP,
}


def classify(exception: str, reason: str | None, http_status: int = 400) -> ProviderError:
    """Class of a refusal by its reason, else by its exception.

    InternalServerException of SMS is documented as "couldn't complete the request" and may be repeated; any other
    answer of 500 and above (WhatsApp's "unknown error, exception, or failure" among them), and a request that timed out
    on the other side, leave the message in doubt. An unknown refusal fails the message, never the campaign.
    """
    if reason is not None and reason in BY_REASON:
        return ProviderError(reason, BY_REASON[reason])
    if exception not in BY_EXCEPTION and (http_status >= 500 or exception == "RequestTimeout"):
        return in_doubt(exception)
    return ProviderError(
        reason or exception,
        BY_EXCEPTION.get(exception, ErrorClass.FAIL_OVER),
        throttled=exception in THROTTLED,
    )


def in_doubt(what: str) -> ProviderError:
    """The connection broke after the request may have left: only a receipt can tell."""
    return ProviderError(what, ErrorClass.IN_DOUBT)
