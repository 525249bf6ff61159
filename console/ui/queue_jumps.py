"""Where a queue leads, on every screen that shows one."""

from __future__ import annotations

from collections.abc import Iterator

from console.places import Place
from console.queues import StackQueue, physical_name
from console.services.aws_pages import page_of
from console.services.jumps import alarms_of, consumer_of, logs_place
from console.ui.aws_pages import page_choices
from console.ui.choices import Choice
from console.ui.desk import Desk


def queue_jumps(desk: Desk, queue: StackQueue, sent_at: float | None = None) -> Iterator[Choice]:
    """Its alarms, its consumer's log, of now or of when a letter was sent (epoch seconds), and its page at AWS."""
    alarms = alarms_of(queue, desk.monitor.overview.alarms.value or ())
    for key, alarm in zip("abc", alarms, strict=False):
        yield _way(desk, key, "alarm", alarm.name, Place("alarms", alarm.name))
    function = consumer_of(queue, desk.connection.outputs)
    if function:
        if sent_at is not None:
            yield _way(desk, "m", "log when it was sent", function, logs_place((function,), sent_at))
        yield _way(desk, "l", "log", function, Place("logs", function))
    name = physical_name(queue.url if sent_at is None and queue.url else queue.dead_letters_url)
    yield from page_choices(desk, page_of("sqs", "queue", name, desk.stack))


def _way(desk: Desk, key: str, title: str, detail: str, place: Place) -> Choice:
    return Choice(key, title, detail, lambda: desk.go(place))
