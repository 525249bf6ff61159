"""Clients for functions: one botocore session, and no way to reach AWS from the environment `local` by accident."""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import botocore.session
from botocore.config import Config

from lambdas.adapters.loopback import is_loopback

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 10


class ConfigurationError(RuntimeError):
    """A client that must not be built as asked."""


def endpoint_for(environ: Mapping[str, str]) -> str | None:
    """The endpoint clients use: AWS's own (None), except in `local`, where an explicit loopback one is required."""
    endpoint = environ.get("AWS_ENDPOINT_URL")
    if environ.get("ENVIRONMENT") != "local":
        return endpoint
    if not endpoint:
        raise ConfigurationError(
            "the environment is local but AWS_ENDPOINT_URL is not set: start cpaas-local and export what it prints"
        )
    if not is_loopback(endpoint):
        raise ConfigurationError(f"the environment is local but AWS_ENDPOINT_URL={endpoint} is not this machine")
    return endpoint


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from what is made meanwhile. A service's model is tens of thousands of objects that
    stay: to look through them time and again is a tenth of a cold start, and a pause at each full collection later."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@functools.cache
def client(
    service: str,
    *,
    attempts: int = 4,
    connections: int = 50,
    read_timeout_s: float = READ_TIMEOUT_S,
    signature: str | None = None,
) -> Any:
    """A shared client; `attempts` counts tries of one call in all (1 = no retry).

    `signature` names a signature version other than botocore's own choice: presigned forms and links of S3 need `s3v4`,
    without which they are signed as objects encrypted with KMS refuse (S3 user guide, "Using presigned URLs").
    """
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=connections,
        signature_version=signature,
    )
    with _uncollected():
        return _session().create_client(service, endpoint_url=endpoint_for(os.environ), config=config)
