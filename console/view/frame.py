"""The frame of every screen as lines: header, banner, breadcrumbs, status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.domain import Fetched, Overview, Problem, ProblemKind
from console.view import format as fmt
from console.view.glyphs import Glyphs
from console.view.segments import Line, Role, Segment, cut, line, spread, width

WIDE_HEADER = 100


def header_row(overview: Overview, *, columns: int, glyphs: Glyphs) -> Line:
    """Where am I: environment, stack, read-only or not, account, region, profile, age of the data.

    Profile, region and account go as a whole where there is no room; which stack this is, is the last thing to be cut.
    """
    stack = overview.stack
    prod = stack.environment == "prod"
    right = _liveness(overview, columns, glyphs)
    left = line(
        Segment(f" {stack.environment.upper()} ", Role.ALARM if prod else Role.ACCENT, badge=True),
        (f" {stack.project}/{stack.stack} ", Role.STRONG),
        ("RW" if stack.actions_allowed else "RO", Role.WARN if stack.actions_allowed and prod else Role.STRONG),
    )
    for where in filter(None, (stack.account_id, stack.region, stack.profile and f"profile {stack.profile}")):
        longer = (*left, Segment(f" {glyphs.separator} {where}", Role.MUTED))
        if width(longer) + 1 + width(right) <= columns:
            left = longer
    return spread(left, right, columns)


def _liveness(overview: Overview, columns: int, glyphs: Glyphs) -> Line:
    if overview.stack.replayed:
        moment = f" {fmt.stamp(overview.taken_at)[:10]} {fmt.clock(overview.taken_at)} "
        held = ("PAUSED ", Role.WARN) if overview.paused else ""
        return line(held, Segment(" REPLAY ", Role.WARN, badge=True), (moment, Role.STRONG))
    if overview.paused:
        return line(Segment(" PAUSED ", Role.WARN, badge=True))
    feeds = overview.feeds().values()
    troubled = sum(feed.error is not None for feed in feeds)
    if troubled:
        return line((f"{glyphs.warn} {troubled} of {len(overview.feeds())} feeds STALE ", Role.WARN))
    if any(feed.at is None for feed in feeds):
        return line((f"{glyphs.loading} LOADING ", Role.MUTED))
    oldest = f"oldest {fmt.age(max(feed.age(overview.taken_at) or 0.0 for feed in feeds))}"
    clock = f"{fmt.clock(overview.taken_at)} " if columns >= WIDE_HEADER else ""
    return line((f"{glyphs.ok} LIVE ", Role.OK), (f"{clock}{oldest} ", Role.MUTED))


def banner_row(feeds: Mapping[str, Fetched[object]], now: float, *, columns: int, glyphs: Glyphs) -> Line:
    """Credentials that have run out, with the command that renews them; nothing while all is well."""
    for feed in feeds.values():
        if feed.error is not None and feed.error.kind is ProblemKind.CREDENTIALS:
            since = "" if feed.at is None else f" since {fmt.clock(feed.at)}"
            command = feed.error.command
            remedy = f"{command}  (L runs it)" if command else feed.error.remedy
            return cut(
                line(
                    (f" {glyphs.alarm} {feed.error.sentence}{since}: ", Role.ALARM),
                    (remedy, Role.STRONG),
                ),
                columns,
            )
    return ()


def broken_row(problem: Problem, *, columns: int, glyphs: Glyphs) -> Line:
    """Where a value was read that cannot be shown."""
    return cut(line((f"{glyphs.warn} what was read cannot be shown: {problem.sentence}", Role.WARN)), columns)


def working_words(doing: str, seconds: float, leave: str, glyphs: Glyphs) -> str:
    """What is waited for; from a second on how long, and how to `leave`."""
    since = f": working {fmt.age(seconds)}, {leave}" if seconds >= SLOW_SECONDS else ""
    return f"{glyphs.loading} {doing}{since}"


def crumbs_row(trail: Sequence[str], note: str, *, columns: int, glyphs: Glyphs) -> Line:
    """The way here, and what is shown of it."""
    pieces: list[Segment] = [Segment(" ")]
    for number, name in enumerate(trail):
        last = number == len(trail) - 1
        if number:
            pieces.append(Segment(f" {glyphs.deeper} ", Role.MUTED))
        pieces.append(Segment(name, Role.STRONG if last else Role.MUTED))
    return spread(tuple(pieces), line((f"{note} ", Role.ACCENT)), columns)


def status_row(overview: Overview, feeds: Mapping[str, Fetched[object]], *, columns: int, glyphs: Glyphs) -> Line:
    """The console's own state: trouble by feed, calls, dollars, what slows it."""
    troubles = [f"{name} {feed.error.kind.value}" for name, feed in feeds.items() if feed.error is not None]
    slow = [name for name, feed in feeds.items() if _is_slow(feed, overview.taken_at)]
    if troubles:
        left = line((f" {glyphs.warn} " + ", ".join(troubles), Role.WARN))
    elif slow:
        name = slow[0]
        left = line(
            (f" {glyphs.loading} {name} asked {fmt.age(_waited(feeds[name], overview.taken_at))} ago", Role.MUTED)
        )
    else:
        left = line((" all feeds answer", Role.MUTED))
    if overview.note:
        left = (*left, Segment(f" {glyphs.separator} {overview.note}", Role.ACCENT))
    budget = f"budget slows reading {overview.slowness:g}x {glyphs.separator} " if overview.slowness > 1 else ""
    right = line(
        (budget, Role.WARN),
        (
            f"API {fmt.count(overview.api.calls)} calls {fmt.money(overview.api.usd)} {glyphs.separator} UTC ",
            Role.MUTED,
        ),
    )
    return spread(left, right, columns)


SLOW_SECONDS = 1.0


def _waited(feed: Fetched[object], now: float) -> float:
    return 0.0 if feed.reading_since is None else now - feed.reading_since


def _is_slow(feed: Fetched[object], now: float) -> bool:
    return _waited(feed, now) >= SLOW_SECONDS
