"""The overview's panels as lines, from one snapshot; sizes in cells, nothing about terminals."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain import NEWEST_CAMPAIGNS, Alarm, AlarmState, Fetched, Message, Overview, Spend
from console.forecast import month_forecast
from console.tallies import Tally, is_open, is_sending, tally
from console.view import format as fmt
from console.view.glyphs import STATUS_ROLES, Glyphs, alarm_badge, status_glyph
from console.view.progress import progress_bar
from console.view.reasons import status_words
from console.view.segments import Line, Role, Segment, cut, line, pad, pad_left, pad_tail, spread, width
from lambdas.core.campaign import CampaignSummary

DAY_SECONDS = 86_400.0
_ORDER = {AlarmState.ALARM: 0, AlarmState.NODATA: 1, AlarmState.OK: 2}


def waiting(feed: Fetched[object], now: float, glyphs: Glyphs) -> list[Line]:
    """What a panel shows before its first value: loading with its seconds, or the trouble."""
    if feed.error is not None:
        return problem_lines(feed, now, glyphs)
    elapsed = "" if feed.reading_since is None else f" {fmt.age(now - feed.reading_since)}"
    return [line((f"{glyphs.loading} LOADING{elapsed}", Role.MUTED))]


def problem_lines(feed: Fetched[object], now: float, glyphs: Glyphs) -> list[Line]:
    """One feed's trouble: the sentence, the remedy, the next attempt."""
    if feed.error is None:
        return []
    lines = [line((f"{glyphs.warn} {feed.error.sentence}", Role.WARN))]
    if feed.error.remedy:
        lines.append(line((feed.error.remedy, Role.PLAIN)))
    if feed.retry_at is not None:
        lines.append(line((f"asked again in {fmt.span(feed.retry_at - now)}", Role.MUTED)))
    return lines


def freshness(feed: Fetched[object], now: float, glyphs: Glyphs) -> Line:
    """The badge of a panel: age of its data, and the trouble since."""
    old = fmt.age(feed.age(now))
    if feed.error is None:
        return line((f"{old} old" if feed.at is not None else f"{glyphs.loading}", Role.MUTED))
    kept = f"data from {fmt.clock(feed.at)}, {old} old" if feed.at is not None else "no data"
    again = "" if feed.retry_at is None else f", again in {fmt.age(feed.retry_at - now)}"
    return line((f"{glyphs.warn} {feed.error.kind.value}: {kept}{again}", Role.WARN))


def alarm_rows(
    alarms: Sequence[Alarm], now: float, *, columns: int, rows: int, glyphs: Glyphs, prefix: str = ""
) -> list[Line]:
    """Alarms, the ones in ALARM first and newest first, without the stack's common `prefix`.

    The last row says how many are left out, and whether one of them is loud.
    """
    if not alarms:
        return [line(("this stack has no alarms", Role.MUTED))]
    ordered = sorted(alarms, key=lambda alarm: (_ORDER[alarm.state], alarm.severity != "critical", -(alarm.since or 0)))
    room = rows if len(ordered) <= rows else rows - 1
    lines = [_alarm_row(alarm, now, columns, glyphs, prefix) for alarm in ordered[: max(0, room)]]
    if len(ordered) > room:
        rest = ordered[max(0, room) :]
        loud = sum(alarm.state is AlarmState.ALARM for alarm in rest)
        words = f"{len(rest)} more, {loud} of them in ALARM" if loud else f"{len(rest)} more, none in ALARM"
        lines.append(line((words, Role.WARN if loud else Role.MUTED)))
    return lines


def _alarm_row(alarm: Alarm, now: float, columns: int, glyphs: Glyphs, prefix: str) -> Line:
    since = fmt.age(None if alarm.since is None else now - alarm.since)
    badge = alarm_badge(alarm, glyphs)
    loud = alarm.state is AlarmState.ALARM
    reason = f"  {alarm.reason}" if loud and columns >= 70 else ""
    name = alarm.name.removeprefix(prefix) or alarm.name
    body = line(badge, " ", (name, Role.STRONG if loud else Role.PLAIN), (reason, Role.MUTED))
    return spread(body, line((pad_left(since, 4), Role.MUTED)), columns)


def alarm_summary(alarms: Sequence[Alarm]) -> str:
    """How many are in which state, for the panel's title."""
    loud = sum(alarm.state is AlarmState.ALARM for alarm in alarms)
    return f"{loud} of {len(alarms)} in ALARM" if loud else f"{len(alarms)}, none in ALARM"


def shown_campaigns(campaigns: Sequence[CampaignSummary]) -> list[CampaignSummary]:
    """The campaigns that the panel is about: the open ones, else the last one."""
    return [campaign for campaign in campaigns if is_open(campaign)] or list(campaigns[:1])


def campaign_rows(
    campaigns: Sequence[CampaignSummary],
    now: float,
    *,
    columns: int,
    rows: int,
    glyphs: Glyphs,
    selected: str | None = None,
) -> list[Line]:
    """The open campaigns, else the last one: two lines each, with a bar of what became of its messages.

    As many as fit, the `selected` one (by id) among them; it is marked where there are several.
    """
    if not campaigns:
        return [line(("no campaign yet; press ", Role.MUTED), ("a", Role.ACCENT), (" to send a test", Role.MUTED))]
    shown = shown_campaigns(campaigns)
    per = max(1, rows // 2)
    place = next((number for number, campaign in enumerate(shown) if campaign.id == selected), 0)
    first = max(0, place - per + 1)
    lines: list[Line] = []
    for campaign in shown[first : first + per]:
        marked = len(shown) > 1 and campaign.id == selected
        lines += _campaign(campaign, columns, glyphs, marked=marked)
    if len(shown) > per and lines:
        lines[-1] = spread(lines[-1], line((f" {len(shown) - per} more open", Role.WARN)), columns)
    return lines


def _campaign(campaign: CampaignSummary, columns: int, glyphs: Glyphs, *, marked: bool) -> list[Line]:
    counts = tally(campaign)
    whole = max(1, campaign.recipients)
    status = campaign.status.value
    role = STATUS_ROLES[status]
    reason = status_words(campaign)
    eta = campaign.eta_seconds()
    end = f"ETA {fmt.span(eta)}" if eta is not None else "all receipts in" if campaign.settled else ""
    left = line(
        (f"{status_glyph(status, glyphs)} {status.upper()}{reason}", role),
        " ",
        Segment(campaign.id, badge=marked),
        (f" at {fmt.rate(campaign.throughput_tps)}, achieved {fmt.rate(campaign.achieved_tps)}", Role.MUTED),
    )
    right = line((end, Role.STRONG if is_sending(campaign) else Role.MUTED))
    final = counts.delivered + counts.failed + counts.in_doubt
    figures = line(
        f" {fmt.count(final)}/{fmt.count(campaign.recipients)} ",
        (fmt.percent(final, campaign.recipients), Role.STRONG),
        (f"  {fmt.money(campaign.cost_usd)}", Role.MUTED),
    )
    bar = progress_bar(
        (
            (counts.delivered / whole, Role.OK),
            (counts.failed / whole, Role.ALARM),
            (counts.in_doubt / whole, Role.WARN),
            (counts.awaiting_receipt / whole, Role.ACCENT),
        ),
        max(1, columns - width(figures)),
        glyphs,
    )
    return [spread(left, right, columns), cut((*bar, *figures), columns)]


def recent(campaigns: Sequence[CampaignSummary], now: float) -> list[CampaignSummary]:
    """The campaigns that count as current: open ones and those of the last 24 hours."""
    return [c for c in campaigns if is_open(c) or now - c.created_ms / 1000 <= DAY_SECONDS]


def delivery_note(campaigns: Sequence[CampaignSummary], now: float) -> str:
    """What the sums are of where campaigns of the last 24 hours may be missing: more were created than are listed."""
    cut = len(campaigns) >= NEWEST_CAMPAIGNS == len(recent(campaigns[:NEWEST_CAMPAIGNS], now))
    return f"newest {NEWEST_CAMPAIGNS} and open" if cut else ""


def list_note(campaigns: Sequence[CampaignSummary]) -> str:
    """What a list of campaigns holds where older ones may be missing from it."""
    return f"newest {NEWEST_CAMPAIGNS} and all open" if len(campaigns) >= NEWEST_CAMPAIGNS else ""


def delivery(campaigns: Sequence[CampaignSummary], now: float) -> tuple[Tally, dict[str, dict[str, int]]]:
    """Messages of current campaigns by state, and the counters by channel; single messages belong to none."""
    current = recent(campaigns, now)
    total = sum((tally(campaign) for campaign in current), Tally())
    by_channel: dict[str, dict[str, int]] = {}
    for campaign in current:
        for channel, counts in campaign.channels.items():
            sums = by_channel.setdefault(channel, dict.fromkeys(("sent", "delivered", "failed", "in_doubt"), 0))
            for name in sums:
                sums[name] += getattr(counts, name)
    return total, dict(sorted(by_channel.items()))


def delivery_rows(
    campaigns: Sequence[CampaignSummary], now: float, *, columns: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    """Messages by state with their share; where `rows` are too few, states without a message are left out first."""
    total, _ = delivery(campaigns, now)
    states = (
        ("delivered", "delivered", total.delivered),
        ("sent", "awaiting receipt", total.awaiting_receipt),
        ("queued", "to be sent", total.queued),
        ("failed", "failed", total.failed),
        ("in_doubt", "in doubt", total.in_doubt),
        ("cancelled", "not sent", total.not_sent),
    )
    shown = [state for state in states if state[2] or state[0] != "cancelled"]
    while len(shown) > rows and (empty := [state for state in shown if not state[2]]):
        shown.remove(empty[-1])
    lines = []
    for status, words, number in shown:
        loud = number > 0 and status in ("failed", "in_doubt", "delivered")
        role = STATUS_ROLES[status] if loud else Role.MUTED if number == 0 else Role.PLAIN
        lines.append(
            cut(
                line(
                    (f"{status_glyph(status, glyphs)} {pad(words, 17)}", role),
                    (pad_left(fmt.count(number), 7), Role.STRONG if number else Role.MUTED),
                    (pad_left(fmt.percent(number, total.total), 9), Role.MUTED),
                ),
                columns,
            )
        )
    return lines


def cost_rows(spend: Spend, now: float, overview: Overview, *, columns: int, rows: int) -> list[Line]:
    """Today, the month, the forecast (an estimate, said so), what is reserved, and what the console itself costs.

    Where `rows` are too few, what is reserved is left out first.
    """
    cap = "" if not spend.cap else f" of {fmt.money(spend.cap)} cap"
    figures = [
        ("today", fmt.money(spend.today_usd), " messages of this day, UTC"),
        ("month to date", fmt.money(spend.month_to_date_usd), ""),
        ("month, estimate", fmt.money(forecast(spend, now)), " at this pace"),
        ("reserved", fmt.money(spend.reserved), f" not yet spent{cap}"),
        ("this console", fmt.money(overview.api.usd), f" {fmt.count(overview.api.calls)} calls"),
    ]
    if len(figures) > rows:
        figures = [each for each in figures if each[0] != "reserved"]
    room = columns - 26
    return [
        cut(
            line(
                (pad(name, 16), Role.MUTED),
                (pad_left(figure, 10), Role.STRONG),
                (note if len(note) <= room else "", Role.MUTED),
            ),
            columns,
        )
        for name, figure, note in figures
    ]


def forecast(spend: Spend, now: float) -> float:
    """The month's spend if it goes on as until now."""
    return month_forecast(spend, now).expected


def message_rows(messages: Sequence[Message], *, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """The last messages: status, time, channel, id, customer, time to the receipt."""
    if not messages:
        return [line(("no message of the newest campaign yet", Role.MUTED))]
    lines = []
    for message in messages[:rows]:
        took = None if message.changed_ms is None else max(0, message.changed_ms - message.created_ms) / 1000
        lines.append(
            cut(
                line(
                    (
                        f"{status_glyph(message.status, glyphs)} {pad(message.status, 9)} ",
                        STATUS_ROLES.get(message.status, Role.PLAIN),
                    ),
                    (f"{fmt.clock(message.created_ms / 1000)} ", Role.MUTED),
                    (f"{pad(message.channel, 8)} ", Role.MUTED),
                    pad_tail(message.id, 16 if columns < 96 else 36) + " ",
                    (pad(message.customer_id, 10 if columns < 96 else 16) + " ", Role.MUTED),
                    (pad_left(fmt.span(took) if took else fmt.MISSING, 8), Role.PLAIN),
                    (f"  {message.reason}", Role.WARN),
                ),
                columns,
            )
        )
    return lines
