"""From options to the running application, and what is left to say when it has ended."""

from __future__ import annotations

import os
import sys

from console.clock import SystemClock
from console.exit_codes import ExitCode
from console.screen_options import ScreenOptions
from console.services.budget import Budget, budget_file
from console.services.connect import Options, connect
from console.services.errors import Caller
from console.sources.base import Connection
from console.ui.app import ConsoleApp
from console.ui.themes import set_theme
from console.view.glyphs import glyphs_for


def run(options: Options, asked: ScreenOptions) -> ExitCode:
    """Run the screen until it is left; a stack that was never reached is an error, told after the screen is gone."""
    clock = SystemClock()

    def budget(connection: Connection) -> Budget:
        identity = connection.outputs.identity
        free = identity.environment == "local"
        path = None if free else budget_file(identity.account_id, identity.stack)
        return Budget(path, 0.0 if free else asked.budget_usd, clock)

    app = ConsoleApp(
        options.title(),
        lambda progress: connect(options, progress),
        glyphs=glyphs_for(sys.stdout.encoding, os.environ.get("TERM", "")),
        allow_actions=asked.allow_actions,
        autostart=asked.autostart,
        link=asked.link,
        columns=asked.columns,
        clock=clock,
        budget=budget,
        caller=Caller(options.profile or "", options.region or ""),
    )
    set_theme(app, asked.theme)
    try:
        app.run()
    finally:
        app.close_connection()
    if app.problem is not None and app.connection is None:
        from console.headless.talk import complain

        complain(app.problem)
        return ExitCode.CANNOT
    return ExitCode(app.return_code or ExitCode.OK)
