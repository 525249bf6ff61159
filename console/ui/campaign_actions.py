"""The actions on campaigns, as menus offer them on every screen that shows one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from console.domain import AcceptedCampaign, ChangedCampaign, ChangeKind
from console.places import Place
from console.services.actions import Action, action
from console.tallies import is_open
from console.ui.choices import Choice
from console.ui.desk import Desk
from console.ui.screens.change_campaign import ChangeCampaign
from console.ui.screens.send_campaign import CampaignForm
from console.view.changes import changed_words
from console.view.plan import accepted_words
from lambdas.core.campaign import CampaignStatus, CampaignSummary

MAKES_SENSE: Mapping[ChangeKind, Callable[[CampaignSummary], bool]] = {
    ChangeKind.PAUSE: lambda campaign: campaign.status in (CampaignStatus.RUNNING, CampaignStatus.SCHEDULED),
    ChangeKind.HOLD: lambda campaign: campaign.is_paused_by_platform,
    ChangeKind.RESUME: lambda campaign: campaign.status is CampaignStatus.PAUSED,
}
"""When a change of an open campaign makes sense; always for those that are not named."""


def choice(each: Action, detail: str, run: Callable[[], None]) -> Choice:
    """An action as a line of a menu."""
    return Choice(each.key, each.title, detail or each.does, run)


def send_choice(desk: Desk) -> Choice:
    """The test campaign: form, dry run, plan, confirmation; then its screen. A read-only console gets to the plan."""
    each = action("send_campaign")

    def sent(accepted: AcceptedCampaign | None) -> None:
        if accepted is not None:
            desk.say(accepted_words(accepted))
            desk.monitor.refresh()
            desk.go(Place("campaigns", accepted.id))

    found = choice(each, "", lambda: desk.ask(CampaignForm(each, desk), sent))
    if desk.stack.actions_allowed:
        return found
    return replace(found, title="plan test campaign", detail="a dry run: who would get it, and its cost")


def campaign_actions(desk: Desk, campaign: CampaignSummary) -> Sequence[Choice]:
    """What can be done to an open campaign as it stands."""

    def changed(done: ChangedCampaign | None) -> None:
        if done is not None:
            desk.say(changed_words(done))
            desk.monitor.refresh()

    def offer(kind: ChangeKind) -> Choice:
        each = action(kind.value)
        return choice(
            each, f"{campaign.id}: {each.does}", lambda: desk.ask(ChangeCampaign(each, campaign, desk), changed)
        )

    if not is_open(campaign):
        return ()
    return [offer(kind) for kind in ChangeKind if kind not in MAKES_SENSE or MAKES_SENSE[kind](campaign)]
