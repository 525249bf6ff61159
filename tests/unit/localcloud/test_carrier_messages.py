"""What the WhatsApp and email carriers read of a call, without a cloud."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.simulator import MAILBOXES, always_fails, is_simulator, mailbox
from localcloud.carrier_email_message import read_mail, sender_of
from localcloud.carrier_whatsapp_message import TYPES, read_message
from localcloud.wire import ServiceError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "messaging_product": st.just("whatsapp") | JSON,
        "to": st.just("+14254147755") | JSON,
        "type": st.sampled_from(TYPES) | JSON,
        "text": st.fixed_dictionaries({"body": JSON}) | JSON,
        "template": st.fixed_dictionaries(
            {"name": JSON, "language": st.fixed_dictionaries({"code": JSON}) | JSON}, optional={"components": JSON}
        )
        | JSON,
        "biz_opaque_callback_data": JSON,
    },
)
VARIABLES = st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.text(max_size=10), max_size=4)


@given(MESSAGES)
def test_a_whatsapp_message_is_read_or_refused_with_a_sentence(message: dict[str, Any]) -> None:
    try:
        read = read_message(json.dumps(message).encode())
    except ServiceError as error:
        refusal = error
    else:
        assert read.type == message.get("type", "text")
        assert (read.template is not None) is (read.type == "template")
        return
    assert refusal.code == "InvalidParametersException"
    assert refusal.message


@given(st.binary(max_size=40))
def test_bytes_that_are_no_message_are_refused(body: bytes) -> None:
    with pytest.raises(ServiceError):
        read_message(body)


@given(VARIABLES, VARIABLES)
def test_a_template_is_rendered_or_names_what_it_lacks(used: dict[str, str], data: dict[str, str]) -> None:
    text = "".join(f"<{{{{ {name} }}}}>" for name in used)
    template = {"TemplateContent": {"Subject": "s", "Text": text}, "TemplateData": json.dumps(data)}
    call = {"FromEmailAddress": "a@b.example", "Destination": {"ToAddresses": ["c@d.example"]}}
    mail = read_mail({**call, "Content": {"Template": template}}, lambda name: {})
    missing = [name for name in used if name not in data]
    if missing:
        assert mail.failure == ("", f"Attribute '{missing[0]}' is not present in the rendering data.")
    elif text:
        assert mail.content["Simple"]["Body"]["Text"]["Data"] == "".join(f"<{data[name]}>" for name in used)


def test_addresses_come_with_or_without_names() -> None:
    call = {
        "FromEmailAddress": "Shop <orders@shop.example.com>",
        "Destination": {"ToAddresses": ["Ada <ada@example.com>"], "CcAddresses": ["b@example.com"]},
        "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
    }
    mail = read_mail(call, lambda name: {})
    assert (sender_of(call), mail.sender) == ("orders@shop.example.com", "orders@shop.example.com")
    assert mail.recipients == ["ada@example.com", "b@example.com"]
    assert {"name": "Cc", "value": "b@example.com"} in mail.headers()


@pytest.mark.parametrize("name", MAILBOXES)
@given(label=st.from_regex(r"(\+[a-z0-9.-]{0,20})?", fullmatch=True))
def test_the_mailbox_simulator_is_known_with_any_label(name: str, label: str) -> None:
    address = MAILBOXES[name].replace("@", f"{label}@")
    assert mailbox(address) == mailbox(address.upper()) == name
    assert is_simulator(address)
    assert always_fails(address) is (name in ("bounce", "suppressionlist"))


@pytest.mark.parametrize(
    "address", ["ada@example.com", "nobody@simulator.amazonses.com", "success@simulator.amazonses.com.example", ""]
)
def test_other_addresses_are_no_simulators(address: str) -> None:
    assert mailbox(address) is None
    assert not is_simulator(address)
    assert not always_fails(address)
