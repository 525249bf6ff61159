"""The work of one provisioner: its inputs, its names, and AWS calls fitted from them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config

from localcloud.monitor import Created
from localcloud.provision.fit import Inputs, fit
from localcloud.provision.names import physical_name

_CONNECTIONS = 48
"""More than the registrations in flight, so that none opens a connection to throw it away."""


class Clients:
    """boto3-level clients of one endpoint: made under a lock (making one is not thread-safe), then shared."""

    def __init__(self, endpoint_url: str, account_id: str) -> None:
        self._endpoint_url = endpoint_url
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], Any] = {}
        # Nothing of this machine's AWS set-up (profile, files, proxies) may reach the embedded cloud.
        absent: tuple[Any, ...] = (None, [], None, None)
        self._session = botocore.session.Session(
            session_vars={
                "profile": absent,
                "config_file": (None, [], os.devnull, None),
                "credentials_file": (None, [], os.devnull, None),
            }
        )
        self._session.set_credentials(account_id, "embedded")

    def get(self, service: str, region: str) -> Any:
        """The client of `service` in `region`."""
        with self._lock:
            key = (service, region)
            if key not in self._made:
                config = Config(
                    max_pool_connections=_CONNECTIONS,
                    proxies={},
                    retries={"mode": "standard", "total_max_attempts": 3},
                    connect_timeout=5,
                    read_timeout=60,
                    inject_host_prefix=False,
                    s3={"addressing_style": "path"},
                )
                self._made[key] = self._session.create_client(
                    service, region_name=region, endpoint_url=self._endpoint_url, config=config
                )
            return self._made[key]

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for client in self._made.values():
                client.close()
            self._made.clear()


@dataclass(frozen=True, slots=True)
class Task:
    """One resource to create."""

    urn: str
    name: str
    inputs: Inputs
    clients: Clients
    endpoint_url: str
    region: str
    account_id: str

    def named(self, key: str = "name", *, longest: int = 255) -> str:
        """The physical name: the input `key`, else one derived from the URN."""
        return str(self.inputs.get(key) or physical_name(self.name, self.urn, longest))

    def client(self, service: str) -> Any:
        """The client of `service` in this resource's region."""
        return self.clients.get(service, self.region)

    def call(
        self,
        service: str,
        operation: str,
        names: Mapping[str, str] | None = None,
        *,
        source: Mapping[str, Any] | None = None,
        **fixed: Any,
    ) -> Any:
        """Call `operation` (as boto3 spells it) with the parameters of `fitted`."""
        parameters = self.fitted(service, operation, names, source=source, **fixed)
        return getattr(self.client(service), operation)(**parameters)

    def fitted(
        self,
        service: str,
        operation: str,
        names: Mapping[str, str] | None = None,
        *,
        source: Mapping[str, Any] | None = None,
        **fixed: Any,
    ) -> dict[str, Any]:
        """Parameters of `operation` fitted from `source` (default: all inputs).

        `names` maps an AWS member to the input it comes from; `fixed` parameters are passed as they are, and `None`
        among them leaves the member out.
        """
        meta = self.client(service).meta
        shape = meta.service_model.operation_model(meta.method_to_api_mapping[operation]).input_shape
        values = self.inputs if source is None else source
        parameters: dict[str, Any] = fit(_Without(shape, fixed), values, names)
        return parameters | {key: value for key, value in fixed.items() if value is not None}

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """An ARN in this resource's account and region (`region=""` for global services)."""
        return f"arn:aws:{service}:{self.region if region is None else region}:{self.account_id}:{resource}"


class _Without:
    """An input shape without the members that a provisioner passes itself, so that they do not count as read."""

    type_name = "structure"

    def __init__(self, shape: Any, fixed: Mapping[str, Any]) -> None:
        self.name = shape.name
        self.members = {name: inner for name, inner in shape.members.items() if name not in fixed}


Provisioner = Callable[[Task], Created]
