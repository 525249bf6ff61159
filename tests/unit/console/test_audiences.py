"""Audiences from a file: what is refused before anything is sent, and the form that carries the file."""

from __future__ import annotations

import io
import json
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.audiences import make_order
from console.domain import ConsoleError
from console.sources.audience_api import FormBody
from lambdas.core.audience_lines import MAX_UPLOAD_BYTES, AudienceFormat
from lambdas.core.channels import Channel


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("customer_id,phone\n")
    return path


def test_an_order_says_what_the_api_takes(people: Path, tmp_path: Path) -> None:
    content = tmp_path / "content.json"
    content.write_text(json.dumps({"email": {"subject": "News"}}))
    order = make_order(people, "20", "hello", "sms", content)
    assert (order.format, order.size, order.channel) == (AudienceFormat.CSV, 18, Channel.SMS)
    assert order.document("a-1", dry_run=True) == {
        "audience_id": "a-1",
        "throughput_tps": 20.0,
        "body": "hello",
        "default_channel": "sms",
        "content": {"email": {"subject": "News"}},
        "dry_run": True,
    }
    assert make_order(people, 1).document("a-1", dry_run=False) == {"audience_id": "a-1", "throughput_tps": 1.0}


def test_a_file_is_known_by_its_ending(people: Path) -> None:
    for name, format in (("a.JSONL", AudienceFormat.JSONL), ("b.ndjson", AudienceFormat.JSONL)):
        assert make_order(people.rename(people.with_name(name)), 1).format is format
        people = people.with_name(name)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"recipients": "5"}, "give --recipients or --audience, not both"),
        ({"channels": "sms,email"}, "give one of sms, whatsapp, email"),
        ({"body": " "}, "the body is empty"),
        ({"tps": "0"}, "TPS is 0"),
        ({"path": "people.xlsx"}, "neither CSV nor JSON lines"),
        ({"path": "missing.csv"}, "cannot be read"),
        ({"path": "empty.csv"}, "is no file of 1 byte to 1000 MB"),
        ({"content": "people.csv"}, "cannot be read as JSON"),
        ({"content": "list.jsonl"}, "holds no JSON object"),
    ],
)
def test_what_is_wrong_with_an_order_is_told_with_its_remedy(people: Path, change: dict[str, str], says: str) -> None:
    people.with_name("empty.csv").touch()
    people.with_name("list.jsonl").write_text("[]")
    path = people.with_name(change.get("path", people.name))
    content = people.with_name(change["content"]) if "content" in change else None
    with pytest.raises(ConsoleError) as caught:
        make_order(
            path, change.get("tps", "1"), change.get("body"), change.get("channels"), content, change.get("recipients")
        )
    assert says in str(caught.value)


def test_more_than_the_form_takes_is_not_sent(people: Path) -> None:
    with people.open("r+b") as file:
        file.truncate(MAX_UPLOAD_BYTES + 1)
    with pytest.raises(ConsoleError, match="is no file of 1 byte to 1000 MB"):
        make_order(people, 1)


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from(["key", "policy", "x-amz-date"]), st.text("abc/=-", max_size=9)),
    st.binary(max_size=300),
    st.integers(1, 64),
)
def test_a_form_is_the_same_in_pieces_of_any_size(fields: dict[str, str], data: bytes, size: int) -> None:
    told: list[int] = []
    form = FormBody(fields, io.BytesIO(data), len(data), told.append)
    pieces = []
    while piece := form.read(size):
        assert len(piece) <= size
        pieces.append(piece)
    body = b"".join(pieces)
    assert len(body) == len(form)
    assert (told[-1] if told else 0) == len(data)
    whole = message_from_bytes(f"Content-Type: {form.content_type}\r\n\r\n".encode() + body, policy=policy.HTTP)
    found = {part.get_param("name", header="content-disposition"): part for part in whole.iter_parts()}
    assert {name: part.get_content().rstrip("\r\n") for name, part in found.items() if name != "file"} == fields
    assert list(found)[-1] == "file"
    assert b"\r\n\r\n" + data + b"\r\n--" in body


def test_a_file_that_shrinks_while_it_is_sent_is_noticed() -> None:
    form = FormBody({}, io.BytesIO(b"short"), 10, lambda sent: None)
    while form.read(64) != b"short":
        pass
    with pytest.raises(OSError, match="become shorter"):
        form.read(64)
