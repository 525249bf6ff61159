"""What is shown, as a file: CSV that no spreadsheet executes, or JSON with every field, whole or a line each."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.view.table import Table, document
from lambdas.core.spreadsheet import neutral


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of texts under names, and the same items as JSON has them; what is many is made when it is asked for, which
    may be once and in another thread."""

    name: str
    columns: tuple[str, ...]
    rows: Iterable[Sequence[str]]
    documents: Iterable[object]

    def csv(self) -> str:
        """RFC 4180, formulas neutralised."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(self.columns)
        writer.writerows([[neutral(cell) for cell in row] for row in self.rows])
        return out.getvalue()

    def json(self) -> str:
        """A list of objects."""
        return json.dumps(list(self.documents), indent=2, default=_jsonable, ensure_ascii=False) + "\n"

    def ndjson(self) -> str:
        """An object on each line."""
        return "".join(json.dumps(each, default=_jsonable, ensure_ascii=False) + "\n" for each in self.documents)


def sheet_of(table: Table[Any]) -> Sheet:
    """The rows that a table shows now, all columns of it."""
    items = tuple(table.shown)
    return Sheet(
        name=table.kind.name,
        columns=table.kind.names,
        rows=(table.texts(item, table.kind.columns) for item in items),
        documents=(document(item) for item in items),
    )


def json_of(item: object) -> str:
    """One item as JSON."""
    return json.dumps(document(item), indent=2, default=_jsonable, ensure_ascii=False)


def _jsonable(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
