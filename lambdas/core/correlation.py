"""How our own message id travels with a message and comes back in its receipts."""

from __future__ import annotations

CONTEXT_MESSAGE_ID = "message_id"
CONTEXT_STACK = "stack"
"""Keys of SMS's `Context` and names of SES's `EmailTags`."""


def callback_data(stack: str, message_id: str) -> str:
    """`biz_opaque_callback_data` of a WhatsApp message (Meta's Cloud API reference, messages): a text of ours that its
    status webhooks repeat."""
    return f"{stack}/{message_id}"


def read_callback_data(text: str) -> tuple[str, str] | None:
    """The inverse of `callback_data`: (stack, message id), None for what is not ours."""
    stack, slash, message_id = text.partition("/")
    return (stack, message_id) if stack and slash and message_id and "/" not in message_id else None
