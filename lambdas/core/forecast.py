"""When a campaign will be through: its own pace, each channel's rate, account quotas, send windows and caps together.

The campaign is followed from one event to the next (a window opens, a channel is through, a quota is used up), with the
messages of each lane flowing at the lowest of the rates that hold in between. Times are seconds since the epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from lambdas.core.channels import Channel, Routes
from lambdas.core.work import campaign_rate

MICROSECOND = 1_000_000
DAY_S = 86_400.0
HORIZON_S = 400 * DAY_S
"""A campaign that is not through after this long is told to have no end."""
MAX_STEPS = 5_000
NEVER = math.inf
_NOTHING = 1e-6


class Opening(Protocol):
    """A time in which a window is open, in epoch microseconds."""

    @property
    def start_us(self) -> int:
        """When it begins."""

    @property
    def end_us(self) -> int:
        """When it ends."""


class Window(Protocol):
    """A send window."""

    def next_opening(self, zones: str, at_us: int) -> Opening | None:
        """The opening of a zone that holds at an instant, else the next one."""


class ForecastLane(NamedTuple):
    """Messages that wait for one channel and one zone's window, and what they come to in parts and US dollars:
    `cost_usd` as planned, which AWS's own limit counts, `highest_usd` at the highest prices, which caps book."""

    channel: Channel
    messages: int
    parts: int
    cost_usd: float
    highest_usd: float
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Everything that holds a campaign back; an empty mapping or None holds nothing back.

    `tps` is the campaign's own pace in messages, `rates` are message parts per second that campaigns may take of each
    channel, `daily_quotas` messages per 24 hours of a channel's account, `spend_cap_usd` what is left of the campaign's
    money, `daily_cap_usd` what all campaigns may spend in a UTC day, `sms_monthly_usd` the account's SMS spend limit of
    a month, at which AWS refuses and the campaign pauses.
    """

    tps: float
    rates: Mapping[Channel, float]
    window: Window | None = None
    daily_quotas: Mapping[Channel, int] = field(default_factory=dict)
    spend_cap_usd: float | None = None
    daily_cap_usd: float | None = None
    sms_monthly_usd: float | None = None

    @classmethod
    def of(cls, routes: Routes, tps: float, **others: Any) -> Limits:
        """The limits of a campaign over a stack's routes."""
        return cls(tps, {channel: campaign_rate(route.rate) for channel, route in routes.items()}, **others)

    def without_each(self) -> dict[str, Limits]:
        """What would hold if one limit did not, by its name; money that stops a campaign is no matter of time."""
        lifted = {"throughput_tps": replace(self, tps=NEVER)}
        for channel in self.rates:
            lifted[f"{channel}_rate"] = replace(self, rates={**self.rates, channel: NEVER})
        for channel in self.daily_quotas:
            left = {other: quota for other, quota in self.daily_quotas.items() if other is not channel}
            lifted[f"{channel}_daily_quota"] = replace(self, daily_quotas=left)
        if self.window is not None:
            lifted["send_window"] = replace(self, window=None)
        if self.daily_cap_usd is not None:
            lifted["daily_cap"] = replace(self, daily_cap_usd=None)
        if self.sms_monthly_usd is not None:
            lifted["sms_monthly_spend"] = replace(self, sms_monthly_usd=None)
        return lifted


class Forecast(NamedTuple):
    """How long a campaign takes from `start_s` on, `seconds` without an end being infinite.

    `limited_by` names the limit that binds: without it the campaign would end soonest; `saves` tells for each limit by
    how many seconds. `unsent` messages stay because the money ends first. At `pauses_s` (epoch), if not None, the
    campaign pauses at the account's monthly spend limit; `seconds` holds if it is resumed when the next month begins.
    """

    start_s: float
    seconds: float
    unsent: int
    limited_by: str | None
    saves: Mapping[str, float]
    pauses_s: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As a plan shows it; without an end the time is null."""
        ends = math.isfinite(self.seconds)
        return {
            "starts_at": _rfc_3339(self.start_s),
            "ends_at": _rfc_3339(self.start_s + self.seconds) if ends else None,
            "duration_seconds": round(self.seconds, 1) if ends else None,
            "limited_by": self.limited_by,
            "without_limit_saves_seconds": {
                name: round(seconds, 1) if math.isfinite(seconds) else None for name, seconds in self.saves.items()
            },
            "unsent_for_lack_of_money": self.unsent,
            "pauses_at": None if self.pauses_s is None else _rfc_3339(self.pauses_s),
        }


def forecast(lanes: Sequence[ForecastLane], limits: Limits, start_s: float) -> Forecast:
    """Follow a campaign of these lanes from `start_s` on."""
    lanes = [lane for lane in lanes if lane.messages]
    course = _follow(lanes, limits, start_s)
    seconds, unsent = course.seconds, course.unsent
    if not lanes:
        return Forecast(start_s, 0.0, 0, None, {})
    saves = {}
    for name, lifted in limits.without_each().items():
        others = _follow(lanes, lifted, start_s).seconds
        if seconds - others > _NOTHING or (not math.isfinite(seconds) and math.isfinite(others)):
            saves[name] = seconds - others
    saves = dict(sorted(saves.items(), key=lambda item: -item[1]))
    binding = next(iter(saves), None) or _slowest_alone(lanes, limits, start_s)
    return Forecast(start_s, seconds, unsent, "spend_cap" if unsent else binding, saves, course.pauses_s)


def _slowest_alone(lanes: Sequence[ForecastLane], limits: Limits, start_s: float) -> str | None:
    """Of limits that bind to the same degree, the one that alone takes longest."""
    names = limits.without_each()
    alone = {}
    for name in names:
        others = limits
        for other in names.keys() - {name}:
            others = others.without_each().get(other, others)
        alone[name] = _follow(lanes, others, start_s).seconds
    return max(alone, key=lambda name: alone[name], default=None)


@dataclass(frozen=True, slots=True)
class _Course:
    """Seconds until the last message, infinite without an end, the messages that stay for lack of money, and when the
    account's monthly limit first pauses the campaign (epoch seconds)."""

    seconds: float
    unsent: int
    pauses_s: float | None


class _Flow:
    """A campaign under way: what is left of each lane, and of the quotas and the money."""

    def __init__(self, lanes: Sequence[ForecastLane], limits: Limits, start_s: float) -> None:
        self.lanes = lanes
        self.limits = limits
        self.now = start_s
        self.left = [float(lane.messages) for lane in lanes]
        self.cap = NEVER if limits.spend_cap_usd is None else limits.spend_cap_usd
        self._quota_until = start_s + DAY_S
        self._quotas = {channel: float(quota) for channel, quota in limits.daily_quotas.items()}
        self._day_money = NEVER if limits.daily_cap_usd is None else limits.daily_cap_usd
        self._month_money = NEVER if limits.sms_monthly_usd is None else limits.sms_monthly_usd
        self._month_limit = self._month_money
        self.pauses_s: float | None = None

    def step(self) -> bool:
        """Go on to the next event; False if none comes within the horizon."""
        openings = [self._opening(lane) if left > _NOTHING else None for lane, left in self._each()]
        sending = [
            place
            for place, opening in enumerate(openings)
            if opening is not None and opening[0] <= self.now and self._may_send(self.lanes[place])
        ]
        rates = self._rates(sending)
        ends = [self.left[place] / rate for place, rate in rates.items()]
        ends.extend(self._money_ends(rates))
        boundaries = [self._quota_until, _next_day(self.now), _next_month(self.now)]
        for opening in openings:
            if opening is not None:
                boundaries.extend(at for at in opening if at > self.now)
        ahead = [each for each in ends if each > 0]
        after = min([*ahead, *(at - self.now for at in boundaries if at > self.now)], default=NEVER)
        if not math.isfinite(after):
            return False
        self._advance(after, rates)
        return True

    def _each(self) -> Iterable[tuple[ForecastLane, float]]:
        return zip(self.lanes, self.left, strict=True)

    def _opening(self, lane: ForecastLane) -> tuple[float, float] | None:
        if self.limits.window is None or not lane.zone:
            return (-NEVER, NEVER)
        found = self.limits.window.next_opening(lane.zone, math.ceil(self.now * MICROSECOND))
        return None if found is None else (found.start_us / MICROSECOND, found.end_us / MICROSECOND)

    @property
    def _is_paused(self) -> bool:
        """Whether the account's monthly limit refuses an SMS, which pauses the campaign on all of its channels."""
        texts = sum(left for lane, left in self._each() if lane.channel is Channel.SMS)
        return self._month_money <= _NOTHING and texts > _NOTHING

    def _may_send(self, lane: ForecastLane) -> bool:
        has_money = self._day_money > _NOTHING and not self._is_paused
        return has_money and self._quotas.get(lane.channel, NEVER) > _NOTHING

    def _rates(self, sending: Sequence[int]) -> dict[int, float]:
        """Messages per second of each lane: its channel's share of the campaign's pace, or what the channel takes."""
        by_channel: dict[Channel, list[int]] = {}
        for place in sending:
            by_channel.setdefault(self.lanes[place].channel, []).append(place)
        total = sum(self.lanes[place].messages for place in sending)
        rates: dict[int, float] = {}
        for channel, places in by_channel.items():
            share = self.limits.tps * sum(self.lanes[place].messages for place in places) / total
            left = sum(self.left[place] for place in places)
            parts = sum(self.left[place] * self.lanes[place].parts / self.lanes[place].messages for place in places)
            rate = min(share, self.limits.rates.get(channel, NEVER) * left / parts, 1e12)
            rates |= {place: rate * self.left[place] / left for place in places}
        return rates

    def _money_ends(self, rates: Mapping[int, float]) -> Iterable[float]:
        """When quotas and money are used up at these rates."""
        spending = sum(rate * self._booked(place) for place, rate in rates.items())
        by_sms = sum(rate * self._price(place) for place, rate in rates.items() if self._is_sms(place))
        yield from (money / pace for money, pace in ((self.cap, spending), (self._day_money, spending)) if pace)
        if by_sms:
            yield self._month_money / by_sms
        for channel, left in self._quotas.items():
            if pace := sum(rate for place, rate in rates.items() if self.lanes[place].channel is channel):
                yield left / pace

    def _advance(self, seconds: float, rates: Mapping[int, float]) -> None:
        for place, rate in rates.items():
            messages = min(self.left[place], rate * seconds)
            self.left[place] -= messages
            booked = messages * self._booked(place)
            self.cap -= booked
            self._day_money -= booked
            if self._is_sms(place):
                self._month_money -= messages * self._price(place)
            if (channel := self.lanes[place].channel) in self._quotas:
                self._quotas[channel] -= messages
        before = self.now
        self.now += seconds
        if self.now >= self._quota_until:
            self._quotas = {channel: float(quota) for channel, quota in self.limits.daily_quotas.items()}
            self._quota_until = self.now + DAY_S
        if self.now >= _next_day(before) and self.limits.daily_cap_usd is not None:
            self._day_money = self.limits.daily_cap_usd
        if self.now >= _next_month(before):
            self._month_money = self._month_limit
        if self.pauses_s is None and self._is_paused:
            self.pauses_s = self.now

    def _price(self, place: int) -> float:
        return self.lanes[place].cost_usd / self.lanes[place].messages

    def _booked(self, place: int) -> float:
        """What caps book for a message, whatever it comes to cost."""
        return self.lanes[place].highest_usd / self.lanes[place].messages

    def _is_sms(self, place: int) -> bool:
        return self.lanes[place].channel is Channel.SMS


def _follow(lanes: Sequence[ForecastLane], limits: Limits, start_s: float) -> _Course:
    flow = _Flow(lanes, limits, start_s)
    for _ in range(MAX_STEPS):
        if sum(flow.left) <= _NOTHING * (1 + len(lanes)):
            return _Course(flow.now - start_s, 0, flow.pauses_s)
        if flow.cap <= _NOTHING:
            return _Course(flow.now - start_s, math.ceil(sum(flow.left) - _NOTHING), flow.pauses_s)
        if flow.now - start_s > HORIZON_S or not flow.step():
            break
    return _Course(NEVER, 0, flow.pauses_s)


def _next_day(at_s: float) -> float:
    return (math.floor(at_s / DAY_S) + 1) * DAY_S


def _next_month(at_s: float) -> float:
    now = datetime.fromtimestamp(at_s, UTC)
    year, month = (now.year, now.month + 1) if now.month < 12 else (now.year + 1, 1)
    return datetime(year, month, 1, tzinfo=UTC).timestamp()


def _rfc_3339(at_s: float) -> str:
    return datetime.fromtimestamp(round(at_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
