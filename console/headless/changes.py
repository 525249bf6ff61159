"""`campaign pause|resume|cancel|tps`: changes of a campaign from scripts."""

from __future__ import annotations

import dataclasses

from console.campaigns import require_confirmed
from console.domain import CampaignChange, ChangeKind
from console.exit_codes import ExitCode
from console.headless import talk
from console.services.changes import change_campaign
from console.services.monitor import stack_facts
from console.sources.base import Connection
from console.view.changes import CONSEQUENCES, changed_words


def run(
    connection: Connection,
    campaign_id: str,
    change: CampaignChange,
    *,
    allow_actions: bool,
    confirm: str | None,
    as_json: bool,
) -> ExitCode:
    """Make one change; a campaign that is so already is left alone, and that is no failure."""
    require_confirmed(stack_facts(connection, allow_actions=allow_actions), confirm)
    done = change_campaign(connection.api, campaign_id, change)
    if as_json:
        states = {"before": dataclasses.asdict(done.before), "after": dataclasses.asdict(done.after)}
        talk.put_json({"campaign_id": done.after.id, "changed": done.changed, **states})
    else:
        talk.put(changed_words(done))
    if done.changed:
        held = change.kind is ChangeKind.PAUSE and done.before.is_paused_by_platform
        talk.say(CONSEQUENCES[ChangeKind.HOLD if held else change.kind])
    return ExitCode.OK
