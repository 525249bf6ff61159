"""What a refusal by the provider means."""

from __future__ import annotations

import pytest

from lambdas.core.provider_errors import BY_EXCEPTION, BY_REASON, ErrorClass, classify, in_doubt

DOCUMENTED = {
    ("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT"): ErrorClass.SUPPRESS,
    ("ConflictException", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED"): ErrorClass.FAIL_OVER,
    ("ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"): ErrorClass.FAIL_OVER,
    ("ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND"): ErrorClass.STOP,
    ("ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"): ErrorClass.STOP,
    ("AccessDeniedException", "INSUFFICIENT_ACCOUNT_REPUTATION"): ErrorClass.STOP,
    ("AccessDeniedException", "ACCOUNT_DISABLED"): ErrorClass.STOP,
    ("ValidationException", "PRICE_OVER_THRESHOLD"): ErrorClass.FAIL_OVER,
    ("ThrottlingException", None): ErrorClass.WAIT,
    ("InternalServerException", "REQUEST_TIMEOUT"): ErrorClass.RETRY,
    ("ResourceNotFoundException", None): ErrorClass.STOP,
}


@pytest.mark.parametrize(("refusal", "error_class"), DOCUMENTED.items())
def test_documented_refusals(refusal: tuple[str, str | None], error_class: ErrorClass) -> None:
    exception, reason = refusal
    error = classify(exception, reason)
    assert error.error_class is error_class
    assert error.code == (reason or exception)
    assert error.throttled is (exception == "ThrottlingException")
    assert error.code in str(error)


@pytest.mark.parametrize("code", ["ServiceUnavailable", "503", "BadGateway"])
def test_an_answer_nobody_documented_leaves_the_message_in_doubt(code: str) -> None:
    assert classify(code, None, 503).error_class is ErrorClass.IN_DOUBT
    assert classify("RequestTimeout", None, 400).error_class is ErrorClass.IN_DOUBT
    assert classify("InternalServerException", None, 500).error_class is ErrorClass.RETRY


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"])
def test_lost_rights_stop_the_campaign_and_not_each_message(code: str) -> None:
    assert classify(code, None, 400).error_class is ErrorClass.STOP


def test_every_exception_of_the_call_has_a_class() -> None:
    assert BY_EXCEPTION.keys() >= {
        "ThrottlingException", "InternalServerException", "ServiceQuotaExceededException", "AccessDeniedException",
        "ResourceNotFoundException", "ConflictException", "ValidationException",
    }  # fmt: skip
    assert all(isinstance(error_class, ErrorClass) for error_class in BY_REASON.values())


def test_an_unknown_refusal_fails_the_message_and_never_the_campaign() -> None:
    assert classify("BrandNewException", None).error_class is ErrorClass.FAIL_OVER
    assert classify("ValidationException", "BRAND_NEW").error_class is ErrorClass.FAIL_OVER
    assert classify("ThrottlingException", "BRAND_NEW").error_class is ErrorClass.WAIT


def test_a_broken_connection_is_neither_a_refusal_nor_a_throttle() -> None:
    error = in_doubt("ReadTimeoutError")
    assert (error.error_class, error.code, error.throttled) == (ErrorClass.IN_DOUBT, "ReadTimeoutError", False)
