"""Clients for one stack. In the environment `local` nothing can reach AWS: endpoint, credentials and proxies are ours.

botocore is imported when the first session is made, never before: the screen is painted first.
"""

from __future__ import annotations

import ipaddress
import os
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from console.calls import CallMeter, Usage
from console.domain import ConsoleError, ProblemKind
from console.sources.account_guard import AccountGuard
from console.spend import SpendMeter
from console.text import safe_line

CONNECT_SECONDS = 2
READ_SECONDS = 5
ATTEMPTS = 2
LOCAL_SECRET = "local"  # noqa: S105 - the embedded cloud checks no secret; a word that is plainly none of AWS's
STALE_CREDENTIALS = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException"}
    | {"UnauthorizedSSOTokenError", "SSOTokenLoadError", "TokenRetrievalError", "CredentialRetrievalError"}
    | {"NoCredentialsError", "PartialCredentialsError", "LoginRefreshRequired", "LoginTokenLoadError"}
)
"""Error codes and exceptions after which other credentials may lie on this machine than a session has read once: the
query APIs' common errors ("Common Errors", of each API reference), and botocore's exceptions."""
PROFILE_VARIABLES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
"""As botocore looks for them (botocore/configprovider.py)."""
BEGAN = "cpaas_console_began"
"""Where a call's context keeps its beginning, between botocore's events."""
_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Target:
    """Where calls go: `endpoint_url` and `account_id` are set exactly for the environment `local`."""

    region: str
    profile: str | None = None
    endpoint_url: str | None = None
    account_id: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether this is an embedded cloud on this machine."""
        return self.endpoint_url is not None


def profile_of(target: Target, environment: Mapping[str, str]) -> str:
    """The profile whose credentials are used; empty where keys of the environment come before that of a variable, where
    none is named, and for an embedded cloud ("Credentials", Boto3 documentation)."""
    if target.is_local or target.profile is not None:
        return target.profile or ""
    if "AWS_ACCESS_KEY_ID" in environment:
        return ""
    return next((environment[name] for name in PROFILE_VARIABLES if environment.get(name)), "")


def require_loopback(url: str) -> str:
    """`url` if it names this machine over http; raises `ConsoleError` else."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if parts.scheme == "http" and port is not None and parts.username is None and _is_loopback(host):
        return url.rstrip("/")
    raise ConsoleError(
        ProblemKind.BAD_INPUT,
        f"{url} is not an embedded cloud",
        "the environment local answers on this machine only; give http://127.0.0.1:PORT",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def local_target(endpoint_url: str, account_id: str, region: str) -> Target:
    """The target of an embedded cloud; raises `ConsoleError` for anything that is none."""
    if not endpoint_url:
        raise ConsoleError(
            ProblemKind.BAD_INPUT,
            "the stack is of the environment local, and its outputs name no endpoint",
            "give --endpoint-url http://127.0.0.1:PORT or use --local",
        )
    if not _ACCOUNT.fullmatch(account_id):
        raise ConsoleError(ProblemKind.BAD_INPUT, f"{account_id!r} is not an account id", "12 digits are needed")
    return Target(region=region, endpoint_url=require_loopback(endpoint_url), account_id=account_id)


class Clients:
    """Makes each botocore client once, counts each call in `meter`; safe to use from many threads."""

    def __init__(self, target: Target, meter: SpendMeter | None = None) -> None:
        self.target = target
        self.meter = meter or SpendMeter()
        self.calls = CallMeter()
        self._lock = threading.RLock()
        self._clients: dict[str, Any] = {}
        self._session: Any = None
        self._guard: AccountGuard | None = None

    def guard(self, stack: str, account_id: str) -> None:
        """From now on nothing is written with credentials of another account; raises `ConsoleError` if they are now."""
        self._guard = AccountGuard(self, stack, account_id)
        self._guard.require()

    def require_account(self) -> None:
        """Before a write that botocore's clients do not make."""
        if self._guard is not None:
            self._guard.require()

    def renew(self) -> None:
        """Forget session and clients: the next call reads the user's configuration and credentials anew."""
        with self._lock:
            self._session = None
            self._clients.clear()

    @property
    def session(self) -> Any:
        """The botocore session: of the embedded cloud's own account, or of the user's profile."""
        with self._lock:
            if self._session is None:
                self._session = _local_session(self.target) if self.target.is_local else _aws_session(self.target)
            return self._session

    def client(self, service: str) -> Any:
        """The client of one service."""
        from botocore.config import Config

        with self._lock:
            if service not in self._clients:
                config = Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                    proxies={} if self.target.is_local else None,
                    inject_host_prefix=not self.target.is_local,
                    user_agent_extra="cpaas-console",
                )
                client = self.session.create_client(
                    service, region_name=self.target.region, endpoint_url=self.target.endpoint_url, config=config
                )
                client.meta.events.register("before-send.*", self._count)
                client.meta.events.register("before-call.*", self._guarded)
                client.meta.events.register("before-call.*", _began)
                client.meta.events.register("after-call.*", self._answered)
                client.meta.events.register("after-call-error.*", self._failed)
                client.meta.events.register("provide-client-params.cloudwatch.GetMetricData", self._count_metrics)
                self._clients[service] = client
            return self._clients[service]

    def credentials(self) -> Any:
        """Frozen credentials for signing; raises botocore's NoCredentialsError where there are none."""
        from botocore.exceptions import NoCredentialsError

        found = self.session.get_credentials()
        if found is None:
            raise NoCredentialsError()
        return found.get_frozen_credentials()

    def _guarded(self, **event: Any) -> None:
        if self._guard is not None:
            self._guard.before_call(**event)

    def _count(self, event_name: str, **_: Any) -> None:
        """Each attempt on the wire is a call that AWS may bill; read units are added from the answers."""
        service, operation = event_name.split(".")[1:3]
        self.meter.count(f"{service}:{operation}")

    def _answered(self, event_name: str, http_response: Any, parsed: Any, context: Mapping[str, Any], **_: Any) -> None:
        failed = http_response.status_code >= 300
        self._ended(event_name, context, str(parsed.get("Error", {}).get("Code", "unknown")) if failed else "")

    def _failed(self, event_name: str, exception: BaseException, context: Mapping[str, Any], **_: Any) -> None:
        self._ended(event_name, context, type(exception).__name__)

    def _ended(self, event_name: str, context: Mapping[str, Any], error: str) -> None:
        """A call with all its attempts, with AWS's error code or what kept it from an answer."""
        service, operation = event_name.split(".")[1:3]
        if error in STALE_CREDENTIALS:
            self.renew()
        began = context.get(BEGAN)
        if began is not None:
            self.calls.note(f"{service}:{operation}", time.perf_counter() - began, safe_line(error, 60))

    def usage(self) -> Usage:
        """What was asked so far, how long it took and what it cost."""
        return self.calls.usage(self.meter)

    def _count_metrics(self, params: Mapping[str, Any], **_: Any) -> None:
        queries = params.get("MetricDataQueries") or ()
        self.meter.count_metrics(sum("MetricStat" in query for query in queries))


def _began(context: dict[str, Any], **_: Any) -> None:
    context[BEGAN] = time.perf_counter()


def _local_session(target: Target) -> Any:
    """A session that cannot see the user's configuration: no profile, no file, no environment, our keys."""
    from botocore.session import Session

    no_file: Any = (None, None, os.devnull, None)
    session = Session(
        session_vars={"profile": (None, None, None, None), "config_file": no_file, "credentials_file": no_file}
    )
    session.set_credentials(target.account_id, LOCAL_SECRET)
    return session


def _aws_session(target: Target) -> Any:
    from botocore.session import Session

    session = Session(profile=target.profile)
    if target.profile is not None and target.profile not in session.available_profiles:
        from botocore.exceptions import ProfileNotFound

        raise ProfileNotFound(profile=target.profile)
    return session
