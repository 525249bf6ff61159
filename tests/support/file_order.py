"""The order in which workers take test files: what takes minutes first, so that none of it is left to one worker at the
end while the other has nothing to do."""

from __future__ import annotations

from collections import Counter

import pytest

LONGEST_FIRST = (
    "tests/cloud/test_grants.py",
    "tests/cloud/test_stack_alarms.py",
    "tests/cloud/test_worker_crash.py",
    "tests/console/test_hostile.py",
    "tests/console/test_faults.py",
    "tests/console/test_navigation.py",
)
"""Files of a minute and more; the others follow by their number of tests, which is xdist's own order."""


def longest_first(items: list[pytest.Item]) -> None:
    """Sort collected tests by their files; those of a file stay together and in their order."""
    place = {name: at - len(LONGEST_FIRST) for at, name in enumerate(LONGEST_FIRST)}
    tests = Counter(_file(item) for item in items)
    items.sort(key=lambda item: (place.get(_file(item), 0), -tests[_file(item)]))


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
