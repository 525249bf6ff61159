"""What a setup is asked for: a JSON or TOML file, checked as a whole before anything is read or written."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.domain import ConsoleError, ProblemKind
from console.text import safe_line

MAX_TEMPLATE_BYTES = 6_000
"""Of a template's definition (CreateWhatsAppMessageTemplate, API reference)."""
_COUNTRY = re.compile(r"[A-Z]{2}")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_CODE = re.compile(r"[A-Za-z0-9]{1,20}")
_SMS = frozenset({"allowed_countries", "protect", "monthly_limit_usd", "test_numbers"})
_WHATSAPP = frozenset({"templates"})
PROTECT = ("stack", "account")


@dataclass(frozen=True, slots=True)
class Template:
    """A WhatsApp template as Meta takes it; `source` is the file it was read from."""

    name: str
    language: str
    definition: Mapping[str, Any]
    source: str

    @property
    def data(self) -> bytes:
        """The definition as it is sent."""
        return json.dumps(self.definition, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the stack should have. What is not wished for is not touched.

    `allowed_countries` (ISO 3166 alpha-2) are all that SMS may go to, by a protect configuration that holds for the
    stack's configuration set or for the whole account; `monthly_limit_usd` lowers the account's limit for text
    messages; `test_numbers` are to be verified for the sandbox.
    """

    allowed_countries: frozenset[str] = frozenset()
    account_default: bool = False
    monthly_limit_usd: int | None = None
    test_numbers: tuple[str, ...] = ()
    templates: tuple[Template, ...] = ()


def read_wishes(path: Path) -> Wishes:
    """The wishes of a file, by its suffix `.toml` or else JSON; paths in it are relative to it."""
    document = _document(path)
    _known(document, {"sms", "whatsapp"}, str(path))
    sms, whatsapp = (_part(document, name, path) for name in ("sms", "whatsapp"))
    _known(sms, _SMS, f"{path}: sms")
    _known(whatsapp, _WHATSAPP, f"{path}: whatsapp")
    templates = whatsapp.get("templates")
    if templates is not None and not isinstance(templates, str):
        raise _bad(f"{path}: whatsapp.templates is no path", "name a JSON file or a directory of such files")
    protect = sms.get("protect", PROTECT[0])
    if protect not in PROTECT:
        raise _bad(f"{path}: sms.protect is {safe_line(protect, 40)}", f"give one of {', '.join(PROTECT)}")
    return Wishes(
        allowed_countries=frozenset(_texts(sms, "allowed_countries", _COUNTRY, "a country as DE", path)),
        account_default=protect == PROTECT[1],
        monthly_limit_usd=_limit(sms.get("monthly_limit_usd"), path),
        test_numbers=tuple(_texts(sms, "test_numbers", _NUMBER, "a number as +14255550156", path)),
        templates=() if templates is None else read_templates(path.parent / templates),
    )


def read_templates(path: Path) -> tuple[Template, ...]:
    """The templates of a JSON file (one, or a list of them) or of all `*.json` files of a directory, in order."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    found: dict[tuple[str, str], Template] = {}
    for file in files:
        document = _read_json(file)
        for each in document if isinstance(document, list) else [document]:
            template = _template(each, file)
            if (template.name, template.language) in found:
                raise _bad(f"{file}: {template.name} in {template.language} is there twice", "keep one of them")
            found[template.name, template.language] = template
    if not found:
        raise _bad(f"{path} holds no template", "put each into a JSON file as Meta takes it")
    return tuple(found.values())


def parse_number(value: str) -> str:
    """A number in E.164 form."""
    if not _NUMBER.fullmatch(value):
        raise _bad(f"{safe_line(value, 40)!r} is no number", "give it as +14255550156")
    return value


def parse_code(value: str) -> str:
    """A verification code as AWS takes it (VerifyDestinationNumber, API reference)."""
    if not _CODE.fullmatch(value):
        raise _bad(f"{safe_line(value, 40)!r} is no code", "give the letters and digits that were sent")
    return value


def _template(document: object, file: Path) -> Template:
    if not isinstance(document, dict) or not all(
        isinstance(document.get(name), str) and document[name] for name in ("name", "language", "category")
    ):
        raise _bad(f"{file} is no template", "it is a JSON object with name, language, category and components")
    if not isinstance(document.get("components"), list):
        raise _bad(f"{file}: {safe_line(document['name'], 60)} has no components", "give them as a list")
    template = Template(document["name"], document["language"], document, str(file))
    if len(template.data) > MAX_TEMPLATE_BYTES:
        raise _bad(
            f"{file}: {safe_line(template.name, 60)} has {len(template.data)} bytes",
            f"a definition has at most {MAX_TEMPLATE_BYTES}",
        )
    return template


def _document(path: Path) -> dict[str, Any]:
    if path.suffix != ".toml":
        document = _read_json(path)
        if not isinstance(document, dict):
            raise _bad(f"{path} is no JSON object", "see docs/operations.md for its form")
        return document
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise _bad(f"{path} is no TOML: {safe_line(error, 80)}", "correct it") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise _bad(f"{path} is no JSON: {safe_line(error, 80)}", "correct it") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise _bad(f"cannot read {path}: {error.strerror}", "name a file that is there") from error
    except UnicodeDecodeError as error:
        raise _bad(f"{path} is no UTF-8 text", "save it as UTF-8") from error


def _part(document: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    part = document.get(name, {})
    if not isinstance(part, dict):
        raise _bad(f"{path}: {name} is no object", "see docs/operations.md for its form")
    return part


def _known(part: Mapping[str, Any], names: frozenset[str] | set[str], where: str) -> None:
    if unknown := sorted(part.keys() - names):
        raise _bad(f"{where} has no key {safe_line(unknown[0], 40)!r}", f"give some of {', '.join(sorted(names))}")


def _texts(part: Mapping[str, Any], name: str, form: re.Pattern[str], example: str, path: Path) -> list[str]:
    values = part.get(name, [])
    if not isinstance(values, list):
        raise _bad(f"{path}: sms.{name} is no list", f"give a list, each {example}")
    for value in values:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise _bad(f"{path}: {safe_line(value, 40)!r} in sms.{name} is wrong", f"give each as {example}")
    return list(dict.fromkeys(values))


def _limit(value: object, path: Path) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**9):
        return value
    raise _bad(f"{path}: sms.monthly_limit_usd is {safe_line(value, 40)}", "give whole US dollars")


def _bad(sentence: str, remedy: str) -> ConsoleError:
    return ConsoleError(ProblemKind.BAD_INPUT, sentence, remedy)
