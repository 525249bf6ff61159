"""What the command line completes behind a screen's name: what the stack has of its subjects."""

from __future__ import annotations

from console.domain import Overview
from console.services.runbooks import page_name
from console.sources.deployments import functions_of
from lambdas.core.outputs import StackOutputs


def subjects(overview: Overview, outputs: StackOutputs) -> dict[str, list[str]]:
    """The subjects of each screen that are known at this moment."""
    alarms = overview.alarms.value or ()
    return {
        "alarms": [alarm.name for alarm in alarms],
        "runbooks": sorted({name for alarm in alarms if (name := page_name(alarm.runbook))}),
        "logs": list(functions_of(outputs).values()),
        "campaigns": [campaign.id for campaign in overview.campaigns.value or ()],
        "messages": [message.id for message in overview.messages.value or ()],
    }
