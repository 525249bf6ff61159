"""An embedded cloud that the console's own child started."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from console.services.embedded import COMMAND, EmbeddedCloud, Ready
from lambdas.core.outputs import StackOutputs
from tests.cloud.campaign_client import StackClient


@pytest.fixture(scope="session")
def cloud() -> Iterator[Ready]:
    """One embedded cloud, found by the commands under test as a person would: by address or by file."""
    child = EmbeddedCloud(COMMAND)
    yield child.start(lambda step: None)
    child.stop()


@pytest.fixture(scope="session")
def stack(cloud: Ready) -> StackClient:
    """The same stack as an application sees it."""
    outputs = StackOutputs.from_mapping(json.loads(cloud.outputs_file.read_text(encoding="utf-8")))
    return StackClient(outputs, cloud.endpoint_url)
