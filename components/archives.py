"""Function archives that do not change when nothing changed."""

from __future__ import annotations

from pathlib import Path

import pulumi

SUFFIXES = frozenset({".py", ".json"})
"""Code and data; byte code, editors' leftovers and notes never travel."""

SHARED = ("core", "adapters")


def archive_files(root: Path, function: str) -> list[str]:
    """Paths, relative to `root`, of what `lambdas/<function>` consists of: sorted, an explicit list.

    Raises `ValueError` when there is no such function.
    """
    package = root / "lambdas"
    if not (package / function / "settings.py").is_file():
        raise ValueError(f"lambdas/{function}/settings.py does not exist: name the function's folder as in lambdas/")
    inside = [path for folder in (*SHARED, function) for path in (package / folder).rglob("*")]
    files = [package / "__init__.py", *(path for path in inside if path.is_file() and path.suffix in SUFFIXES)]
    return sorted(path.relative_to(root).as_posix() for path in files if "__pycache__" not in path.parts)


def function_archive(function: str, root: Path | None = None) -> pulumi.AssetArchive:
    """The deployed archive of `lambdas/<function>`: the package keeps its name, so imports read as they do here.

    The engine hashes names and contents only, so neither times nor permissions nor the place of the checkout count.
    """
    base = root or Path()
    return pulumi.AssetArchive({name: pulumi.FileAsset(str(base / name)) for name in archive_files(base, function)})
