"""An alarm's changes of state as rows."""

from __future__ import annotations

from console.domain import AlarmState
from console.telemetry import AlarmChange
from console.view import format as fmt
from console.view.segments import Role
from console.view.table import Column, Kind

WORDS = {AlarmState.ALARM: "ALARM", AlarmState.OK: "OK", AlarmState.NODATA: "NODATA", None: fmt.MISSING}
ROLES = {AlarmState.ALARM: Role.ALARM, AlarmState.OK: Role.OK, AlarmState.NODATA: Role.NODATA}

KIND: Kind[AlarmChange] = Kind(
    name="alarm-history",
    columns=(
        Column("when", 19, lambda each, _: fmt.stamp(each.at)[:19].replace("T", " "), role=lambda _: Role.MUTED),
        Column("change", 15, lambda each, _: f"{WORDS[each.old]} -> {WORDS[each.new]}", role=lambda e: ROLES[e.new]),
        Column("reason", 0, lambda each, _: each.reason),
        Column(
            "ago", 5, lambda each, look: fmt.age(look.now - each.at), role=lambda _: Role.MUTED, right=True, live=True
        ),
    ),
    id=lambda each: f"{each.at} {each.new}",
)
