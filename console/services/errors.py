"""Failures classified once: whatever a read or an action raised becomes one `Problem` with a sentence and a remedy.

botocore's exceptions are recognised by class name and error code, so that this module imports nothing of AWS and a
console that has not connected yet stays light.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from console.domain import ConsoleError, Problem, ProblemKind
from console.text import safe_line

if TYPE_CHECKING:
    from console.sources.base import Connection

_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
    | {"UnauthorizedSSOTokenError", "SSOTokenLoadError", "TokenRetrievalError", "CredentialRetrievalError"}
)
_LOGIN_EXPIRED = frozenset({"LoginRefreshRequired", "LoginTokenLoadError"})
_ABSENT = frozenset({"NoCredentialsError", "PartialCredentialsError", "NoAuthTokenError"})
_UNKNOWN_IDENTITY = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure"}
)
_SKEWED = frozenset({"RequestTimeTooSkewed", "InvalidSignatureException", "SignatureDoesNotMatch"})
_THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded"}
    | {"ProvisionedThroughputExceededException", "SlowDown"}
)
_FORBIDDEN = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"})
_MISSING = frozenset(
    {"ResourceNotFoundException", "ResourceNotFound", "ParameterNotFound", "NotFoundException", "NotFound"}
    | {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
)
_WRONG_REGION = frozenset(
    {"InvalidRegionError", "UnknownRegionError", "ServiceNotInRegionError", "UnknownEndpointError", "OptInRequired"}
)
_UNRESOLVED = frozenset({"gaierror", "NameResolutionError"})
_SLOW = frozenset({"ReadTimeoutError", "ConnectTimeoutError", "ReadTimeout", "ConnectTimeout", "TimeoutError"})
_UNREACHABLE = frozenset(
    {"EndpointConnectionError", "ConnectionClosedError", "ProxyConnectionError", "HTTPClientError", "SSLError"}
    | {"ConnectionRefusedError", "ConnectionResetError", "ConnectionError", "URLError", "BrokenPipeError"}
)

_UNANSWERED = frozenset({"DeadlineError", "ReadTimeoutError", "ConnectionClosedError", "ConnectionResetError"})
"""The request may have arrived: what it asks for may be done."""
ASK_AGAIN = "ask again; if that does not help, check the network"


@dataclass(frozen=True, slots=True)
class Caller:
    """How calls are made, for remedies that name it: the AWS profile (empty unless one was chosen) and the region."""

    profile: str = ""
    region: str = ""

    def login(self, command: str) -> str:
        """`command` of the AWS CLI for this profile."""
        return f"{command} --profile {shlex.quote(self.profile)}" if self.profile else command


NOBODY = Caller()


def caller_of(connection: Connection) -> Caller:
    """How the stack is called, for what goes wrong."""
    if connection.clients is None:
        return NOBODY
    target = connection.clients.target
    return Caller(target.profile or "", target.region)


class DeadlineError(Exception):
    """A call did not answer in the seconds it was given; it was abandoned."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.seconds = seconds


class BusyError(Exception):
    """Too many earlier calls still hang; nothing was started."""


def error_code(error: BaseException) -> str:
    """The AWS error code of a botocore ClientError, else an empty text."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and isinstance(response.get("Error"), dict):
        return str(response["Error"].get("Code", ""))
    return ""


def classify(error: BaseException, caller: Caller = NOBODY) -> Problem:
    """The `Problem` that `error` is, with every foreign word made safe."""
    if isinstance(error, ConsoleError):
        return error.problem
    if isinstance(error, DeadlineError):
        return Problem(
            ProblemKind.TIMED_OUT, f"no answer within {error.seconds:g} s", "the next attempt is made by itself"
        )
    if isinstance(error, BusyError):
        return Problem(ProblemKind.TIMED_OUT, "earlier calls still hang", "they are given up one by one; r asks again")
    names = {error_code(error), *(kind.__name__ for kind in type(error).__mro__), *_causes(error)}
    detail = safe_line(error, cells=200)
    for known, describe in _KINDS:
        if names & known:
            return describe(detail, caller)
    return Problem(ProblemKind.UNEXPECTED, f"{type(error).__name__}: {detail}" if detail else type(error).__name__)


def classify_once(error: BaseException, caller: Caller = NOBODY) -> Problem:
    """The same of a call that is not made again by itself."""
    problem = classify(error, caller)
    return replace(problem, remedy=ASK_AGAIN) if problem.kind is ProblemKind.TIMED_OUT else problem


def classify_write(error: BaseException, caller: Caller, unknown: str) -> Problem:
    """The same of a write; `unknown` is the remedy where nobody can tell whether it was done."""
    names = {kind.__name__ for kind in type(error).__mro__}
    problem = classify_once(error, caller)
    unanswered = isinstance(error, ConsoleError) and problem.kind is ProblemKind.TIMED_OUT
    return replace(problem, remedy=unknown) if unanswered or names & _UNANSWERED else problem


def _causes(error: BaseException) -> Iterator[str]:
    """What lies beneath botocore's EndpointConnectionError, which keeps it among its words: class names."""
    words = getattr(error, "kwargs", None)
    beneath = words.get("error") if isinstance(words, dict) else None
    while isinstance(beneath, BaseException):
        yield type(beneath).__name__
        beneath = beneath.__cause__ or beneath.__context__


def _expired(_: str, caller: Caller) -> Problem:
    return _login(caller.login("aws sso login"))


def _login_expired(_: str, caller: Caller) -> Problem:
    return _login(caller.login("aws login"))


def _login(command: str) -> Problem:
    return Problem(
        ProblemKind.CREDENTIALS, "the AWS credentials have expired", f"renew them, for example by `{command}`", command
    )


def _absent(_: str, caller: Caller) -> Problem:
    command = caller.login("aws sso login")
    return Problem(
        ProblemKind.CREDENTIALS,
        "there are no AWS credentials here",
        f"name a profile with --profile, log in with `{command}`, or use --local",
        command,
    )


def _unknown(_: str, __: Caller) -> Problem:
    return Problem(
        ProblemKind.CREDENTIALS,
        "AWS does not know these credentials",
        "check --profile and `aws sts get-caller-identity`",
    )


def _bad_profile(detail: str, _: Caller) -> Problem:
    return Problem(ProblemKind.CREDENTIALS, detail, "`aws configure list-profiles` names the profiles of this machine")


def _skewed(_: str, __: Caller) -> Problem:
    return Problem(
        ProblemKind.CLOCK_SKEW,
        "AWS refused the signature",
        "check that this machine's clock is right (`timedatectl set-ntp true`) and that the secret key is whole",
    )


def _throttled(_: str, __: Caller) -> Problem:
    return Problem(ProblemKind.THROTTLED, "AWS throttles these calls", "the console asks less often until it recovers")


def _forbidden(detail: str, _: Caller) -> Problem:
    return Problem(ProblemKind.FORBIDDEN, f"not allowed: {detail}", "the identity in use lacks this permission")


def _wrong_region(detail: str, caller: Caller) -> Problem:
    here = f" instead of {caller.region}" if caller.region else ""
    return Problem(ProblemKind.WRONG_REGION, detail, f"name the stack's region with --region{here}")


def _missing(detail: str, caller: Caller) -> Problem:
    where = f" in {caller.region}" if caller.region else ""
    return Problem(
        ProblemKind.NOT_FOUND,
        f"not there{where}: {detail}",
        "check the stack's name and its region (--region); is it deployed?",
    )


def _slow(_: str, __: Caller) -> Problem:
    return Problem(ProblemKind.TIMED_OUT, "the endpoint did not answer in time", "check the network; asked again soon")


def _unresolved(detail: str, caller: Caller) -> Problem:
    region = f", and whether {caller.region} is the stack's region (--region)" if caller.region else ""
    return Problem(
        ProblemKind.UNREACHABLE,
        f"the endpoint's name has no address: {detail}",
        f"check the network and its name server{region}",
    )


def _unreachable(detail: str, _: Caller) -> Problem:
    return Problem(ProblemKind.UNREACHABLE, f"cannot reach the endpoint: {detail}", "check the address and the network")


_KINDS: tuple[tuple[frozenset[str], Callable[[str, Caller], Problem]], ...] = (
    (_EXPIRED, _expired),
    (_LOGIN_EXPIRED, _login_expired),
    (_ABSENT, _absent),
    (_UNKNOWN_IDENTITY, _unknown),
    (frozenset({"ProfileNotFound", "ConfigNotFound"}), _bad_profile),
    (_SKEWED, _skewed),
    (_THROTTLED, _throttled),
    (_FORBIDDEN, _forbidden),
    (_WRONG_REGION, _wrong_region),
    (_MISSING, _missing),
    (_SLOW, _slow),
    (_UNRESOLVED, _unresolved),
    (_UNREACHABLE, _unreachable),
)
