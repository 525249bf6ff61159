"""Provisioners: one short function per resource type that creates it by boto3 and answers its outputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError, ParamValidationError

from localcloud.graph import ProgramError
from localcloud.monitor import Created, Demand
from localcloud.provision import (
    buckets,
    email,
    events,
    functions,
    http_api,
    identity,
    keys,
    messaging,
    monitoring,
    sms,
    tables,
    user_pools,
)
from localcloud.provision.calls import answer
from localcloud.provision.fit import Inputs
from localcloud.provision.names import likely_uuid
from localcloud.provision.task import Clients, Provisioner, Task

__all__ = ["INERT", "PROVISIONERS", "RECORDED", "AwsProvider", "Provisioner", "Task"]

PROVIDER_TYPE = "pulumi:providers:aws"

PROVISIONERS: dict[str, Provisioner] = {
    type_: provisioner
    for family in (
        keys,
        tables,
        buckets,
        identity,
        functions,
        messaging,
        events,
        monitoring,
        http_api,
        sms,
        email,
        user_pools,
    )
    for type_, provisioner in family.PROVISIONERS.items()
}

RECORDED: dict[str, str] = {
    PROVIDER_TYPE: "an explicit provider only says in which region its resources live, and they are created there",
}
"""Types that are written down but not created, and why."""

_EVERYWHERE = {
    "timeouts": "limits how long the provider waits; creation answers at once here",
    "skipDestroy": "concerns destroy; the embedded cloud is thrown away as a whole",
    "forceDestroy": "concerns destroy; the embedded cloud is thrown away as a whole",
}

INERT: dict[str, dict[str, str]] = {
    "aws:sesv2/emailIdentity:EmailIdentity": {
        "configurationSetName": "an identity has no default configuration set here; each mail names its own",
    },
    "aws:kms/key:Key": {"deletionWindowInDays": "concerns destroy; the embedded cloud is thrown away as a whole"},
    "aws:iam/role:Role": {"forceDetachPolicies": "concerns destroy; the embedded cloud is thrown away as a whole"},
    "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet": {
        "defaultMessageType": "the simulated carrier has no defaults of a set; "
        "a send without a message type takes its origination identity's",
    },
    "aws:pinpoint/smsvoicev2PhoneNumber:Smsvoicev2PhoneNumber": {
        "waitForActive": "a simulated number is active at once",
        "forceDisassociate": "concerns destroy; the embedded cloud is thrown away as a whole",
    },
}
"""Inputs that no provisioner passes on, by type, and why."""


class AwsProvider:
    """Creates resources at one endpoint; a context manager that closes its connections."""

    def __init__(
        self, *, endpoint_url: str, region: str, account_id: str, on_created: Callable[[Demand], None] | None = None
    ) -> None:
        self._endpoint_url = endpoint_url
        self._region = region
        self._account_id = account_id
        self._on_created = on_created
        self._clients = Clients(endpoint_url, account_id)
        self._provider_regions: dict[str, str] = {}
        self._unread: set[str] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._clients.close()

    def create(self, demand: Demand) -> Created:
        """Create one resource; a type without a provisioner or a reason in `RECORDED` is refused."""
        if demand.type in RECORDED:
            created = self._recorded(demand)
        elif demand.type in PROVISIONERS:
            created = self._provisioned(demand)
        else:
            raise ProgramError(
                "no provisioner is written for this type; add one under localcloud/provision, "
                "or its name and a reason to RECORDED"
            )
        if self._on_created is not None:
            self._on_created(demand)
        return created

    def call(self, token: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a data source."""
        return answer(token, args, self._account_id, self._region)

    def unread(self) -> list[str]:
        """Inputs (`type.path`) that were not passed on and have no reason in `INERT`, sorted."""
        return sorted(self._unread)

    def _attempt(self, provisioner: Provisioner, task: Task) -> Created:
        try:
            return provisioner(task)
        except ClientError as error:
            answer = error.response.get("Error", {})
            code, message = answer.get("Code", "no code"), str(answer.get("Message", "")).rstrip(".")
            raise ProgramError(
                f"{error.operation_name} was refused with {code}: {message}; correct the resource in the program"
            ) from error
        except ParamValidationError as error:
            raise ProgramError(f"{error}; correct the resource in the program") from error
        except (EndpointConnectionError, HTTPClientError) as error:
            raise ProgramError(f"{self._endpoint_url} does not answer ({error}); start the cloud again") from error

    def _recorded(self, demand: Demand) -> Created:
        if demand.type == PROVIDER_TYPE:
            with self._lock:
                self._provider_regions[demand.urn] = demand.inputs.get("region", self._region)
        return Created(likely_uuid(demand.urn), {})

    def _provisioned(self, demand: Demand) -> Created:
        inputs = Inputs(demand.inputs)
        region = inputs.get("region") or self._provider_regions.get(demand.provider, self._region)
        task = Task(
            urn=demand.urn,
            name=demand.name,
            inputs=inputs,
            clients=self._clients,
            endpoint_url=self._endpoint_url,
            region=region,
            account_id=self._account_id,
        )
        created = self._attempt(PROVISIONERS[demand.type], task)
        excused = _EVERYWHERE.keys() | INERT.get(demand.type, {}).keys()
        with self._lock:
            self._unread.update(f"{demand.type}.{path}" for path in inputs.unread() if path not in excused)
        return created
