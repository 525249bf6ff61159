"""A change of a campaign in words: what it would do, what it has done."""

from __future__ import annotations

from console.domain import CampaignState, ChangedCampaign, ChangeKind
from console.view import format as fmt
from console.view.reasons import pause_words
from console.view.segments import Line, Role, line, pad
from lambdas.core.campaign import CampaignSummary

LEASED = "what its workers have leased, up to four seconds of sending, still goes out"
CONSEQUENCES = {
    ChangeKind.PAUSE: f"{LEASED}; resume goes on where it stopped",
    ChangeKind.HOLD: "nothing goes out until somebody resumes it",
    ChangeKind.RESUME: "it goes on where it stopped",
    ChangeKind.CANCEL: f"{LEASED}; it can never be resumed",
    ChangeKind.TPS: "the new pace holds from the next lease on",
}
"""What whoever asks for a change should know."""


TITLES = {
    ChangeKind.PAUSE: "pause the campaign",
    ChangeKind.HOLD: "hold the paused campaign",
    ChangeKind.RESUME: "resume the campaign",
    ChangeKind.CANCEL: "cancel the campaign for good",
    ChangeKind.TPS: "change the campaign's pace",
}


def confirmation_lines(campaign: CampaignSummary, kind: ChangeKind) -> list[Line]:
    """What is about to be changed, and what follows."""
    handled = f"{fmt.count(campaign.handled)} of {fmt.count(campaign.recipients)} handled"
    rows = (
        ("campaign", campaign.id),
        ("status", f"{campaign.status.value} at {fmt.rate(campaign.throughput_tps)}"),
        ("course", f"{handled}, {fmt.money(campaign.cost_usd)}"),
    )
    lines = [line((pad(name, 16), Role.MUTED), (value, Role.STRONG)) for name, value in rows]
    return [*lines, (), line((CONSEQUENCES[kind], Role.WARN if kind is ChangeKind.CANCEL else Role.PLAIN))]


def _status(state: CampaignState) -> str:
    """A status, with the reason where the platform paused."""
    return f"paused ({pause_words(state.pause_reason)})" if state.is_paused_by_platform else state.status


def changed_words(done: ChangedCampaign) -> str:
    """One line about what a change has done."""
    before, after = done.before, done.after
    if not done.changed:
        return f"{after.id} is {after.status} at {fmt.rate(after.tps)} already: nothing was changed"
    steps = [
        f"{old} -> {new}"
        for old, new in ((_status(before), _status(after)), (fmt.rate(before.tps), fmt.rate(after.tps)))
        if old != new
    ]
    return f"{after.id}: {', '.join(steps) or after.status}"
