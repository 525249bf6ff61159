"""Secrets in foreign text, masked once at the data boundary: what a screen shows is copied, exported and recorded."""

from __future__ import annotations

import re

MASK = "****"

_HINTS = ("auth", "pass", "pwd", "secret", "token", "key", "signature", "credential", "bearer", "eyj", "akia", "asia")
"""Small letters of which a text with a secret has some: most lines of a log have none and are not searched."""
_ASSIGNED = re.compile(
    r"""(?P<name>(?:authorization|password|passwd|passphrase|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key
        |signature|credentials?)\b(?P<quote>\\*["']|)\s*[=:]\s*)
    (?P<value>(?P<plain>["'])(?:(?!(?P=plain))[^\\]|\\.)*(?:(?P=plain)|\Z)
        |(?P<inner>\\")(?:\\{4}|\\{3}"|\\\\[^"\\]|[^"\\])*(?:\\"|\Z)
        |(?P<deep>\\{2,}["']).*?(?:(?<!\\)(?P=deep)|\Z)
        |(?!(?:null|true|false|none)\b)(?:(?:bearer|basic)\s+)?[^\s&,;"'<>(){}\[\]\\]+)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""`password=...`, `"clientSecret": "..."`, `X-Amz-Security-Token=...`: the value behind a name that ends so, also
within a JSON text that is itself a JSON string."""
_WHOLE = re.compile(
    r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)*"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b(?:[\s,:;/|\"'=]{1,3}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+]))?"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=[Bb]earer )(?=[\w.~+/=-]*\d)[\w.~+/=-]{16,}",
    re.DOTALL,
)
"""JSON Web Tokens (RFC 7519: base64url of `{"` first), access key ids of AWS (IAM user guide, "IAM identifiers": AKIA
and ASIA before long-term and temporary ones) with a secret key of 40 characters behind them, private keys (RFC 7468),
bearer tokens (RFC 6750)."""


def mask_secrets(text: str) -> str:
    """`text` with passwords, tokens, signatures and keys replaced by `****`; their names and quotation marks stay."""
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    return _ASSIGNED.sub(_masked, _WHOLE.sub(MASK, text))


def _masked(found: re.Match[str]) -> str:
    quote = found["plain"] or found["inner"] or found["deep"] or found["quote"]  # a number of JSON becomes a string
    return f"{found['name']}{quote}{MASK}{quote}"
