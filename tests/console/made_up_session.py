"""`session test` of a made-up stack whose sessions are at an address: made_up_session.py ADDRESS TOKEN-FILE."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from console.cli import main
from console.services import connect
from console.sources.base import Connection
from console.sources.fake import FakeStack


def connection_to(address: str) -> Connection:
    """A connection of the made-up stack with that address."""
    made_up = FakeStack().connection()
    sessions = dataclasses.replace(made_up.outputs.sessions, websocket_api_endpoint=address)
    return dataclasses.replace(made_up, outputs=dataclasses.replace(made_up.outputs, sessions=sessions))


if __name__ == "__main__":
    connect.connect = lambda options, progress: connection_to(sys.argv[1])
    arguments = ["--stack", "dev", "--listeners", "2000", "--ramp", "20", "--token-file", str(Path(sys.argv[2]))]
    sys.exit(main(["session", "test", *arguments]))
