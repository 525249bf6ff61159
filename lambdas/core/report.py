"""The report of a plan: a CSV file of the rows left out, safe to open in a spreadsheet and without anybody's address.

A cell that begins like a formula would be one: a spreadsheet runs what follows `=`, `+`, `-` or `@`, also behind a tab
or a carriage return (OWASP, "CSV Injection"). An apostrophe before it makes it text.
"""

from __future__ import annotations

import csv
import io

from lambdas.core.plan_row import ExcludedRow
from lambdas.core.redaction import mask_addresses
from lambdas.core.spreadsheet import neutral

HEADER = ("line", "customer_id", "reason", "detail")
UTF8_MARK = "\ufeff"
"""Tells a spreadsheet that the file is UTF-8."""


def report_header() -> bytes:
    """The first line of a report."""
    return (UTF8_MARK + _line(HEADER)).encode()


def report_line(row: ExcludedRow) -> bytes:
    """One row left out; numbers and addresses in its texts are masked."""
    texts = (row.customer_id, row.reason.value, row.detail)
    return _line((str(row.row), *(neutral(mask_addresses(text)) for text in texts))).encode(errors="replace")


def _line(cells: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
