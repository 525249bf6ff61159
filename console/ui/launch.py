"""From options to the running application, and what is left to say when it has ended."""

from __future__ import annotations

import os
import sys

from console.domain import CampaignRequest
from console.exit_codes import ExitCode
from console.services.connect import Options, connect
from console.ui.app import ConsoleApp
from console.ui.themes import set_theme
from console.view.glyphs import glyphs_for


def run(
    options: Options, *, allow_actions: bool, theme: str = "dark", autostart: CampaignRequest | None = None
) -> ExitCode:
    """Run the screen until it is left; a stack that was never reached is an error, told after the screen is gone."""
    app = ConsoleApp(
        options.title(),
        lambda progress: connect(options, progress),
        glyphs=glyphs_for(sys.stdout.encoding, os.environ.get("TERM", "")),
        allow_actions=allow_actions,
        autostart=autostart,
    )
    set_theme(app, theme)
    try:
        app.run()
    finally:
        app.close_connection()
    if app.problem is not None and app.connection is None:
        from console.headless.talk import complain

        complain(app.problem)
        return ExitCode.CANNOT
    return ExitCode(app.return_code or ExitCode.OK)
