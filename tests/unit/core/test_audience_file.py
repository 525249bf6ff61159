"""Uploaded audiences: what each row becomes, under which line, and what makes the whole file be refused."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.audience_file import AudienceFile, AudienceTerms
from lambdas.core.audience_lines import MAX_LINE_BYTES, UTF8_MARK, AudienceError, AudienceFormat
from lambdas.core.campaign_request import Recipient
from lambdas.core.channels import Channel
from lambdas.core.content import Content
from lambdas.core.plan_row import ExcludedRow, Exclusion, Row

TERMS = AudienceTerms(dict.fromkeys(Channel, Content("hello {{ name }}", "news")))
SMS = AudienceTerms(TERMS.defaults, Channel.SMS)
HEADER = "customer_id,selected_channel,phone,name\n"
STRAY = "after a closing quote comes neither a comma nor the end of the line: double the quotes inside a cell"
MANY = ",".join(["customer_id", "selected_channel", "phone", *(f"v{number}" for number in range(101))])


def cut(data: bytes, size: int = 7) -> Iterator[bytes]:
    """The bytes in chunks that split lines and characters."""
    return (data[start : start + size] for start in range(0, len(data), size))


def read(text: str | bytes, terms: AudienceTerms = TERMS, format: AudienceFormat = AudienceFormat.CSV) -> list[Row]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(AudienceFile(cut(data), format, terms))


def refused(text: str | bytes, terms: AudienceTerms = TERMS) -> str:
    with pytest.raises(AudienceError) as caught:
        read(text, terms)
    return str(caught.value)


def problems(rows: Sequence[Row]) -> list[tuple[int, str]]:
    return [(row.row, row.detail) for row in rows if isinstance(row, ExcludedRow)]


def test_own_fields_are_the_recipients_and_every_other_column_is_a_variable() -> None:
    rows = read("phone,name,customer_id,selected_channel,city\n+14255550100,Ada,c-1,sms,\n")
    assert rows == [
        Recipient(2, "c-1", Channel.SMS, "+14255550100", TERMS.defaults[Channel.SMS], {"name": "Ada"}),
    ]


def test_rows_are_named_by_the_line_on_which_they_begin() -> None:
    rows = read(HEADER + '1,sms,+1,"A\nB"\n\n2,sms,+1,x\n,,,\n3,fax,+1,x\n"4",sms,+1,"say ""hi"""')
    assert [row.row for row in rows] == [2, 5, 7, 8]
    assert isinstance(rows[0], Recipient)
    assert rows[0].variables == {"name": "A\nB"}
    assert isinstance(rows[3], Recipient)
    assert rows[3].variables == {"name": 'say "hi"'}
    assert problems(rows) == [(7, "selected_channel must be one of sms, whatsapp, email")]


def test_marks_and_line_ends_of_any_system_are_read() -> None:
    plain = read(HEADER + "1,sms,+1,Zoë\n")
    assert read(UTF8_MARK + (HEADER + "1,sms,+1,Zoë\n").replace("\n", "\r\n").encode()) == plain
    assert read((HEADER + "1,sms,+1,Zoë").encode()) == plain


def test_a_row_that_cannot_be_read_leaves_the_others_alone() -> None:
    rows = read(HEADER + '1,sms\n2,sms,+1,"a"b\n3,sms,+1,a\0b\n4,sms,+1,a\rb\n5,sms,+1,x\n')
    assert problems(rows) == [
        (2, "it has 2 cells, and the header has 4 columns"),
        (3, f"line 3: {STRAY}"),
        (4, "it holds a NUL character"),
        (5, "line 5: a carriage return stands in the middle of a line: end lines in LF or CR LF"),
    ]
    assert [row.row for row in rows] == [2, 3, 4, 5, 6]


def test_a_line_that_is_too_long_is_skipped_unread() -> None:
    rows = read(HEADER + "1,sms,+1," + "x" * MAX_LINE_BYTES + "\n2,sms,+1,x\n")
    assert problems(rows) == [(2, f"the line has {MAX_LINE_BYTES + 10} bytes, more than {MAX_LINE_BYTES}")]
    assert [row.row for row in rows] == [2, 3]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty: its first line must name the columns"),
        (HEADER.replace("name", "phone"), "two columns are called 'phone': rename or remove one"),
        ("customer_id,selected_channel,phone,first name\n", "has no name that a text can use"),
        ("customer_id,phone,\n", "column '' has no name"),
        ("phone,selected_channel\n", "the file has no column customer_id; it has phone, selected_channel"),
        ("customer_id,selected_channel,name\n", "the file has no column phone or email"),
        ("customer_id,phone\n", "name a default_channel in the campaign"),
        ("customer_id;selected_channel;phone\n", "the columns are separated by ';': save the file with commas"),
        ("customer_id\tphone\n", "separated by '\\t'"),
        ("a" * (MAX_LINE_BYTES + 1), "the first line, which must name the columns, cannot be read: the line has"),
        ("customer_id\rphone\r", "a carriage return stands in the middle of a line"),
        (MANY, "may have 100 variables"),
        (b"PK\x03\x04\x14", "is a spreadsheet or another zip file: save it as 'CSV UTF-8'"),
        (b"\x1f\x8b\x08", "is compressed: upload it unpacked"),
        (HEADER.encode("utf-16"), "is UTF-16"),
        (HEADER.encode() + "1,sms,+1,Zoë\n".encode("cp1252"), "line 2 is not UTF-8 (byte 0xeb at column 12)"),
        (HEADER + '1,sms,+1,"never closed\n2,sms,+1,x\n', "line 2 opens a quote that is not closed"),
        (HEADER + '1,sms,+1,"' + "x\n" * 2_000 + '"\n', "line 2 opens a quote that is not closed"),
        (
            "customer_id,selected_channel,phone,town\n1,sms,+1,x\n",
            "the campaign's sms text uses {{ name }}, and the file has no such column; it has customer_id, ",
        ),
    ],
)  # fmt: skip
def test_what_makes_all_rows_doubtful_refuses_the_file_in_one_sentence(text: str | bytes, says: str) -> None:
    assert says in refused(text)


def test_a_default_channel_stands_in_for_a_column() -> None:
    (row,) = read("customer_id,phone,name\n1,+1,x\n", SMS)
    assert isinstance(row, Recipient)
    assert row.channel is Channel.SMS
    assert "no column phone" in refused("customer_id,email,name\n1,a@example.com,x\n", SMS)


def test_a_row_may_name_several_channels_whatever_the_default_is() -> None:
    text = "customer_id,channels,phone,email,name\nc-1,sms email,+14255550100,ada@example.com,Ada\n"
    for terms in (TERMS, SMS):
        (row,) = read(text, terms)
        assert isinstance(row, Recipient)
        assert [choice.channel for choice in row.choices] == [Channel.SMS, Channel.EMAIL]
    (row,) = read(text.replace("sms email", "sms fax"))
    assert isinstance(row, ExcludedRow)
    assert "channels must be a list of different channels" in row.detail


def test_a_row_with_a_text_of_its_own_needs_no_column_of_the_campaigns_text() -> None:
    (row,) = read("customer_id,phone,body\n1,+1,hello\n", SMS)
    assert isinstance(row, Recipient)
    assert row.content.body == "hello"


def test_json_lines_are_recipients_as_a_request_has_them() -> None:
    user = {"customer_id": "1", "selected_channel": "sms", "phone": "+1", "variables": {"name": "Ada"}}
    lines = [
        json.dumps(user),
        "",
        "[]",
        "{",
        json.dumps({**user, "customer_id": 7}),
        "[" * 5_000,
        "\0",
        json.dumps(user),
    ]
    rows = read("\n".join(lines), format=AudienceFormat.JSONL)
    assert problems(rows) == [
        (3, "it is not a JSON object"),
        (4, "it is not a JSON value"),
        (5, "customer_id must be text of 1-128 characters"),
        (6, "it is not a JSON value"),
        (7, "it is not a JSON value"),
    ]
    assert [row.row for row in rows] == [1, 3, 4, 5, 6, 7, 8]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)


@given(
    st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=12), st.integers(1, 40), st.sampled_from(["\n", "\r\n"])
)
def test_what_a_spreadsheet_writes_is_read_as_it_was(table: list[list[str]], size: int, end: str) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows([["customer_id", "phone", "name", "body"], *table])
    rows = list(AudienceFile(cut(out.getvalue().encode(), size), AudienceFormat.CSV, SMS))
    expected = [cells for cells in table if any(cells)]
    assert len(rows) == len(expected)
    for row, (customer_id, phone, name, _) in zip(rows, expected, strict=True):
        assert row.customer_id == customer_id[:128]
        if isinstance(row, Recipient):
            assert (row.address, row.variables) == (phone, {"name": name} if name else {})


TOKENS = (
    *(b"1", b",", b'"', b"\n", b"\r\n", b"\r", b"\0", b"sms", b"+14255550100", b"\xff", "ë".encode(), b"{", b"}"),
    *(b":", b"[", b"customer_id", b"  ", UTF8_MARK, b"\\ud800"),
)
WILD = st.lists(st.sampled_from(TOKENS), max_size=60).map(b"".join)


@given(WILD, st.sampled_from(list(AudienceFormat)), st.booleans(), st.integers(1, 9))
def test_whatever_is_uploaded_every_row_is_told_or_the_file_refused(
    data: bytes, format: AudienceFormat, headed: bool, size: int
) -> None:
    if headed and format is AudienceFormat.CSV:
        data = HEADER.encode() + data
    reader = AudienceFile(cut(data, size), format, TERMS)
    last, sentence = 0, ""
    try:
        for row in reader:
            assert last < row.row <= reader.position.line
            last = row.row
    except AudienceError as error:
        sentence = str(error)
    assert reader.position.offset == len(data) or 0 < len(sentence) < 2_000


LINES = st.sampled_from(["1,sms,+1,x\n", '2,sms,+1,"a\nb"\r\n', "broken\n", "\n", '3,sms,+1,"x"y\n'])


@given(st.lists(LINES, max_size=20), st.integers(0, 20))
def test_another_process_goes_on_where_one_stopped(lines: list[str], stop: int) -> None:
    data = (HEADER + "".join(lines)).encode()
    whole = list(AudienceFile(cut(data), AudienceFormat.CSV, TERMS))
    first = AudienceFile(cut(data), AudienceFormat.CSV, TERMS)
    rows = list(itertools.islice(first, stop))
    at = first.position
    rest = AudienceFile(cut(data[at.offset :]), AudienceFormat.CSV, TERMS, start=at, columns=first.columns)
    assert [*rows, *rest] == whole


def test_the_reason_is_that_the_row_is_invalid() -> None:
    (row,) = read(HEADER + "1,sms\n")
    assert row == ExcludedRow(2, Exclusion.INVALID_ROW, "it has 2 cells, and the header has 4 columns")
