"""What this console may do to a stack: an allow-list, each entry with how it must be confirmed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from console.campaigns import confirmation_word, require_actions
from console.domain import StackFacts


class Confirm(IntEnum):
    """How sure somebody must be: a look and enter; how many people it reaches; a word that says what is done.

    In production everything needs the stack's name.
    """

    ENTER = 1
    AMOUNT = 2
    WORD = 3


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done; `why` is the reason for its place in the list and for its level."""

    name: str
    key: str
    title: str
    does: str
    confirm: Confirm
    why: str


ACTIONS: tuple[Action, ...] = (
    Action(
        "send_campaign",
        "n",
        "send test campaign",
        "to simulator recipients; its plan is shown first",
        Confirm.AMOUNT,
        "what is sent cannot be called back; whoever types how many get it has read the plan",
    ),
    Action("pause", "p", "pause", "stop sending, keep the place", Confirm.ENTER, "undone by resume"),
    Action(
        "hold",
        "p",
        "hold",
        "stay paused until resumed",
        Confirm.ENTER,
        "undone by resume; offered for what the platform has paused",
    ),
    Action("resume", "u", "resume", "go on where it stopped", Confirm.ENTER, "undone by pause"),
    Action("tps", "t", "change TPS", "another pace", Confirm.ENTER, "undone by changing it again"),
    Action("cancel", "x", "cancel", "end it for good", Confirm.WORD, "cannot be undone"),
    Action(
        "redrive",
        "v",
        "redrive",
        "put dead letters back into their queue",
        Confirm.WORD,
        "what failed for a reason that still holds fails again, and letters may be many",
    ),
    Action(
        "session_test",
        "w",
        "session test",
        "a speaker for a while, a session, listeners; all of it is gone at the end",
        Confirm.ENTER,
        "touches nobody else's session; only without a screen",
    ),
)


def action(name: str) -> Action:
    """The action of that name; raises `KeyError` for one that is not on the list."""
    return next(each for each in ACTIONS if each.name == name)


def word_for(each: Action, stack: StackFacts, amount: int = 0) -> str | None:
    """What must be typed before the action on `amount` recipients; None where enter is enough. Raises on a read-only
    console."""
    require_actions(stack)
    if (name := confirmation_word(stack)) is not None:
        return name
    return {Confirm.ENTER: None, Confirm.AMOUNT: str(amount), Confirm.WORD: each.name}[each.confirm]
