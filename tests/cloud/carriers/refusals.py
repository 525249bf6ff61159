"""What an unmodified client raises when a simulated service refuses a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest


def response_of(call: Callable[[], Any]) -> dict[str, Any]:
    """The response of a call that has to be refused."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    return dict(caught.value.response)


def reason_of(call: Callable[..., Any], **arguments: Any) -> str:
    """The reason that the service gives for its refusal."""
    return str(response_of(lambda: call(**arguments))["Reason"])


def code_and_status(call: Callable[[], Any]) -> tuple[str, int]:
    """Code and HTTP status of a refusal, which has to come with a message."""
    response = response_of(call)
    assert response["Error"]["Message"]
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
