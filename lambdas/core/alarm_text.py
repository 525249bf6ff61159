"""The alarm description contract: severity and runbook travel in an alarm's description, written and read here.

CloudWatch has no field for either; the description is what every reader of an alarm gets (DescribeAlarms, the SNS
notification, the state-change event).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_CHARACTERS = 1024
"""Length of an alarm description (CloudWatch API reference, PutMetricAlarm)."""


class Severity(StrEnum):
    """How soon somebody must look: `warning` in working hours, `critical` now; it decides which topic is notified."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class AlarmText:
    """What a description says: `meaning` in words, `runbook` a path in the repository or a URL (may be empty)."""

    meaning: str
    severity: Severity
    runbook: str


_TAIL = re.compile(r"\s*(?:severity:\s*(?P<severity>\w+)\s*;\s*)?runbook:\s*(?P<runbook>\S*)\s*$", re.IGNORECASE)


def format_description(text: AlarmText) -> str:
    """`meaning severity: warning; runbook: docs/...`; raises `ValueError` for what `parse_description` cannot read."""
    meaning = " ".join(text.meaning.split())
    description = f"{meaning} severity: {text.severity.value}; runbook: {text.runbook}".strip()
    if len(description) > MAX_CHARACTERS:
        raise ValueError(f"an alarm description holds {MAX_CHARACTERS} characters, this one has {len(description)}")
    if parse_description(description) != AlarmText(meaning, text.severity, text.runbook):
        raise ValueError(f"{text.runbook!r} is no runbook: a path or a URL without white space is needed")
    return description


def parse_description(description: str) -> AlarmText:
    """The inverse; an alarm that names no severity counts as critical: too loud beats too quiet."""
    found = _TAIL.search(description)
    if found is None:
        return AlarmText(description.strip(), Severity.CRITICAL, "")
    try:
        severity = Severity((found["severity"] or "").lower())
    except ValueError:
        severity = Severity.CRITICAL
    return AlarmText(description[: found.start()].strip(), severity, found["runbook"])
