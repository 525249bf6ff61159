"""The screens as data: a later one is a module beside the others and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from console.places import Place
from console.ui.desk import Desk
from console.ui.screens.alarm import AlarmScreen
from console.ui.screens.alarms import AlarmsScreen
from console.ui.screens.base import ConsoleScreen
from console.ui.screens.campaigns import CampaignScreen, CampaignsScreen
from console.ui.screens.cost import CostScreen
from console.ui.screens.deployments import DeploymentsScreen
from console.ui.screens.logs import LogsScreen
from console.ui.screens.messages import MessagesScreen, one
from console.ui.screens.overview import OverviewScreen
from console.ui.screens.own import SelfScreen
from console.ui.screens.queues import LettersScreen, QueuesScreen
from console.ui.screens.resources import OutputsScreen, ResourcesScreen
from console.ui.screens.runbook import RunbookScreen
from console.ui.screens.sessions import SessionScreen, SessionsScreen
from console.ui.screens.throughput import ThroughputScreen

Make = Callable[[Desk, Place], ConsoleScreen]


@dataclass(frozen=True, slots=True)
class ScreenSpec:
    """One screen: its name in links and on the command line, other names, its key, what it shows.

    `one` makes the screen about one subject, where there is such a thing.
    """

    name: str
    key: str
    aliases: tuple[str, ...]
    title: str
    make: Make
    one: Make | None = None


HOME = "overview"
SCREENS: tuple[ScreenSpec, ...] = (
    ScreenSpec(HOME, "1", ("ov", "home"), "the whole stack at a glance", OverviewScreen),
    ScreenSpec("alarms", "2", ("al", "alarm"), "alarms: state, since when, reason", AlarmsScreen, AlarmScreen),
    ScreenSpec("throughput", "3", ("tp", "rate"), "target against achieved, by channel", ThroughputScreen),
    ScreenSpec("messages", "4", ("me", "message"), "messages: searched, and the timeline of one", MessagesScreen, one),
    ScreenSpec(
        "campaigns", "5", ("ca", "campaign"), "campaigns: progress, pace, end, cost", CampaignsScreen, CampaignScreen
    ),
    ScreenSpec("queues", "6", ("qu", "dlq"), "queues and what was set aside", QueuesScreen, LettersScreen),
    ScreenSpec("logs", "7", ("log", "lo"), "logs: all groups in one order, live or of a time", LogsScreen),
    ScreenSpec("cost", "8", ("costs", "spend"), "cost: today, the month, per 1,000 messages, AWS's bill", CostScreen),
    ScreenSpec("resources", "9", ("re", "arn"), "resources of the stack", ResourcesScreen),
    ScreenSpec(
        "sessions",
        "",
        ("se", "session", "ws"),
        "sessions: who speaks, how many listen, what was refused",
        SessionsScreen,
        SessionScreen,
    ),
    ScreenSpec("outputs", "", ("out",), "outputs of the stack", OutputsScreen),
    ScreenSpec("self", "", ("health",), "the console itself: calls, feeds, event loop", SelfScreen),
    ScreenSpec("deployments", "", ("dep", "changes"), "deployments: what changed when", DeploymentsScreen),
    ScreenSpec("runbooks", "", ("rb", "runbook"), "runbooks: what to do about an alarm", RunbookScreen),
)


def by_name() -> Mapping[str, ScreenSpec]:
    """The screens by their own names."""
    return {spec.name: spec for spec in SCREENS}


def aliases() -> Mapping[str, str]:
    """Every name a screen may be called by, and its own."""
    return {alias: spec.name for spec in SCREENS for alias in (spec.name, *spec.aliases)}


def screen_for(desk: Desk, place: Place) -> ConsoleScreen:
    """The screen of a place; raises `KeyError` for a name that is none, as `aliases` would have told."""
    spec = by_name()[place.screen]
    make = spec.one if place.subject and spec.one is not None else spec.make
    return make(desk, place)
