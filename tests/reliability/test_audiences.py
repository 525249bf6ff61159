"""Uploaded audiences at full size: fuzzed files and texts, and a gigabyte planned in the memory that is promised."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambdas.core.addresses import Destination
from lambdas.core.audience_file import AudienceFile, AudienceTerms
from lambdas.core.audience_lines import MAX_UPLOAD_BYTES, AudienceError, AudienceFormat
from lambdas.core.campaign_request import Recipient
from lambdas.core.channels import Channel
from lambdas.core.content import Content, parse_content
from lambdas.core.plan_row import ExcludedRow, render
from lambdas.core.planned_row import PlannedRow

FILES = 10_000
TEXTS = 100_000
MEMORY_MB = 64
PIECES = (
    *("1", ",", '"', "\n", "\r\n", "\r", "\0", "sms", "+14255550100", "ë", "{", "}"),
    *("\ufeff", "\U0001f600", "=1+1", ""),
)
BROKEN = ("short\n", "c,fax,+1,,x\n", ',sms,+1,,"x"\n', 'c,sms,+1,,"x"y\n')
TOKENS = (
    *("{{", "}}", "{", "}", " ", "name", "{{ name }}", "{{name}}", "{{ town }}", "\n", "<b>"),
    *("ë", "\U0001f600", "\0"),
)
HEADER = "customer_id,selected_channel,phone,email,name\n"
TERMS = AudienceTerms(dict.fromkeys(Channel, Content("hello", "news")))


def cut(data: bytes, random_: random.Random) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = start + random_.randint(1, 40)
        yield data[start:end]
        start = end


def test_fuzzed_files_crash_nothing_and_every_line_is_told() -> None:
    random_ = random.Random(16)
    refused = 0
    for _ in range(FILES):
        text = "".join(random_.choice(PIECES) for _ in range(random_.randint(0, 80)))
        data = bytearray((HEADER + text).encode())
        for _ in range(random_.randint(0, 2) * random_.randint(0, 1)):
            data[random_.randrange(len(data))] = random_.randrange(256)
        format = random_.choice(list(AudienceFormat))
        rows = AudienceFile(cut(bytes(data), random_), format, TERMS)
        places, sentence = [], ""
        try:
            places = [row.row for row in rows]
        except AudienceError as error:
            sentence = str(error)
        refused += bool(sentence)
        assert places == sorted(set(places))
        assert sentence or rows.position.offset == len(data)
    assert 0 < refused < FILES


def test_rows_that_are_broken_are_found_at_exactly_their_lines() -> None:
    """Files whose rows are known: the lines of the broken ones, and of no others, are told."""
    random_ = random.Random(17)
    for _ in range(FILES // 10):
        out = io.StringIO()
        broken, line = [], 2
        for row in range(random_.randint(1, 40)):
            name = random_.choice(["Ada", 'quoted "x"', "two\nlines", "a,b"])
            if random_.random() < 0.3:
                broken.append(line)
                out.write(random_.choice(BROKEN))
                line += 1
                continue
            csv.writer(out, lineterminator="\n").writerow([f"c-{row}", "sms", "+1", "", name])
            line += 1 + name.count("\n")
        rows = AudienceFile(cut((HEADER + out.getvalue()).encode(), random_), AudienceFormat.CSV, TERMS)
        assert [row.row for row in rows if isinstance(row, ExcludedRow)] == broken


def test_fuzzed_texts_are_refused_or_rendered_whole() -> None:
    random_ = random.Random(18)
    variables = {"name": "{{ town }}\\1<&>", "unused": "x"}
    rendered = 0
    for _ in range(TEXTS):
        text = "".join(random_.choice(TOKENS) for _ in range(random_.randint(0, 12)))
        problems: list[str] = []
        content = parse_content({"body": text, "subject": text, "html": text}, "", problems)
        if content is None:
            assert problems
            continue
        channel = random_.choice(list(Channel))
        address = "a@example.com" if channel is Channel.EMAIL else "+14255550100"
        outcome = render(Recipient(0, "c", channel, address, content, variables), Destination(address, "US"), 0, None)
        if isinstance(outcome, PlannedRow):
            rendered += 1
            literal = re.split(r"\{\{\s*(\w+)\s*\}\}", text)
            literal[1::2] = [variables[name] for name in literal[1::2]]
            assert outcome.content.body == "".join(literal)
            assert json.loads(json.dumps(outcome.to_json()))["parts"] >= 1
    assert rendered > TEXTS // 100


@pytest.mark.timeout(900)
def test_a_gigabyte_is_planned_in_the_promised_memory(tmp_path: Path) -> None:
    path = tmp_path / "audience.csv"
    note = "".join(random.Random(19).choices(string.ascii_letters, k=900))
    with path.open("w") as file:
        file.write("customer_id,phone,name,note\n")
        for row in range(1_000_000):
            file.write(f"c-{row:07d},+1425{2_000_000 + row % 999_000:07d},Ada {row},{note}\n")
    assert 0.9e9 < path.stat().st_size < MAX_UPLOAD_BYTES
    command = [sys.executable, "-m", "tests.support.plan_in_memory", str(path), "400"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=850, check=True)
    found = json.loads(done.stdout)
    assert (found["recipients"], found["excluded"]) == (999_000, 1_000)
    assert found["invocations"] > 1
    assert found["over_base_mb"] <= MEMORY_MB
