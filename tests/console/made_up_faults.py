"""The console over a made-up stack in bad weather: made_up_faults.py FILE, whose text names the faults."""

from __future__ import annotations

import sys
from pathlib import Path

from console.sources.fake import FakeStack
from console.ui.app import ConsoleApp
from console.view.glyphs import glyphs_for
from tests.console.weather import WeatherFile, under


def main(faults: Path) -> None:
    connection = under(WeatherFile(faults), FakeStack().connection())
    ConsoleApp("the made-up stack", lambda progress: connection, glyphs=glyphs_for(sys.stdout.encoding)).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
