"""Inputs shaped by botocore's models, and the memory of which inputs were read."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import botocore.session
import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.graph import ProgramError
from localcloud.provision.archive import zipped
from localcloud.provision.fit import Inputs, fit
from localcloud.provision.names import physical_name

SESSION = botocore.session.Session()


def shape(service: str, operation: str) -> Any:
    return SESSION.get_service_model(service).operation_model(operation).input_shape


def test_names_match_across_case_underscores_and_number() -> None:
    inputs = {"batchSize": 10, "function_name": "f", "scalingConfig": {"maximumConcurrency": 2.0}, "unknown": 1}
    assert fit(shape("lambda", "CreateEventSourceMapping"), inputs) == {
        "BatchSize": 10,
        "FunctionName": "f",
        "ScalingConfig": {"MaximumConcurrency": 2},
    }


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("dynamodb", "CreateTable", [{"Key": "team", "Value": "x"}]),
        ("kms", "CreateKey", [{"TagKey": "team", "TagValue": "x"}]),
        ("lambda", "CreateFunction", {"team": "x"}),
    ],
)
def test_tags_take_the_form_of_the_service(service: str, operation: str, expected: object) -> None:
    assert fit(shape(service, operation), {"tags": {"team": "x"}}) == {"Tags": expected}


def test_a_named_member_is_taken_from_its_input_at_any_depth() -> None:
    fitted = fit(
        shape("dynamodb", "CreateTable"),
        {"attributes": [{"name": "pk", "type": "S"}]},
        {"AttributeDefinitions": "attributes", "AttributeName": "name", "AttributeType": "type"},
    )
    assert fitted == {"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]}


def test_dimensions_documents_booleans_and_numbers_are_converted() -> None:
    alarm = fit(shape("cloudwatch", "PutMetricAlarm"), {"dimensions": {"Queue": "q"}, "threshold": 1, "period": 60.0})
    assert alarm == {"Dimensions": [{"Name": "Queue", "Value": "q"}], "Threshold": 1.0, "Period": 60}
    assert isinstance(alarm["Threshold"], float)
    assert isinstance(alarm["Period"], int)
    role = fit(shape("iam", "CreateRole"), {"assumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}})
    assert role == {"AssumeRolePolicyDocument": '{"Version":"2012-10-17","Statement":[]}'}
    assert fit(shape("lambda", "CreateFunction"), {"publish": "true"}) == {"Publish": True}


@pytest.mark.parametrize(
    ("operation", "inputs", "word"),
    [
        ("CreateFunction", {"timeout": 1.5}, "whole numbers"),
        ("CreateFunction", {"publish": "perhaps"}, "true or false"),
        ("CreateFunction", {"loggingConfig": "Text"}, "is an object"),
    ],
)
def test_a_value_without_the_right_form_is_refused(operation: str, inputs: dict[str, object], word: str) -> None:
    with pytest.raises(ProgramError, match=word):
        fit(shape("lambda", operation), inputs)


def test_a_single_object_fits_where_aws_wants_a_list_and_the_other_way_round() -> None:
    controls = fit(
        shape("s3", "PutBucketOwnershipControls"),
        {"bucket": "b", "ownershipControls": {"rule": {"objectOwnership": "BucketOwnerEnforced"}}},
    )
    assert controls["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert fit(shape("lambda", "CreateFunction"), {"environment": [{"variables": {"A": 1}}]}) == {
        "Environment": {"Variables": {"A": "1"}}
    }


def test_inputs_tell_what_was_not_read_at_any_depth() -> None:
    inputs = Inputs({"a": 1, "b": {"c": 1, "d": {"e": 2}}, "l": [{"x": 1, "y": 2}], "tags": {"k": "v"}, "n": {"m": 1}})
    assert inputs.unread() == ["a", "b", "l", "tags", "n"]
    assert inputs["b"]["d"].get("absent") is None
    assert inputs["l"][0]["x"] == 1
    assert dict(inputs["tags"].items()) == {"k": "v"}
    assert "a" in inputs
    assert inputs.unread() == ["a", "b.c", "b.d.e", "l[0].y", "n"]


def test_fitting_counts_as_reading_only_what_it_passed_on() -> None:
    inputs = Inputs({"functionName": "f", "batchSize": 1, "timeouts": {"create": "1m"}})
    fit(shape("lambda", "CreateEventSourceMapping"), inputs)
    assert inputs.unread() == ["timeouts"]


nested = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner, max_size=3)
)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=2), nested, max_size=4))
def test_reading_everything_leaves_nothing_unread(values: dict[str, Any]) -> None:
    inputs = Inputs(values)

    def read(level: Inputs) -> None:
        for value in level.values():
            if isinstance(value, Inputs):
                read(value)

    assert inputs == values
    read(inputs)
    assert inputs.unread() == []


def test_auto_names_are_stable_and_fit_the_service() -> None:
    assert physical_name("queue", "urn:a") == physical_name("queue", "urn:a") != physical_name("queue", "urn:b")
    assert len(physical_name("x" * 200, "urn:a", longest=64)) == 64


def test_zips_depend_on_content_alone(tmp_path: Path) -> None:
    source = tmp_path / "handler.py"
    source.write_text("print(1)")

    def archive(order: list[str]) -> pulumi.AssetArchive:
        parts = {"pkg/handler.py": pulumi.FileAsset(str(source)), "note.txt": pulumi.StringAsset("hi")}
        return pulumi.AssetArchive({name: parts[name] for name in order})

    first = zipped(archive(["pkg/handler.py", "note.txt"]))
    source.touch()
    source.chmod(0o755)
    assert zipped(archive(["note.txt", "pkg/handler.py"])) == first
    with zipfile.ZipFile(io.BytesIO(first)) as read:
        assert {name: read.read(name) for name in read.namelist()} == {"note.txt": b"hi", "pkg/handler.py": b"print(1)"}
    source.write_text("print(2)")
    assert zipped(archive(["note.txt", "pkg/handler.py"])) != first


def test_a_directory_keeps_its_tree_and_a_ready_zip_passes_unchanged(tmp_path: Path) -> None:
    folder = tmp_path / "layer" / "python"
    folder.mkdir(parents=True)
    (folder / "lib.py").write_text("x = 1")
    packed = zipped(pulumi.FileArchive(str(tmp_path / "layer")))
    with zipfile.ZipFile(io.BytesIO(packed)) as read:
        assert read.namelist() == ["python/lib.py"]
    ready = tmp_path / "ready.zip"
    ready.write_bytes(packed)
    assert zipped(pulumi.FileArchive(str(ready))) == packed


def test_an_absent_archive_names_the_path_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"absent does not exist; build it first \(make build\)"):
        zipped(pulumi.FileArchive(str(tmp_path / "absent")))
