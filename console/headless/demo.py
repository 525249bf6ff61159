"""`demo` without a terminal: an embedded stack, one sample campaign, and an account of every message."""

from __future__ import annotations

from console.campaigns import make_request
from console.domain import AlarmState, CampaignRequest
from console.exit_codes import ExitCode
from console.headless import campaign as commands
from console.headless import once, talk
from console.sources.base import Connection
from console.tallies import tally
from console.view import format as fmt
from console.view import plan as plan_view
from console.view.segments import Line, Role, line, text_of
from lambdas.core.campaign import CampaignSummary
from lambdas.core.channels import Channel

SCREEN_SAMPLE = (600, 60.0)
PIPED_SAMPLE = (120, 20.0)
RECEIPT_SECONDS = 60.0
BODY = "Your table for two is booked for tonight at eight. Reply STOP to get no more messages."


def sample(recipients: int, tps: float) -> CampaignRequest:
    """The sample campaign: simulator destinations on all channels, each 20th one fails."""
    return make_request(recipients, tps, BODY, ",".join(Channel))


def run(connection: Connection) -> ExitCode:
    """Send the sample, follow it to its last receipt, print what became of it."""
    request = sample(*PIPED_SAMPLE)
    accepted = connection.api.send(request)
    talk.say(f"campaign {accepted.id}: {request.recipients} recipients at {fmt.rate(request.tps)}")
    campaign, code = commands.follow(connection, accepted.id, request, RECEIPT_SECONDS)
    talk.put(text_of([*plan_view.outcome_lines(campaign), *_alarm_lines(connection)]))
    missing = unaccounted(campaign, request)
    if missing:
        talk.say(f"{fmt.count(missing)} of {request.recipients} messages are unaccounted for")
        return code if code is not ExitCode.OK else ExitCode.FAILED
    return code


def unaccounted(campaign: CampaignSummary, request: CampaignRequest) -> int:
    """Messages of the request without a final fate: neither delivered nor failed, nor excluded or held back."""
    counts = tally(campaign)
    return request.recipients - campaign.excluded - counts.delivered - counts.failed - counts.not_sent


def _alarm_lines(connection: Connection) -> list[Line]:
    alarms = once.take(connection, allow_actions=False).alarms.value or ()
    loud = [alarm.name for alarm in alarms if alarm.state is AlarmState.ALARM]
    words = f"{len(loud)} of {len(alarms)} in ALARM" + (f": {', '.join(loud)}" if loud else "")
    return [line(("alarms          ", Role.MUTED), (words, Role.ALARM if loud else Role.STRONG))]
