"""Errors are classified once, each with a sentence and a remedy."""

from __future__ import annotations

import shlex
import socket

import pytest
from botocore import exceptions
from urllib3.exceptions import NameResolutionError

from console.domain import ConsoleError, ProblemKind
from console.services.errors import BusyError, Caller, DeadlineError, classify, classify_once, classify_write


def client_error(code: str, message: str = "words") -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


def unresolved() -> exceptions.EndpointConnectionError:
    beneath = NameResolutionError("dynamodb.us-esat-1.amazonaws.com", None, socket.gaierror(-2, "unknown"))  # type: ignore[arg-type]
    return exceptions.EndpointConnectionError(endpoint_url="https://dynamodb.us-esat-1.amazonaws.com/", error=beneath)


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
        (unresolved(), ProblemKind.UNREACHABLE, "us-esat-1"),
        (client_error("AWS.SimpleQueueService.NonExistentQueue"), ProblemKind.NOT_FOUND, "--region"),
        (client_error("OptInRequired"), ProblemKind.WRONG_REGION, "--region instead of us-esat-1"),
        (exceptions.InvalidRegionError(region_name="x y"), ProblemKind.WRONG_REGION, "--region"),
        (exceptions.LoginRefreshRequired(), ProblemKind.CREDENTIALS, "aws login --profile"),
        (ConsoleError(ProblemKind.CONFLICT, "taken", "choose"), ProblemKind.CONFLICT, "choose"),
        (RuntimeError("odd"), ProblemKind.UNEXPECTED, ""),
    ],
)
def test_kinds(error: Exception, kind: ProblemKind, remedy: str) -> None:
    problem = classify(error, Caller("it's mine", "us-esat-1"))
    assert problem.kind is kind
    assert remedy in problem.remedy
    assert problem.sentence


def test_the_words_of_a_foreign_error_are_made_safe() -> None:
    problem = classify(client_error("Whatever", "\x1b]52;c;ZXZpbA==\x07 [/nope]"))
    assert "\x1b" not in problem.sentence
    assert len(problem.sentence) < 300


def test_expired_credentials_come_with_the_command_that_renews_them() -> None:
    expired = client_error("ExpiredTokenException")
    assert classify(expired).command == "aws sso login"
    named = classify(expired, Caller(profile="work; rm -rf /"))
    assert shlex.split(named.command) == ["aws", "sso", "login", "--profile", "work; rm -rf /"]
    assert named.command in named.remedy
    assert classify(exceptions.LoginRefreshRequired()).command == "aws login"
    assert classify(client_error("AccessDenied")).command == ""


def test_a_resource_that_is_missing_is_told_with_its_region() -> None:
    problem = classify(client_error("ResourceNotFoundException"), Caller(region="eu-west-1"))
    assert problem.sentence.startswith("not there in eu-west-1: ")


def test_only_what_is_asked_for_again_by_itself_says_so() -> None:
    late = DeadlineError(30)
    assert classify(late).remedy == "the next attempt is made by itself"
    assert classify_once(late).sentence == "no answer within 30 s"
    for error in (late, exceptions.ReadTimeoutError(endpoint_url="http://x"), BusyError("plan")):
        assert classify_once(error).remedy.startswith("ask again")
    assert classify_once(client_error("AccessDenied")) == classify(client_error("AccessDenied"))


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (DeadlineError(30), True),
        (exceptions.ReadTimeoutError(endpoint_url="http://x"), True),
        (exceptions.ConnectionClosedError(endpoint_url="http://x"), True),
        (exceptions.ConnectTimeoutError(endpoint_url="http://x"), False),
        (exceptions.EndpointConnectionError(endpoint_url="http://x"), False),
        (BusyError("send"), False),
        (ConsoleError(ProblemKind.CONFLICT, "taken", "choose"), False),
        (ConsoleError(ProblemKind.TIMED_OUT, "the function did not answer (504)", "ask again"), True),
    ],
)
def test_a_write_whose_request_may_have_arrived_may_have_been_done(error: Exception, unknown: bool) -> None:
    assert (classify_write(error, Caller(), "look").remedy == "look") is unknown
