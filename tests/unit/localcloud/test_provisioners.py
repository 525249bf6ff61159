"""Each resource type of each stack can be provisioned, or says why it is only recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.program import record
from localcloud.provision import INERT, PROVISIONERS, RECORDED
from localcloud.stack_config import stacks

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("layer")
    (path / "python").mkdir()
    (path / "python" / "library.py").write_text("x = 1\n")
    return str(path)


@pytest.mark.parametrize("stack", stacks(ROOT))
def test_every_type_of_the_stack_has_a_provisioner_or_a_written_reason(stack: str, layer: str) -> None:
    graph = record(stack, config={"layer_path": layer})
    assert len(graph.types()) > 20
    assert set(graph.types()) <= PROVISIONERS.keys() | RECORDED.keys()


@pytest.mark.parametrize("stack", stacks(ROOT))
def test_a_preview_registers_what_a_deployment_registers(stack: str, layer: str) -> None:
    deployed = record(stack, config={"layer_path": layer})
    preview = record(stack, config={"layer_path": layer}, preview=True)
    assert [item.urn for item in preview.registrations] == [item.urn for item in deployed.registrations]


def test_what_is_not_done_has_a_reason() -> None:
    assert not PROVISIONERS.keys() & RECORDED.keys()
    assert INERT.keys() <= PROVISIONERS.keys()
    reasons = [*RECORDED.values(), *(reason for inputs in INERT.values() for reason in inputs.values())]
    assert all(len(reason.split()) > 4 for reason in reasons)
