"""Tokens that must not be believed. Wherever it makes the forgery stronger, the pool's own key has signed them.

Sources: RFC 8725 (attacks on JSON Web Tokens), RFC 7515 section 10, OWASP's cheat sheet on JSON Web Tokens.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes

from lambdas.core.id_token import LEEWAY_S, LONGEST_LIFE_S, MOST_CHARACTERS, Reason
from tests.support.id_tokens import (
    AUDIENCE,
    CLAIMS,
    HEADER,
    ISSUER,
    KID,
    NOW,
    SPARE_KID,
    SUBJECT,
    Signer,
    ec_signer,
    hmac_signer,
    jwk,
    private_key,
    pss_signer,
    public_pem,
    rsa_signer,
    token,
    unsigned,
)


@dataclass(frozen=True, slots=True)
class Forgery:
    """One token that is refused, and for which reason."""

    name: str
    reason: Reason
    make: Callable[[], str]


def forgeries() -> list[Forgery]:
    """All of them, in the order in which a token is read."""
    return [
        *_misshapen(),
        *_algorithms(),
        *_headers(),
        *_key_ids(),
        *_signatures(),
        *_payloads(),
        *_parties(),
        *_times(),
        *_subjects(),
    ]


def _signed(name: str, reason: Reason, changes: Mapping[str, Any], sign: Signer | None = None) -> Forgery:
    """Changed claims."""
    return Forgery(name, reason, lambda: token({**CLAIMS, **changes}, sign=sign))


def _headed(name: str, reason: Reason, changes: Mapping[str, Any], sign: Signer | None = None) -> Forgery:
    """A changed header."""
    return Forgery(name, reason, lambda: token(header={**HEADER, **changes}, sign=sign))


def _without(name: str, reason: Reason, values: Mapping[str, Any]) -> Forgery:
    """A missing claim, or header field."""
    left = {each: value for each, value in values.items() if each != name}
    return Forgery(f"{name} missing", reason, lambda: token(left) if values is CLAIMS else token(header=left))


def _parts() -> list[str]:
    return token().split(".")


def _misshapen() -> Iterator[Forgery]:
    shapes: dict[str, Callable[[], str]] = {
        "empty": lambda: "",
        "one dot": lambda: ".",
        "two dots": lambda: "..",
        "three dots": lambda: "...",
        "no header": lambda: ".".join(["", *_parts()[1:]]),
        "no payload": lambda: ".".join([_parts()[0], "", _parts()[2]]),
        "no signature": lambda: ".".join([*_parts()[:2], ""]),
        "two parts": lambda: ".".join(_parts()[:2]),
        "a fourth part": lambda: f"{token()}.e30",
        "five parts, as encrypted tokens have": lambda: f"{token()}.e30.e30",
        "a dot doubled": lambda: token().replace(".", "..", 1),
        "space before": lambda: f" {token()}",
        "space behind": lambda: f"{token()} ",
        "line break behind": lambda: f"{token()}\n",
        "line break within": lambda: f"{token()[:40]}\n{token()[40:]}",
        "tab within": lambda: f"{token()[:40]}\t{token()[40:]}",
        "NUL behind": lambda: f"{token()}\0",
        "named as bearer": lambda: f"Bearer {token()}",
        "quoted": lambda: f'"{token()}"',
        "header padded": lambda: ".".join([_parts()[0] + "=", *_parts()[1:]]),
        "signature padded": lambda: f"{token()}==",
        "other alphabet": lambda: "{}.{}.++//".format(*_parts()[:2]),
        "letters of another script": lambda: token().replace("e", "е", 1),
        "full-width dots": lambda: token().replace(".", "．"),
        "escaped dots": lambda: token().replace(".", "%2E"),
        "header of one character": lambda: ".".join(["e", *_parts()[1:]]),
        "header is a list": lambda: token(header=b"[]"),
        "header is a text": lambda: token(header=b'"RS256"'),
        "header is no JSON": lambda: token(header=b"{'alg': 'RS256'}"),
        "header with a mark of byte order": lambda: token(header=b"\xef\xbb\xbf" + json.dumps(HEADER).encode()),
        "header in UTF-16": lambda: token(header=json.dumps(HEADER).encode("utf-16-le")),
        "header not UTF-8": lambda: token(header=b'{"alg":"RS256","kid":"\xff"}'),
        "header nested deeply": lambda: token(header=b'{"a":' + b"[" * 2_000),
        "kid twice in the header": lambda: token(header=b'{"alg":"RS256","kid":"x","kid":"%s"}' % KID.encode()),
        "alg twice in the header": lambda: token(header=b'{"alg":"none","alg":"RS256","kid":"%s"}' % KID.encode()),
    }
    yield from (Forgery(name, Reason.FORMAT, make) for name, make in shapes.items())
    yield Forgery("one character too long", Reason.TOO_LONG, lambda: "a" * (MOST_CHARACTERS + 1))
    yield _signed("huge, and true otherwise", Reason.TOO_LONG, {"groups": "x" * 1_000_000})


def _algorithms() -> Iterator[Forgery]:
    for alg in ("none", "None", "NONE", "nOnE"):
        yield _headed(f"alg {alg}, nothing signed", Reason.FORMAT, {"alg": alg}, unsigned)
        yield _headed(f"alg {alg}, signed all the same", Reason.ALGORITHM, {"alg": alg})
    for alg, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
        yield _headed(f"{alg} with the public key", Reason.ALGORITHM, {"alg": alg}, _late(public_pem, digest))
    yield _headed("HS256 with the published key", Reason.ALGORITHM, {"alg": "HS256"}, _late(_published_key))
    yield _headed("HS256 with the modulus", Reason.ALGORITHM, {"alg": "HS256"}, _late(_modulus))
    yield _headed("HS256 with no secret", Reason.ALGORITHM, {"alg": "HS256"}, hmac_signer(b""))
    yield _headed("HS256 under the name of RS256", Reason.SIGNATURE, {}, _late(public_pem))
    yield _headed("ES256", Reason.ALGORITHM, {"alg": "ES256"}, ec_signer())
    yield _headed("ES256 under the name of RS256", Reason.SIGNATURE, {}, ec_signer())
    yield _headed("PS256 of the pool", Reason.ALGORITHM, {"alg": "PS256"}, pss_signer())
    yield _headed("PS256 under the name of RS256", Reason.SIGNATURE, {}, pss_signer())
    yield _headed("RS384 of the pool", Reason.ALGORITHM, {"alg": "RS384"}, rsa_signer(algorithm=hashes.SHA384()))
    yield _headed("RS512 of the pool", Reason.ALGORITHM, {"alg": "RS512"}, rsa_signer(algorithm=hashes.SHA512()))
    yield _headed("RS512 under the name of RS256", Reason.SIGNATURE, {}, rsa_signer(algorithm=hashes.SHA512()))
    yield _headed("EdDSA", Reason.ALGORITHM, {"alg": "EdDSA"})
    odd: tuple[tuple[str, Any], ...] = (
        ("lower case", "rs256"),
        ("a space", "RS256 "),
        ("look-alike", "RЅ256"),
        ("empty", ""),
        ("null", None),
        ("number", 256),
        ("list", ["RS256"]),
        ("object", {"RS256": 1}),
    )
    for name, alg in odd:
        yield _headed(f"alg: {name}", Reason.ALGORITHM, {"alg": alg})
    yield _without("alg", Reason.ALGORITHM, HEADER)


def _late(secret: Callable[[], bytes], digest: str = "sha256") -> Signer:
    return lambda message: hmac_signer(secret(), digest)(message)


def _published_key() -> bytes:
    return json.dumps(jwk(KID)).encode()


def _modulus() -> bytes:
    return private_key("pool").public_key().public_numbers().n.to_bytes(256)


def _headers() -> Iterator[Forgery]:
    address = "https://evil.example/.well-known/jwks.json"
    embedded: dict[str, Callable[[], Any]] = {
        "jku": lambda: address,
        "x5u": lambda: address,
        "jwk": lambda: jwk(KID, "stranger"),
        "x5c": lambda: [base64.b64encode(b"certificate").decode()],
    }
    for field, value in embedded.items():
        yield Forgery(
            f"{field} of a stranger who signed",
            Reason.HEADER,
            partial(_with_key_named, field, value),
        )
        yield _headed(f"{field} in a token of the pool", Reason.HEADER, {field: "x"})
    fields: dict[str, dict[str, Any]] = {
        "crit": {"crit": ["exp"], "exp": NOW + 60},
        "crit of nothing": {"crit": []},
        "b64 false": {"b64": False, "crit": ["b64"]},
        "b64 false, not marked": {"b64": False},
        "b64 true": {"b64": True},
        "zip": {"zip": "DEF"},
        "cty": {"cty": "JWT"},
        "enc": {"enc": "A256GCM"},
        "typ of an access token": {"typ": "at+jwt"},
        "typ null": {"typ": None},
        "typ list": {"typ": ["JWT"]},
    }
    for name, changes in fields.items():
        yield _headed(name, Reason.HEADER, changes)


def _with_key_named(field: str, value: Callable[[], Any]) -> str:
    return token(header={**HEADER, field: value()}, sign=rsa_signer("stranger"))


def _key_ids() -> Iterator[Forgery]:
    yield _without("kid", Reason.KEY_ID, HEADER)
    for name, kid in (
        ("null", None),
        ("number", 1),
        ("bool", True),
        ("list", [KID]),
        ("object", {KID: KID}),
        ("empty", ""),
        ("very long", KID * 100),
    ):
        yield _headed(f"kid: {name}", Reason.KEY_ID, {"kid": kid})
    for name, kid in (
        ("path", "../../../../dev/null"),
        ("SQL", "x' UNION SELECT 'secret' --"),
        ("URL", "https://evil.example/key.pem"),
        ("shell", "$(id)|id"),
        ("another pool's", "another-pools-key"),
        ("one character less", KID[:-1]),
        ("one character more", f"{KID}="),
        ("other case", KID.swapcase()),
        ("NUL behind", f"{KID}\0"),
        ("half a surrogate pair", "\ud800"),
        ("list of keys", "keys"),
    ):
        yield _headed(f"kid: {name}", Reason.UNKNOWN_KEY, {"kid": kid})
    yield _headed("kid of the other key", Reason.SIGNATURE, {"kid": SPARE_KID})


def _signatures() -> Iterator[Forgery]:
    yield _signed("a stranger's key", Reason.SIGNATURE, {}, rsa_signer("stranger"))
    yield _signed("a short key's", Reason.SIGNATURE, {}, lambda message: rsa_signer()(message)[:128])
    yield _signed("truncated by a byte", Reason.SIGNATURE, {}, lambda message: rsa_signer()(message)[:-1])
    yield _signed("extended by a byte", Reason.SIGNATURE, {}, lambda message: rsa_signer()(message) + b"\0")
    yield _signed("a byte before", Reason.SIGNATURE, {}, lambda message: b"\0" + rsa_signer()(message))
    yield _signed("zeroed", Reason.SIGNATURE, {}, lambda _: bytes(256))
    yield _signed("all ones", Reason.SIGNATURE, {}, lambda _: b"\xff" * 256)
    yield _signed("one", Reason.SIGNATURE, {}, lambda _: bytes(255) + b"\1")
    yield _signed("a bit flipped", Reason.SIGNATURE, {}, lambda message: _flipped(rsa_signer()(message)))
    yield _signed("of another message", Reason.SIGNATURE, {}, lambda _: rsa_signer()(b"another"))
    yield Forgery("payload of another token", Reason.SIGNATURE, _swapped)
    yield Forgery("signature's spare bits set", Reason.SIGNATURE, _spare_bits)


def _flipped(signature: bytes) -> bytes:
    return signature[:100] + bytes([signature[100] ^ 1]) + signature[101:]


def _swapped() -> str:
    mine, other = _parts(), token({**CLAIMS, "sub": "somebody-else"}).split(".")
    return f"{mine[0]}.{other[1]}.{mine[2]}"


def _spare_bits() -> str:
    """256 bytes end in a character of which two bits count: others decode to the same bytes."""
    whole = token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return whole[:-1] + alphabet[alphabet.index(whole[-1]) ^ 1]


def _payloads() -> Iterator[Forgery]:
    whole = json.dumps(CLAIMS).encode()
    for name, payload in {
        "list": b"[%s]" % whole,
        "text": b'"claims"',
        "null": b"null",
        "no JSON": b"{'sub': 'x'}",
        "with a mark of byte order": b"\xef\xbb\xbf" + whole,
        "in UTF-16": json.dumps(CLAIMS).encode("utf-16-le"),
        "not UTF-8": whole[:-1] + b',"name":"\xff"}',
        "something behind": whole + b"{}",
        "NaN": whole[:-1] + b',"x":NaN}',
        "sub twice": whole[:-1] + b',"sub":"somebody-else"}',
        "exp twice": whole[:-1] + b',"exp":%d}' % (NOW + 60),
        "a name twice further in": whole[:-1] + b',"x":{"a":1,"a":2}}',
        "nested deeply": b'{"a":' + b"[" * 2_000,
    }.items():
        yield Forgery(f"payload: {name}", Reason.CLAIMS, partial(token, payload))
    yield Forgery("payload: another token", Reason.CLAIMS, lambda: token(token().encode()[:2_000]))
    yield Forgery("payload: no claims", Reason.ISSUER, lambda: token({}))


def _parties() -> Iterator[Forgery]:
    for claim, reason in (("iss", Reason.ISSUER), ("aud", Reason.AUDIENCE), ("token_use", Reason.USE)):
        yield _without(claim, reason, CLAIMS)
        for name, value in (("null", None), ("list", [CLAIMS[claim]]), ("object", {CLAIMS[claim]: 1}), ("number", 1)):
            yield _signed(f"{claim}: {name}", reason, {claim: value})
    for name, issuer in (
        ("another pool", ISSUER.replace("Example1", "Example2")),
        ("another region", ISSUER.replace("us-east-1.", "eu-west-1.")),
        ("slash behind", f"{ISSUER}/"),
        ("without TLS", ISSUER.replace("https", "http")),
        ("other case", ISSUER.upper()),
        ("another host", "https://evil.example/us-east-1_Example1"),
        ("look-alike", ISSUER.replace("o", "о", 1)),
    ):
        yield _signed(f"iss: {name}", Reason.ISSUER, {"iss": issuer})
    audiences: dict[str, dict[str, Any]] = {
        "another client": {"aud": "another-client"},
        "among others": {"aud": [AUDIENCE, "another-client"]},
        "prefix": {"aud": AUDIENCE[:-1]},
        "in client_id only": {"aud": None, "client_id": AUDIENCE},
        "made for another client": {"azp": "another-client"},
        "made for nobody": {"azp": None},
    }
    for name, changes in audiences.items():
        yield _signed(f"aud: {name}", Reason.AUDIENCE, changes)
    for use in ("access", "refresh", "ID", "id ", ""):
        yield _signed(f"token_use: {use!r}", Reason.USE, {"token_use": use})


def _times() -> Iterator[Forgery]:
    for claim in ("exp", "iat"):
        yield _without(claim, Reason.TIMES, CLAIMS)
    for claim in ("exp", "iat", "nbf"):
        for name, value in (
            ("null", None),
            ("bool", True),
            ("text", str(CLAIMS["exp"])),
            ("fraction", NOW + 60.5),
            ("float", float(NOW)),
            ("list", [NOW]),
        ):
            yield _signed(f"{claim}: {name}", Reason.TIMES, {claim: value})
    infinite = json.dumps(CLAIMS).replace(str(CLAIMS["exp"]), "1e400").encode()
    yield Forgery("exp: more than a float holds", Reason.TIMES, lambda: token(infinite))
    for name, reason, changes in (
        ("expired an hour ago", Reason.EXPIRED, {"iat": NOW - 7_200, "exp": NOW - 3_600}),
        ("expired just beyond the leeway", Reason.EXPIRED, {"exp": NOW - LEEWAY_S}),
        ("exp zero", Reason.EXPIRED, {"exp": 0}),
        ("exp negative", Reason.EXPIRED, {"exp": -CLAIMS["exp"]}),
        ("issued in the future", Reason.NOT_YET, {"iat": NOW + LEEWAY_S + 1}),
        ("nbf just beyond the leeway", Reason.NOT_YET, {"nbf": NOW + LEEWAY_S + 1}),
        ("nbf huge", Reason.NOT_YET, {"nbf": 10**300}),
        ("exp huge", Reason.LIFETIME, {"exp": 10**300}),
        ("exp in milliseconds", Reason.LIFETIME, {"exp": CLAIMS["exp"] * 1_000}),
        ("lives a second too long", Reason.LIFETIME, {"exp": CLAIMS["iat"] + LONGEST_LIFE_S + 1}),
        ("issued at the beginning of time", Reason.LIFETIME, {"iat": 0}),
        ("issued before it", Reason.LIFETIME, {"iat": -(10**300)}),
    ):
        yield _signed(name, reason, changes)


def _subjects() -> Iterator[Forgery]:
    yield _without("sub", Reason.SUBJECT, CLAIMS)
    for name, sub in (
        ("empty", ""),
        ("null", None),
        ("number", 1),
        ("bool", True),
        ("list", [SUBJECT]),
        ("object", {"sub": SUBJECT}),
        ("space", f"{SUBJECT} "),
        ("line break behind", f"{SUBJECT}\n"),
        ("NUL", f"{SUBJECT}\0"),
        ("look-alike", SUBJECT.replace("a", "а", 1)),
        ("other digits", SUBJECT.replace("3", "٣", 1)),
        ("key of another table", "TICKET#1"),
        ("markup", "<script>"),
        ("too long", "a" * 129),
    ):
        yield _signed(f"sub: {name}", Reason.SUBJECT, {"sub": sub})
