"""Every private name of ministack that the host touches exists in the installed version."""

from __future__ import annotations

import importlib
import importlib.metadata

import pytest

from localcloud import bends

NAMES = [(module, name) for table in (bends.REPLACED, bends.USED) for module, names in table.items() for name in names]


@pytest.mark.parametrize(("module", "name"), NAMES, ids=lambda value: str(value).rpartition(".")[2])
def test_the_name_is_there(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


def test_the_pinned_version_is_installed() -> None:
    assert importlib.metadata.version("ministack") == bends.VERSION
    bends.check()


def test_another_version_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bends, "VERSION", "0.0.1")
    with pytest.raises(bends.WrongEmulatorError, match=r"the embedded cloud needs 0\.0\.1"):
        bends.check()


def test_a_missing_name_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bends.USED, "ministack.core.router", ("nothing_of_the_sort",))
    with pytest.raises(bends.WrongEmulatorError, match=r"no ministack\.core\.router\.nothing_of_the_sort"):
        bends.check()
