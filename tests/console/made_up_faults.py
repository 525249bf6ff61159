"""The console over a made-up stack in bad weather: made_up_faults.py FILE, whose text names the faults."""

from __future__ import annotations

import sys
from pathlib import Path

from console.services.errors import caller_of
from console.sources.base import Connection
from console.sources.fake import FakeStack
from console.ui.app import ConsoleApp
from console.view.glyphs import glyphs_for
from tests.console.weather import WeatherFile, under


def main(faults: Path) -> None:
    connection = under(WeatherFile(faults), FakeStack().connection())

    def connect(_: object) -> Connection:
        connection.source.spend()
        return connection

    caller = caller_of(connection)
    ConsoleApp("the made-up stack", connect, glyphs=glyphs_for(sys.stdout.encoding), caller=caller).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
