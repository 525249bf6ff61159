"""Values of one union are told apart by their class: named tuples of equal fields would be equal to each other."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "lambdas").rglob("*.py"))}


def named_tuples() -> dict[str, int]:
    """Name -> number of fields."""
    classes = [each for tree in SOURCES.values() for each in ast.walk(tree) if isinstance(each, ast.ClassDef)]
    return {
        each.name: sum(isinstance(line, ast.AnnAssign) for line in each.body)
        for each in classes
        if any(isinstance(base, ast.Name) and base.id == "NamedTuple" for base in each.bases)
    }


def members(union: ast.expr) -> Iterator[str]:
    """The plain names in `A | B | C`."""
    if isinstance(union, ast.BinOp):
        yield from members(union.left)
        yield from members(union.right)
    elif isinstance(union, ast.Name):
        yield union.id


def equal_alternatives(fields: dict[str, int]) -> dict[str, set[str]]:
    """Pairs of named tuples of as many fields in one union, with the modules that have it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path, tree in SOURCES.items():
        for union in ast.walk(tree):
            if isinstance(union, ast.BinOp) and isinstance(union.op, ast.BitOr):
                names = sorted({name for name in members(union) if name in fields})
                for one, other in combinations(names, 2):
                    if fields[one] == fields[other]:
                        found[f"{one} | {other}"].add(str(path.relative_to(ROOT)))
    return found


def test_no_two_alternatives_can_be_equal() -> None:
    assert equal_alternatives(named_tuples()) == {}


def test_the_walk_sees_unions() -> None:
    fields = dict.fromkeys(("StartLeg", "SendLeg"), 2)
    assert equal_alternatives(fields) == {"SendLeg | StartLeg": {"lambdas/core/chains.py"}}
