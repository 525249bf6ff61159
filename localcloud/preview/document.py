"""The preview as one JSON document: what `cpaas-console preview --json` prints and every other form is made from.

`schema` changes when a reader would have to. Lists are sorted; texts are as the program has them, so whoever shows
them makes them safe.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from localcloud.costs import Estimate, Line, Usage, estimate
from localcloud.graph import RecordedGraph
from localcloud.policies import RULES, Examination, Finding, Waiver, examine
from localcloud.preview.changes import ResourceChange, changes
from localcloud.preview.grants import gained, grants, narrowed
from localcloud.preview.moves import carried_over
from localcloud.preview.names import Names, title
from localcloud.preview.words import Said, gains, losses, unreadable

SCHEMA = 1


def document(before: RecordedGraph, after: RecordedGraph, usage: Usage) -> dict[str, Any]:
    """What the step from `before` to `after` means, but for the revisions' names."""
    before = carried_over(before, after)
    titles = {item.urn: title(item) for graph in (before, after) for item in graph.registrations}
    return {
        "schema": SCHEMA,
        "resources": [_resource(each) for each in changes(before, after)],
        "permissions": _permissions(before, after),
        "policy": _policy(examine(before), examine(after), titles),
        "cost": _cost(estimate(before, usage), estimate(after, usage), usage, titles),
    }


def _resource(change: ResourceChange) -> dict[str, Any]:
    return {
        "change": change.change,
        "urn": change.urn,
        "type": change.type,
        "title": change.title,
        "replaces": change.replaces,
        "properties": [
            {"path": each.path, "before": each.before, "after": each.after, "replaces": each.replaces}
            for each in change.properties
        ],
    }


def _permissions(before: RecordedGraph, after: RecordedGraph) -> dict[str, Any]:
    old_names, new_names = Names(before), Names(after)
    old, new = grants(before, old_names), grants(after, new_names)
    wider, narrower = gained(old, new), gained(new, old)
    # A denial that comes or goes with its resource lets nobody in and keeps nobody out.
    lasting = [
        each for each in (*wider, *narrower) if old_names.knows(each.resource) and new_names.knows(each.resource)
    ]
    wider, narrower = ([each for each in group if each.allows or each in lasting] for group in (wider, narrower))
    came, went = unreadable(before, after)
    return {
        "gained": [_said(each) for each in came + gains(wider, narrower, new_names)],
        "lost": [_said(each) for each in went + losses(narrower, wider, old_names, narrowed(narrower, new))],
    }


def _said(said: Said) -> dict[str, Any]:
    return {
        "sentence": said.sentence,
        "principal": said.principal,
        "actions": list(said.actions),
        "resource": said.resource,
    }


def _policy(before: Examination, after: Examination, titles: dict[str, str]) -> dict[str, Any]:
    old = {(each.rule, each.urn, each.part) for each in before.findings}
    # What is waived now is told as a waiver.
    new = {(each.rule, each.urn, each.part) for each in after.findings}
    new |= {(each.rule, each.urn, each.part) for each in after.waived}
    return {
        "new": [_finding(each, titles) for each in after.findings if (each.rule, each.urn, each.part) not in old],
        "standing": [_finding(each, titles) for each in after.findings if (each.rule, each.urn, each.part) in old],
        "gone": [_finding(each, titles) for each in before.findings if (each.rule, each.urn, each.part) not in new],
        "waivers_new": [_waiver(each, titles) for each in after.waived if each not in before.waived],
        "waivers_gone": [_waiver(each, titles) for each in before.waived if each not in after.waived],
        "rules": len(RULES),
    }


def _finding(finding: Finding, titles: dict[str, str]) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "urn": finding.urn,
        "part": finding.part,
        "title": _title(finding, titles),
        "message": finding.message,
    }


def _waiver(waiver: Waiver, titles: dict[str, str]) -> dict[str, Any]:
    return {
        "rule": waiver.rule,
        "urn": waiver.urn,
        "part": waiver.part,
        "title": _title(waiver, titles),
        "reason": waiver.reason,
    }


def _title(about: Finding | Waiver, titles: dict[str, str]) -> str:
    named = titles.get(about.urn, about.urn)
    return f"{named} ({about.part})" if about.part else named


def _cost(before: Estimate, after: Estimate, usage: Usage, titles: dict[str, str]) -> dict[str, Any]:
    return {
        "currency": "USD",
        "region": "us-east-1",
        "free_tier": False,
        "infrastructure": {"before": _usd(before.infrastructure_usd), "after": _usd(after.infrastructure_usd)},
        "messages": {"before": _usd(before.messages_usd), "after": _usd(after.messages_usd)},
        "lines": _lines(before.infrastructure, after.infrastructure, titles),
        "message_lines": _lines(before.messages, after.messages, titles),
        "unpriced": list(after.unpriced),
        "usage": usage.to_mapping(),
    }


def _lines(before: Iterable[Line], after: Iterable[Line], titles: dict[str, str]) -> list[dict[str, Any]]:
    old = {(line.urn, line.service, line.item): line for line in before}
    new = {(line.urn, line.service, line.item): line for line in after}
    rows = []
    for key in old.keys() | new.keys():
        was, now = old.get(key), new.get(key)
        line = now or was
        assert line is not None
        rows.append(
            {
                "urn": line.urn,
                "subject": titles.get(line.urn, "the whole stack"),
                "service": line.service,
                "item": line.item,
                "before": _usd(was.usd) if was else 0.0,
                "after": _usd(now.usd) if now else 0.0,
                "quantity_before": was.quantity if was else 0.0,
                "quantity_after": now.quantity if now else 0.0,
                "unit": line.price.unit,
                "assumed": line.assumed,
                "source": line.price.source,
                "as_of": line.price.as_of,
                "confidence": line.price.confidence.value,
            }
        )
    return sorted(
        rows, key=lambda row: (-abs(row["after"] - row["before"]), row["service"], row["subject"], row["item"])
    )


def _usd(amount: Decimal) -> float:
    """US dollars with six digits: a single invocation costs less than a millionth, and nobody adds those up."""
    return round(float(amount), 6)
