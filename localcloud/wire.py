"""AWS's wire protocols from the server's side, driven by botocore's service models.

A request is decoded and checked against its operation's input shape, an answer or a typed error encoded by its output
shape. Protocols: `json` (operation named by X-Amz-Target) and `rest-json` (operation named by method and path).
"""

from __future__ import annotations

import base64
import binascii
import calendar
import datetime
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import botocore.loaders
import botocore.model
import botocore.validate
from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

_INVALID = "ValidationException"
"""What most services call a request that breaks their model; some (SES) call it BadRequestException."""


_NOT_ALLOWED = (
    "AccessDenied", "ExpiredToken", "IncompleteSignature", "InvalidClientTokenId", "InvalidToken",
    "MissingAuthenticationToken", "RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClient",
    "UnsupportedSignature",
)  # fmt: skip
"""Beginnings of IAM's codes for callers that may not do a thing, or did not prove who they are."""


class ServiceError(Exception):
    """An error of a service's model, for the caller: `code` is its shape's name, `members` the shape's members."""

    def __init__(self, code: str, message: str, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.members = members


@dataclass(frozen=True, slots=True)
class Request:
    """A decoded call: the operation's name and its parameters as boto3 would take them."""

    operation: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back: HTTP status, headers and body."""

    status: int
    headers: dict[str, str]
    body: bytes
    operation: str = field(default="", compare=False)


class Service:
    """The server's side of one AWS service, for example `pinpoint-sms-voice-v2`."""

    def __init__(self, name: str) -> None:
        model = _loader().load_service_model(name, "service-2")
        self._model = ServiceModel(model, name)
        self._rest = self._model.metadata["protocol"] == "rest-json"
        self._routes = [self._route(self._model.operation_model(op)) for op in self._model.operation_names]
        self._validator = botocore.validate.ParamValidator()
        errors = {shape.name for shape in self._model.error_shapes}
        self._invalid = _INVALID if _INVALID in errors or "BadRequestException" not in errors else "BadRequestException"

    @property
    def signing_name(self) -> str:
        """The service part of a SigV4 credential scope; also the prefix of its IAM actions here."""
        return str(self._model.signing_name)

    def operation_of(self, method: str, path: str, headers: Mapping[str, str]) -> str:
        """The operation a request names; raises `ServiceError` when it names none."""
        if self._rest:
            for verb, pattern, name in self._routes:
                if verb == method and pattern.fullmatch(path):
                    return name
            raise ServiceError("UnknownOperationException", f"no operation answers {method} {path}")
        prefix, _, name = headers.get("x-amz-target", "").partition(".")
        if prefix != self._model.metadata["targetPrefix"] or name not in self._model.operation_names:
            raise ServiceError("UnknownOperationException", f"unknown operation {headers.get('x-amz-target', '')!r}")
        return name

    def decode(self, operation: str, path: str, query: Mapping[str, list[str]], body: bytes) -> Request:
        """The call's parameters, checked against the model; raises `ServiceError`."""
        model = self._model.operation_model(operation)
        try:
            given = json.loads(body) if body else {}
        except ValueError as error:
            raise ServiceError("SerializationException", "the body is not JSON") from error
        if not isinstance(given, dict):
            raise ServiceError("SerializationException", "the body is not a JSON object")
        shape = model.input_shape
        if shape is None:
            return Request(operation, {})
        if self._rest:
            given = {**given, **self._from_uri(model, shape, path, query)}
        params = _decoded(shape, given, "")
        self._check(shape, params)
        return Request(operation, params)

    def encode(self, operation: str, answer: Mapping[str, Any]) -> Response:
        """A successful answer."""
        model = self._model.operation_model(operation)
        body = _encoded(model.output_shape, answer) if model.output_shape is not None else {}
        status = int(model.http.get("responseCode", 200))
        return Response(status, self._headers(), json.dumps(body).encode(), operation)

    def encode_error(self, error: ServiceError, operation: str = "") -> Response:
        """A typed error; the status is the model's, 400 when it names none."""
        shape = next((s for s in self._model.error_shapes if s.name == error.code), None)
        members = {} if shape is None else shape.members
        name = next((name for name in members if name.lower() == "message"), "message")
        body: dict[str, Any] = {"__type": error.code, name: error.message}
        if shape is not None:
            body.update(_encoded(shape, {**error.members, name: error.message}))
        headers = {**self._headers(), "x-amzn-ErrorType": error.code}
        return Response(
            _error_status(error.code, shape, rest=self._rest), headers, json.dumps(body).encode(), operation
        )

    def _headers(self) -> dict[str, str]:
        version = self._model.metadata.get("jsonVersion")
        return {"Content-Type": "application/json" if self._rest else f"application/x-amz-json-{version}"}

    @staticmethod
    def _route(model: OperationModel) -> tuple[str, re.Pattern[str], str]:
        path = re.split(r"\?", model.http.get("requestUri", "/"))[0]
        parts = re.split(r"\{([A-Za-z0-9]+)(\+?)\}", path)
        pattern = re.escape(parts[0])
        for name, greedy, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
            pattern += f"(?P<{name}>{'.+' if greedy else '[^/]+'})" + re.escape(text)
        return model.http.get("method", "POST"), re.compile(pattern), model.name

    def _from_uri(
        self, model: OperationModel, shape: StructureShape, path: str, query: Mapping[str, list[str]]
    ) -> dict[str, Any]:
        _, pattern, _ = self._route(model)
        match = pattern.fullmatch(path)
        found: dict[str, Any] = {}
        for name, member in shape.members.items():
            location, wire_name = member.serialization.get("location"), member.serialization.get("name", name)
            if location == "uri" and match is not None:
                found[name] = unquote(match.group(wire_name))
            elif location == "querystring" and wire_name in query:
                values: Any = query[wire_name]
                found[name] = values if member.type_name == "list" else _scalar(member, values[0])
        return found

    def _check(self, shape: StructureShape, params: dict[str, Any]) -> None:
        report = self._validator.validate(params, shape)
        if report.has_errors():
            raise ServiceError(self._invalid, report.generate_report(), **_reason(_field(report)))
        problem = _violation(shape, params, "")
        if problem is not None:
            name, text = problem
            message = f"1 validation error detected: Value at '{name}' failed to satisfy constraint: {text}"
            raise ServiceError(self._invalid, message, **_reason(name, text))


def _reason(name: str, text: str = "") -> dict[str, Any]:
    return {
        "Reason": "FIELD_VALIDATION_FAILED",
        "Fields": [{"Name": name, "Message": text or "the field is missing or has the wrong type"}],
    }


def _field(report: Any) -> str:
    """The field that botocore's report names first."""
    found = re.search(r"(?:parameter in input: |for parameter )\"?([\w.\[\]]+)", report.generate_report())
    return found.group(1).rstrip(",") if found else "input"


@functools.cache
def _loader() -> Any:
    return botocore.loaders.create_loader()


def _error_status(code: str, shape: StructureShape | None, *, rest: bool) -> int:
    declared = (shape.metadata.get("error") or {}).get("httpStatusCode") if shape is not None else None
    if declared:
        return int(declared)
    if rest and code.startswith(_NOT_ALLOWED):
        return 403
    return 500 if code.startswith("Internal") else 400


def _scalar(shape: Shape, text: str) -> Any:
    if shape.type_name in ("integer", "long"):
        return int(text) if re.fullmatch(r"-?[0-9]+", text) else text
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text


def _wire_name(name: str, member: Shape) -> str:
    return str(member.serialization.get("name", name))


def _decoded(shape: Shape, value: Any, path: str) -> Any:
    """JSON values to the types of boto3's parameters; a value of the wrong type passes, the validator reports it."""
    if value is None:
        return None
    if shape.type_name == "structure" and isinstance(value, dict):
        members = {_wire_name(name, member): (name, member) for name, member in shape.members.items()}
        return {
            members[key][0]: _decoded(members[key][1], item, f"{path}.{key}")
            for key, item in value.items()
            if key in members and item is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_decoded(shape.member, item, path) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _decoded(shape.value, item, path) for key, item in value.items()}
    if shape.type_name == "timestamp" and isinstance(value, int | float):
        return datetime.datetime.fromtimestamp(value, datetime.UTC)
    if shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ServiceError("SerializationException", f"{path.lstrip('.')} is not base64") from error
    return value


def _encoded(shape: Shape, value: Any) -> Any:
    if shape.type_name == "structure":
        return {
            _wire_name(name, member): _encoded(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [_encoded(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: _encoded(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        if shape.serialization.get("timestampFormat") == "iso8601":
            return f"{value.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
        return calendar.timegm(value.utctimetuple()) + value.microsecond / 1e6
    if shape.type_name == "blob":
        return base64.b64encode(value).decode("ascii")
    return value


def _violation(shape: Shape, value: Any, name: str) -> tuple[str, str] | None:
    """The first breach of what botocore leaves to the service: enum, pattern, and the upper bounds."""
    if shape.type_name == "structure":
        for member, item in value.items():
            found = _violation(shape.members[member], item, f"{name}.{member}".lstrip("."))
            if found is not None:
                return found
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            found = _violation(shape.member, item, f"{name}[{index}]")
            if found is not None:
                return found
    elif shape.type_name == "map":
        for key, item in value.items():
            found = _violation(shape.key, key, f"{name} (key)") or _violation(shape.value, item, f"{name}.{key}")
            if found is not None:
                return found
    breach = _breach(shape, value)
    return None if breach is None else (name, breach)


def _breach(shape: Shape, value: Any) -> str | None:
    constraints = shape.metadata
    size = len(value) if shape.type_name in ("string", "list", "map", "blob") else value
    highest, lowest = constraints.get("max"), constraints.get("min")
    if highest is not None and size > highest:
        return f"Member must have value or length less than or equal to {highest}"
    if lowest is not None and size < lowest:
        return f"Member must have value or length greater than or equal to {lowest}"
    if shape.type_name == "string":
        if constraints.get("enum") and value not in constraints["enum"]:
            return f"Member must satisfy enum value set: {constraints['enum']}"
        if constraints.get("pattern") and not _pattern(constraints["pattern"]).fullmatch(value):
            return f"Member must satisfy regular expression pattern: {constraints['pattern']}"
    return None


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
