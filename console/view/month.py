"""What a month costs, as lines: so far and to its end, by day, by channel, on AWS's bill, and by reading it here."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from console.domain import ApiUse, Spend
from console.forecast import LEAST_DAYS, Forecast, month_forecast
from console.telemetry import Bill
from console.view import format as fmt
from console.view.bars import Bar, bars
from console.view.glyphs import Glyphs
from console.view.progress import progress_bar
from console.view.segments import Line, Role, cut, line, pad, pad_left, spread, width

NAME_CELLS = 15
FIGURE_CELLS = 10
THOUSAND = 1_000


@dataclass(frozen=True, slots=True)
class OwnSpend:
    """What the console's own calls cost: in this run, and of a month's budget (both US dollars, None without one).

    `steps` are (share of the budget, how many times rarer reads are from there on); `slowness` is that of now.
    """

    run: ApiUse
    month_usd: float | None
    budget_usd: float
    slowness: float
    steps: Sequence[tuple[float, float]]
    trouble: str = ""


def money_lines(spend: Spend, now: float, columns: int) -> list[Line]:
    """Today, the month so far, the month to its end with its band, what open campaigns hold of their caps."""
    forecast = month_forecast(spend, now)
    cap = f"of {fmt.money(spend.cap)} cap" if spend.cap else "no open cap"
    return [
        _row("today", fmt.money(spend.today_usd), "since midnight UTC", columns),
        _row("month to date", fmt.money(spend.month_to_date_usd), "", columns),
        _row("month, estimate", fmt.money(forecast.expected), f"{forecast.days_left:.1f} d left", columns),
        _band(forecast, columns),
        _row("reserved", fmt.money(spend.reserved), cap, columns),
    ]


def _band(forecast: Forecast, columns: int) -> Line:
    if forecast.low is None or forecast.high is None:
        words = f"none before {LEAST_DAYS} full days, one of them with messages"
    else:
        words = f"{fmt.money(forecast.low)} to {fmt.money(forecast.high)}"
    how = "  2 deviations of a day x root of the days left"
    pieces = line((pad("  band", NAME_CELLS), Role.MUTED), (words, Role.STRONG))
    explained = (*pieces, *line((how, Role.MUTED)))
    return explained if width(explained) <= columns else cut(pieces, columns)


def _row(name: str, figure: str, note: str, columns: int) -> Line:
    """A name, its figure, and what is said of it where that fits whole."""
    pieces = line((pad(name, NAME_CELLS), Role.MUTED), (pad_left(figure, FIGURE_CELLS), Role.STRONG))
    noted = (*pieces, *line((f" {note}", Role.MUTED)))
    return noted if width(noted) <= columns else cut(pieces, columns)


def channel_lines(spend: Spend, columns: int) -> list[Line]:
    """What a thousand messages of each channel have cost this month."""
    if not any(sums.sent for sums in spend.by_channel.values()):
        return [line(("nothing was sent this month", Role.MUTED))]
    sent_cells, cost_cells, rate_cells = (8, 9, 10) if columns < 48 else (12, 12, 12)
    header = f"{pad('CHANNEL', 9)}{pad_left('SENT', sent_cells)}{pad_left('COST', cost_cells)}"
    rows = [
        line(
            f"{pad(name, 9)}{pad_left(fmt.count(sums.sent), sent_cells)}{pad_left(fmt.money(sums.usd), cost_cells)}",
            (pad_left(fmt.money(sums.usd / sums.sent * THOUSAND if sums.sent else None), rate_cells), Role.STRONG),
        )
        for name, sums in sorted(spend.by_channel.items())
    ]
    header += pad_left("PER 1,000", rate_cells)
    return [cut(each, columns) for each in [line((header, Role.MUTED)), *rows]]


def day_lines(spend: Spend, now: float, *, columns: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """A bar for each day of the month."""
    today = datetime.fromtimestamp(now, UTC).date()
    days = range(1, monthrange(today.year, today.month)[1] + 1)
    figures = []
    for number in days:
        day = today.replace(day=number).isoformat()
        role = Role.ACHIEVED if day == spend.today else Role.MUTED
        figures.append(Bar(spend.by_day.get(day), str(number), role))
    return bars(figures, columns=columns, rows=rows, glyphs=glyphs)


def day_note(spend: Spend) -> str:
    """The dearest day."""
    if not any(spend.by_day.values()):
        return "nothing spent yet"
    day, usd = max(spend.by_day.items(), key=lambda entry: entry[1])
    return f"{day[:7]}, most on day {int(day[8:])}: {fmt.money(usd)}"


def bill_lines(bill: Bill | None, *, columns: int, rows: int) -> list[Line]:
    """AWS's own account of the month by service, the dearest first; the rest in one line."""
    if bill is None:
        return [line(("an embedded cloud has no bill", Role.MUTED))]
    lines = [_row("month to date", fmt.money(sum(bill.by_service.values())), "", columns)]
    ordered = sorted(bill.by_service.items(), key=lambda entry: (-entry[1], entry[0]))
    room = max(1, rows - len(lines))
    shown = ordered if len(ordered) <= room else ordered[: room - 1]
    lines += [_service(name, usd, columns) for name, usd in shown]
    if len(ordered) > len(shown):
        rest = sum(usd for _, usd in ordered[len(shown) :])
        lines.append(_service(f"{len(ordered) - len(shown)} services more", rest, columns))
    return lines


def bill_badge(bill: Bill, now: float) -> Line:
    """When AWS was asked."""
    return line((f"as of {fmt.stamp(bill.as_of)[:16]}Z, {fmt.age(now - bill.as_of)} ago", Role.MUTED))


def _service(name: str, usd: float, columns: int) -> Line:
    return spread(line(name), line((fmt.money(usd), Role.STRONG)), columns)


def own_lines(own: OwnSpend, columns: int, glyphs: Glyphs) -> list[Line]:
    """Calls and dollars of this run, the month against the budget, and what the budget slows."""
    lines = [_row("this run", fmt.money(own.run.usd), f"{fmt.count(own.run.calls)} calls", columns)]
    if own.month_usd is None:
        return [*lines, cut(line(("no budget is kept for this stack", Role.MUTED)), columns)]
    if own.budget_usd <= 0:
        return [*lines, _row("this month", fmt.money(own.month_usd), "no budget: nothing slows reading", columns)]
    share = own.month_usd / own.budget_usd
    lines.append(_row("this month", fmt.money(own.month_usd), f"of {fmt.money(own.budget_usd)}", columns))
    words = line((f" {fmt.percent(own.month_usd, own.budget_usd)}", Role.STRONG))
    bar = progress_bar(((min(1.0, share), Role.WARN if own.slowness > 1 else Role.OK),), columns - width(words), glyphs)
    lines.append((*bar, *words))
    steps = ", ".join(f"{factor:g}x from {100 * least:.0f} %" for least, factor in sorted(own.steps))
    now = f"reads are {own.slowness:g}x rarer" if own.slowness > 1 else "reads at full pace"
    lines.append(cut(line((now, Role.WARN if own.slowness > 1 else Role.PLAIN), (f"; {steps}", Role.MUTED)), columns))
    if own.trouble:
        lines.append(cut(line((f"{glyphs.warn} {own.trouble}", Role.WARN)), columns))
    return lines
