"""Preflight: what a campaign would do, batch by batch, before anything is sent.

The same planning answers `dry_run` and feeds the planner, so what was shown is what will be sent. It holds totals and
a table of what it has seen, never the rows: an audience of any size is planned in the same memory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from lambdas.core.addresses import Destination
from lambdas.core.campaign_request import Recipient, RequestError
from lambdas.core.chain_plan import chained, highest_chain_usd
from lambdas.core.channels import Channel
from lambdas.core.content import MAX_TEXT_CHARACTERS
from lambdas.core.key_set import KeySet
from lambdas.core.plan_row import ExcludedRow, Exclusion, Row, RowRules, check_template, locate, render
from lambdas.core.plan_totals import PlanTotals
from lambdas.core.planned_row import PlannedRow
from lambdas.core.simulator import is_simulator

MAX_RENDERED_CHARACTERS = 20_000_000
"""Of all messages of an inline campaign: a request of 4 MB must not make gigabytes of messages."""
BATCH_ROWS = 1_000
BATCH_BYTES = 1024 * 1024
"""Recipients that are planned together, as many or as much: their opt-outs are read at once."""

OptedOut = Callable[[Channel, Collection[str]], Collection[str]]
"""Answers which of some destinations have opted out of a channel."""


class LaneRow(NamedTuple):
    """A planned row and the lane it belongs to; `row.row` is its place in that lane."""

    lane: str
    row: PlannedRow


class _Candidate(NamedTuple):
    recipient: Recipient
    destination: Destination
    zone: str


class Planning:
    """Plans the recipients of one campaign in the order they come.

    Rows are numbered within their lane; the campaign's numbers follow once all lanes are known, because a lane is a run
    of the campaign's rows (`PlanTotals.lanes`). The first row of a destination wins; later ones are duplicates, except
    for simulator destinations, which reach nobody and let a test campaign be of any size. Nothing here depends on
    time (`RowRules.zones` says since when it looks) or on how the recipients are cut into batches, so planning twice
    gives the same rows in the same order.
    """

    def __init__(self, rules: RowRules, opted_out: OptedOut, *, seen: KeySet, totals: PlanTotals) -> None:
        self._rules = rules
        self._opted_out = opted_out
        self.seen = seen
        self.totals = totals

    def plan(self, rows: Sequence[Row]) -> Iterator[LaneRow | ExcludedRow]:
        """The outcomes of a batch, in its order, each made when it is asked for: ask for all of them."""
        located = [row if isinstance(row, ExcludedRow) else self._locate(row) for row in rows]
        self._learn_templates(each.recipient for each in located if isinstance(each, _Candidate))
        blocked = self._blocked(candidate for candidate in located if isinstance(candidate, _Candidate))
        for each in located:
            outcome = self._outcome(each, blocked)
            if isinstance(outcome, ExcludedRow):
                self.totals.exclude(outcome)
            yield outcome

    def _learn_templates(self, recipients: Iterable[Recipient]) -> None:
        if self._rules.templates is not None:
            choices = (choice for recipient in recipients for choice in recipient.choices)
            self._rules.templates.learn(
                (choice.channel, choice.content) for choice in choices if choice.channel in self._rules.channels
            )

    def _locate(self, recipient: Recipient) -> _Candidate | ExcludedRow:
        found = locate(recipient, self._rules)
        if isinstance(found, ExcludedRow):
            return self._locate_next(recipient) or found
        zone = self._rules.zones.of(recipient.channel, found.address, recipient.timezone)
        if zone is None:
            return ExcludedRow(recipient.row, Exclusion.UNKNOWN_TIMEZONE, customer_id=recipient.customer_id)
        is_new = self.seen.add(f"{recipient.channel}:{found.address}")
        if not is_new and not is_simulator(found.address):
            return ExcludedRow(recipient.row, Exclusion.DUPLICATE, customer_id=recipient.customer_id)
        return _Candidate(recipient, found, zone)

    def _locate_next(self, recipient: Recipient) -> _Candidate | None:
        """The recipient on the next channel that it can be reached on, if there is one."""
        later = recipient.without_first()
        located = self._locate(later) if later is not None else None
        return located if isinstance(located, _Candidate) else None

    def _blocked(self, candidates: Iterable[_Candidate]) -> frozenset[tuple[Channel, str]]:
        by_channel: dict[Channel, dict[str, None]] = {}
        for candidate in candidates:
            by_channel.setdefault(candidate.recipient.channel, {})[candidate.destination.address] = None
            for channel, destination in self._alternatives(candidate.recipient):
                by_channel.setdefault(channel, {})[destination.address] = None
        return frozenset(
            (channel, address)
            for channel, addresses in by_channel.items()
            for address in self._opted_out(channel, tuple(addresses))
        )

    def _outcome(
        self, located: _Candidate | ExcludedRow, blocked: Collection[tuple[Channel, str]]
    ) -> LaneRow | ExcludedRow:
        if isinstance(located, ExcludedRow):
            return located
        recipient, destination = located.recipient, located.destination
        if (recipient.channel, destination.address) in blocked:
            opted_out = ExcludedRow(recipient.row, Exclusion.OPTED_OUT, customer_id=recipient.customer_id)
            return self._next_outcome(recipient, blocked) or opted_out
        lane = self.totals.lane_of(recipient.channel, located.zone)
        outcome = self._rendered(recipient, destination, self.totals.rows_of(lane))
        if isinstance(outcome, ExcludedRow):
            return self._next_outcome(recipient, blocked) or outcome
        outcome = chained([outcome, *self._fallback(recipient, blocked)], self._rules.options)
        self.totals.add(lane, outcome, highest_chain_usd(outcome, self._rules.options))
        return LaneRow(lane, outcome)

    def _rendered(self, choice: Recipient, destination: Destination, row: int) -> PlannedRow | ExcludedRow:
        refused = None if self._rules.templates is None else check_template(choice, self._rules.templates)
        return refused or render(choice, destination, row, self._rules.max_price_usd, self._rules.prices)

    def _next_outcome(self, recipient: Recipient, blocked: Collection[tuple[Channel, str]]) -> LaneRow | None:
        """The message on the next channel that can take it: one that the first cannot take is not lost for that."""
        located = self._locate_next(recipient)
        outcome = self._outcome(located, blocked) if located is not None else None
        return outcome if isinstance(outcome, LaneRow) else None

    def _alternatives(self, recipient: Recipient) -> Iterator[tuple[Channel, Destination]]:
        """The other channels on which a recipient can be reached."""
        for choice in recipient.alternatives:
            found = locate(choice, self._rules)
            if not isinstance(found, ExcludedRow):
                yield choice.channel, found

    def _fallback(self, recipient: Recipient, blocked: Collection[tuple[Channel, str]]) -> Iterator[PlannedRow]:
        """The message on the other channels that can take it; who has opted out of one is not asked there later."""
        destinations = dict(self._alternatives(recipient))
        for choice in recipient.alternatives:
            destination = destinations.get(choice.channel)
            if destination is None or (choice.channel, destination.address) in blocked:
                continue
            rendered = self._rendered(choice, destination, 0)
            if isinstance(rendered, PlannedRow):
                yield rendered


def new_planning(rules: RowRules, opted_out: OptedOut, name: str = "") -> Planning:
    """A planning that has seen nothing yet; `name` keys its tables, so the same name plans the same way again."""
    key = name.encode()
    return Planning(rules, opted_out, seen=KeySet(key), totals=PlanTotals(KeySet(key)))


def batches(rows: Iterable[Row], read_bytes: Callable[[], int] = lambda: 0) -> Iterator[list[Row]]:
    """Rows in the batches that `Planning.plan` takes; `read_bytes` tells how much has been read for them, so that a
    batch of large rows is a short one."""
    batch: list[Row] = []
    start = read_bytes()
    for row in rows:
        batch.append(row)
        if len(batch) >= BATCH_ROWS or read_bytes() - start >= BATCH_BYTES:
            yield batch
            batch, start = [], read_bytes()
    if batch:
        yield batch


def require_room(recipients: Iterable[Recipient]) -> None:
    """Refuse messages that are too much together, by their lengths alone; raises `RequestError`."""
    choices = (choice for recipient in recipients for choice in recipient.choices)
    lengths = (choice.content.rendered_lengths(choice.variables) for choice in choices)
    # One that is too long by itself is left out of the plan and never rendered.
    characters = sum(sum(texts) for texts in lengths if max(texts) <= MAX_TEXT_CHARACTERS)
    if characters > MAX_RENDERED_CHARACTERS:
        raise RequestError(
            [
                f"the messages of all recipients have {characters} characters with their variables filled in, "
                f"more than {MAX_RENDERED_CHARACTERS}; split the audience"
            ]
        )
