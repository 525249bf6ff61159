"""What moved is what it was: by its own alias, and by that of a parent."""

from __future__ import annotations

from typing import Any

from localcloud import resource_types as types
from localcloud.graph import RecordedGraph, Registration
from localcloud.preview.changes import changes
from localcloud.preview.moves import carried_over

PREFIX = "urn:pulumi:dev::shop::"
STACK = f"{PREFIX}pulumi:pulumi:Stack::shop-dev"


def component(chain: str, name: str, *, parent: str = STACK, aliases: tuple[str, ...] = ()) -> Registration:
    return _registration(f"{PREFIX}{chain}::{name}", chain.rpartition("$")[2], name, False, parent, aliases, {})


def table(parent: Registration, name: str, /, **inputs: Any) -> Registration:
    head = parent.urn.rpartition("::")[0]
    return _registration(f"{head}${types.TABLE}::{name}", types.TABLE, name, True, parent.urn, (), inputs)


def _registration(
    urn: str, type_: str, name: str, custom: bool, parent: str, aliases: tuple[str, ...], inputs: dict[str, Any]
) -> Registration:
    return Registration(
        urn=urn,
        type=type_,
        name=name,
        custom=custom,
        parent=parent,
        aliases=aliases,
        dependencies=(parent,),
        property_dependencies={"arn": (parent,)},
        inputs=inputs,
        outputs={},
    )


def graph(*registrations: Registration) -> RecordedGraph:
    return RecordedGraph(registrations, {})


def test_a_child_moves_with_its_parent() -> None:
    old_home, new_home = component("shop:old:Old", "old"), component("shop:new:New", "new")
    before = component("shop:old:Old$shop:table:Table", "orders", parent=old_home.urn)
    moved = component("shop:new:New$shop:table:Table", "orders", parent=new_home.urn, aliases=(before.urn,))
    then, now = (
        graph(old_home, before, table(before, "orders-table", name="o")),
        graph(new_home, moved, table(moved, "orders-table", name="o")),
    )
    carried = carried_over(then, now)
    assert {item.urn for item in carried.registrations} >= {moved.urn, table(moved, "orders-table").urn}
    assert carried.registrations[2].dependencies == (moved.urn,)
    assert carried.registrations[2].property_dependencies == {"arn": (moved.urn,)}
    assert changes(carried, now) == []
    assert {change.change for change in changes(then, now)} == {"added", "removed"}, "without the alias' help"


def test_a_resource_that_moved_shows_what_changed_in_it() -> None:
    home = component("shop:new:New", "new")
    before, after = table(home, "old", ttl=1), table(home, "new", ttl=2)
    renamed = Registration(
        urn=after.urn,
        type=after.type,
        name=after.name,
        custom=True,
        parent=home.urn,
        aliases=(before.urn,),
        property_dependencies={},
        inputs=after.inputs,
        outputs={},
    )
    (change,) = changes(carried_over(graph(home, before), graph(home, renamed)), graph(home, renamed))
    assert [(each.path, each.before, each.after) for each in change.properties] == [("ttl", "1", "2")]


def test_an_alias_of_what_is_still_there_moves_nothing() -> None:
    home = component("shop:new:New", "new")
    old, new = table(home, "old"), table(home, "new")
    claimed = Registration(
        urn=new.urn,
        type=new.type,
        name=new.name,
        custom=True,
        parent=home.urn,
        aliases=(old.urn,),
        property_dependencies={},
        inputs={},
        outputs={},
    )
    before = graph(home, old)
    assert carried_over(before, graph(home, old, claimed)) is before
