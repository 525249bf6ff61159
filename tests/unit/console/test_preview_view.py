"""A preview on a terminal and in a comment: complete, bounded, and harmless whatever the program is called."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import cli, previews
from console.domain import ConsoleError
from console.exit_codes import ExitCode
from console.view import preview as view

DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "project": "shop",
    "stack": "dev",
    "head": {"revision": "a" * 40, "what": "the work tree"},
    "against": {"revision": "b" * 40, "what": "main"},
    "resources": [
        {"change": "added", "title": "table shop-x-dev", "replaces": False, "properties": []},
        {
            "change": "changed",
            "title": "queue shop-y-dev",
            "replaces": True,
            "properties": [
                {"path": "name", "before": "a", "after": "b", "replaces": True},
                {"path": "code/a.py", "before": "", "after": "other content", "replaces": False},
                {"path": "gone", "before": "x", "after": "", "replaces": False},
            ],
        },
        {"change": "removed", "title": "topic shop-z-dev", "replaces": False, "properties": []},
    ],
    "permissions": {
        "gained": [{"sentence": "worker may now read items in table shop-x-dev"}],
        "lost": [{"sentence": "worker may no longer send messages into queue shop-y-dev"}],
    },
    "policy": {
        "new": [{"rule": "queue-tls", "severity": "mandatory", "title": "queue q", "message": "is open; close it"}],
        "standing": [],
        "gone": [{"rule": "tags", "severity": "mandatory", "title": "table t", "message": "lacks tags"}],
        "waivers_new": [{"rule": "resource-star", "title": "role policy p", "reason": "there is no resource"}],
        "waivers_gone": [],
        "rules": 42,
    },
    "cost": {
        "infrastructure": {"before": 10.0, "after": 12.5},
        "messages": {"before": 1000.0, "after": 1000.0},
        "lines": [
            {
                "subject": "table shop-x-dev",
                "service": "DynamoDB",
                "item": "storage",
                "before": 0.0,
                "after": 2.5,
                "assumed": True,
                "confidence": "guess",
            }
        ],
        "message_lines": [],
        "unpriced": ["aws:new/thing:Thing"],
        "usage": {"sms_messages": 100000.0, "parts_per_sms": 1.2},
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The document with one value replaced."""
    document = copy.deepcopy(DOCUMENT)
    *parents, last = path.split(".")
    place: Any = document
    for name in parents:
        place = place[int(name) if name.isdigit() else name]
    place[int(last) if last.isdigit() else last] = value
    return document


def test_the_text_says_everything() -> None:
    assert view.text(previews.read(DOCUMENT)).splitlines() == [
        "shop/dev: aaaaaaaaaa (the work tree) against bbbbbbbbbb (main)",
        "1 added, 1 changed, 1 removed, 1 of them replaced; 1 right gained, 1 lost; 1",
        "policy finding; monthly cost $10.00 -> $12.50 (+$2.5000)",
        "",
        "Policy",
        "! new: queue-tls (mandatory): queue q is open; close it",
        "+ gone: tags (mandatory): table t lacks tags",
        "~ new waiver of resource-star for role policy p: there is no resource",
        "",
        "Permissions",
        "+ worker may now read items in table shop-x-dev",
        "- worker may no longer send messages into queue shop-y-dev",
        "",
        "Cost a month",
        "  infrastructure $10.00 -> $12.50 (+$2.5000)",
        "  + table shop-x-dev: DynamoDB storage $0.00 -> $2.5000 (+$2.5000) (use assumed,",
        "      price is a guess)",
        "  fees of messages $1,000.00, unchanged",
        "! no price is known for aws:new/thing:Thing",
        "  list prices in us-east-1; no free tier is taken off",
        "",
        "Resources",
        "+ table shop-x-dev",
        "~ queue shop-y-dev (replaces it)",
        "- topic shop-z-dev",
        "",
        "Properties",
        "~ queue shop-y-dev",
        "    name: a -> b (replaces)",
        "    code/a.py: other content",
        "    gone: x -> (none)",
        "",
        "Assumed use in a month",
        "  parts per sms 1.2, sms messages 100,000",
    ]


def test_the_comment_can_be_found_again() -> None:
    assert view.markdown(previews.read(DOCUMENT)).startswith("<!-- cpaas-preview shop/dev -->\n")
    assert view.marker(previews.read(changed("stack", "--><script>"))) == "<!-- cpaas-preview shop/--script -->"


def test_a_comment_too_long_loses_whole_sections_from_the_least_important_end() -> None:
    many = [{"path": f"p{index}", "before": "x" * 500, "after": "y" * 500, "replaces": False} for index in range(200)]
    comment = view.markdown(previews.read(changed("resources.1.properties", many)))
    assert len(comment) <= view.MARKDOWN_LIMIT
    assert "### Properties" not in comment
    assert "Too long for a comment: properties (201 lines)" in comment
    assert all(heading in comment for heading in ("### Policy", "### Permissions", "### Cost", "### Resources"))


def test_no_comment_is_longer_than_its_limit() -> None:
    endless = [{"sentence": f"{index} {'word ' * 100}"} for index in range(5000)]
    comment = view.markdown(previews.read(changed("permissions.gained", endless)))
    assert len(comment) <= view.MARKDOWN_LIMIT
    assert "permissions (5001 lines)" in comment


HOSTILE = st.text(
    alphabet=st.sampled_from("`~@#<>[]()!*_|\\\n\r\t\x1b\x07\x9b\u202e\u2028\ud800 ab-+/:.") | st.characters(),
    max_size=60,
)
TEXT_PLACES = (
    "project",
    "stack",
    "head.what",
    "against.revision",
    "resources.0.title",
    "resources.1.properties.0.path",
    "resources.1.properties.0.after",
    "permissions.gained.0.sentence",
    "policy.new.0.message",
    "policy.waivers_new.0.reason",
    "cost.lines.0.subject",
    "cost.unpriced.0",
)


@given(st.sampled_from(TEXT_PLACES), HOSTILE)
def test_hostile_text_neither_leaves_its_fence_nor_drives_a_terminal(place: str, text: str) -> None:
    preview = previews.read(changed(place, text))
    comment = view.markdown(preview)
    for shown in (comment, view.text(preview)):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    head, fenced = outside_and_inside_fences(comment)
    assert len(fenced) == 6
    # Outside of fences only headings and code spans: nothing of the text stands free.
    free = "\n".join(re.sub(r"`[^`\n]*`", "", line) for line in head if not line.startswith("<!--"))
    assert not re.search(r"[@\[\]|\\]|https?:|<(?!!--)", free), free


def outside_and_inside_fences(comment: str) -> tuple[list[str], list[list[str]]]:
    """Lines as a markdown reader sees them (CommonMark, "Fenced code blocks"): free ones, and those of each fence."""
    free: list[str] = []
    fences: list[list[str]] = []
    closing = 0
    for line in comment.splitlines():
        run = re.match(r" {0,3}(`{3,})(.*)\Z", line)
        if closing == 0 and run:
            closing = len(run[1])
            fences.append([])
        elif closing and run and len(run[1]) >= closing and not run[2].strip():
            closing = 0
        elif closing:
            fences[-1].append(line)
        else:
            free.append(line)
    assert closing == 0, "a fence is open at the end"
    return free, fences


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", 2),
        ("resources", {}),
        ("resources.0.change", "renamed"),
        ("resources.0.title", 7),
        ("cost.infrastructure.after", "much"),
        ("cost.infrastructure.after", float("nan")),
        ("permissions.gained", [{}]),
        ("policy", None),
        ("head", []),
        ("permissions.lost", [{"sentence": "x"}] * 5001),
    ],
)
def test_what_is_no_preview_is_one_sentence(path: str, value: Any) -> None:
    with pytest.raises(ConsoleError, match="this is no preview of this version") as caught:
        previews.read(changed(path, value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("document", [None, [], "x", 7, {}])
def test_what_is_nothing_at_all_is_refused(document: Any) -> None:
    with pytest.raises(ConsoleError):
        previews.read(document)


def test_a_saved_document_is_shown_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "preview.json"
    file.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    assert cli.main(["preview", "--from", str(file), "--json"]) == ExitCode.FAILED  # it has a finding
    assert json.loads(capsys.readouterr().out) == DOCUMENT
    clean = changed("policy.new", [])
    file.write_text(json.dumps(clean), encoding="utf-8")
    assert cli.main(["preview", "--from", str(file), "--markdown"]) == ExitCode.OK
    assert capsys.readouterr().out == view.markdown(previews.read(clean))


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_broken_file_is_one_sentence(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "preview.json"
    file.write_bytes(content)
    assert cli.main(["preview", "--from", str(file)]) == ExitCode.CANNOT
    assert capsys.readouterr().err.count("\n") == 1
