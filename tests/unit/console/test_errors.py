"""Errors are classified once, each with a sentence and a remedy."""

from __future__ import annotations

import pytest
from botocore import exceptions

from console.domain import ConsoleError, ProblemKind
from console.services.errors import classify


def client_error(code: str, message: str = "words") -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@pytest.mark.parametrize(
    ("error", "kind", "remedy"),
    [
        (client_error("ExpiredTokenException"), ProblemKind.CREDENTIALS, "aws sso login"),
        (client_error("ExpiredToken"), ProblemKind.CREDENTIALS, "aws sso login"),
        (exceptions.NoCredentialsError(), ProblemKind.CREDENTIALS, "--local"),
        (exceptions.ProfileNotFound(profile="nope"), ProblemKind.CREDENTIALS, "list-profiles"),
        (exceptions.UnauthorizedSSOTokenError(), ProblemKind.CREDENTIALS, "aws sso login"),
        (client_error("UnrecognizedClientException"), ProblemKind.CREDENTIALS, "--profile"),
        (client_error("AccessDeniedException"), ProblemKind.FORBIDDEN, "permission"),
        (client_error("RequestTimeTooSkewed"), ProblemKind.CLOCK_SKEW, "timedatectl"),
        (client_error("ThrottlingException"), ProblemKind.THROTTLED, "less often"),
        (client_error("ResourceNotFoundException"), ProblemKind.NOT_FOUND, "deployed"),
        (exceptions.EndpointConnectionError(endpoint_url="http://x"), ProblemKind.UNREACHABLE, "network"),
        (exceptions.ReadTimeoutError(endpoint_url="http://x"), ProblemKind.TIMED_OUT, "network"),
        (ConnectionRefusedError("no"), ProblemKind.UNREACHABLE, "network"),
        (ConsoleError(ProblemKind.CONFLICT, "taken", "choose"), ProblemKind.CONFLICT, "choose"),
        (RuntimeError("odd"), ProblemKind.UNEXPECTED, ""),
    ],
)
def test_kinds(error: Exception, kind: ProblemKind, remedy: str) -> None:
    problem = classify(error)
    assert problem.kind is kind
    assert remedy in problem.remedy
    assert problem.sentence


def test_the_words_of_a_foreign_error_are_made_safe() -> None:
    problem = classify(client_error("Whatever", "\x1b]52;c;ZXZpbA==\x07 [/nope]"))
    assert "\x1b" not in problem.sentence
    assert len(problem.sentence) < 300
