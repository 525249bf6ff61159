"""What all who handle the stack's queue messages agree on."""

from __future__ import annotations

MAX_BATCH = 10
"""Entries of one SendMessageBatch (API reference)."""
MAX_BATCH_BYTES = 262_144
"""All entries of one SendMessageBatch together, which is the set size of a single message too (SQS developer guide,
"Message quotas"; `components/queue.py`)."""
FIRST_SEEN = "first_seen_ms"
"""The attribute that tells when a message was first put into the queue (epoch ms), however often it was put anew."""
