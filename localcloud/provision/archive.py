"""Deterministic zip files from Pulumi archives."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pulumi

from localcloud.graph import ProgramError
from localcloud.monitor import contents

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip entry can carry."""


def zipped(archive: Any) -> bytes:
    """The bytes of a function's or layer's zip: same content, same bytes; a ready-made `.zip` passes unchanged."""
    files = contents(archive)
    if not files:
        raise ProgramError("the archive is empty; build it first (make build)")
    if isinstance(archive, pulumi.FileArchive) and len(files) == 1:
        only = next(iter(files.values()))
        if zipfile.is_zipfile(io.BytesIO(only)):
            return only
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            target.writestr(entry, data)
    return packed.getvalue()
