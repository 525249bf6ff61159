"""One call to a messaging provider: no retry, every refusal classified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from lambdas.core.provider_errors import ErrorClass, ProviderError, classify, in_doubt


def call_once(operation: Callable[..., Mapping[str, Any]], arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make the call; returns the answer or raises `ProviderError`.

    No send operation of AWS has an idempotency token, so the client must be built with `attempts=1`: a retry inside it
    could send twice. What the client refuses before it connects has not been sent.
    """
    try:
        return operation(**arguments)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        raise classify(error.response["Error"]["Code"], error.response.get("Reason"), status) from error
    except (ConnectTimeoutError, EndpointConnectionError) as error:
        raise ProviderError(type(error).__name__, ErrorClass.WAIT) from error
    except ParamValidationError as error:
        raise ProviderError(type(error).__name__, ErrorClass.FAIL_OVER) from error
    except (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError) as error:
        raise ProviderError(type(error).__name__, ErrorClass.STOP) from error
    except BotoCoreError as error:
        raise in_doubt(type(error).__name__) from error
