"""RECIPIENT items as those change them who act on what a person or an operator says: read, folded, written on the
condition that nobody was faster."""

from __future__ import annotations

from collections.abc import Callable

from lambdas.adapters.dynamo import ConditionFailed, Table
from lambdas.core import keys
from lambdas.core.attribute_values import Item
from lambdas.core.channels import Channel
from lambdas.core.opt_out_state import LIFTED_BY_START, OptOutSource, OptOutState
from lambdas.core.opt_out_words import OptOutWord
from lambdas.core.simulator import is_simulator

MAX_TRIES = 8


class VersionChanged(Exception):
    """The opt-out has changed since the caller read it; `state` is what holds now."""

    def __init__(self, state: OptOutState) -> None:
        super().__init__("the opt-out has changed")
        self.state = state


class OptOutRegister:
    """The opt-outs of one channel; senders read the same items by `lambdas.adapters.opt_outs.OptOuts`."""

    def __init__(self, table: Table, channel: Channel) -> None:
        self._table = table
        self._channel = channel

    def state(self, destination: str) -> OptOutState:
        """What holds now, read consistently."""
        return OptOutState.from_item(self._table.get(self._key(destination)))

    def said(self, destination: str, word: OptOutWord, at_ms: int) -> bool:
        """Record a STOP, or a START of which nothing later is known; whether that changed anything.

        `at_ms` is the end of the second in which it was said: a START counts from the second's beginning, so that of
        two words in one second STOP holds.
        """
        if word is OptOutWord.HELP or is_simulator(destination):
            return False
        if word is OptOutWord.STOP:
            return self._change(destination, lambda state: state.ask(OptOutSource.STOP, at_ms))
        began_ms = at_ms // 1_000 * 1_000
        return self._change(destination, lambda state: state.lift(LIFTED_BY_START, began_ms))

    def record(self, destination: str, at_ms: int) -> OptOutState:
        """Opt a destination out on an operator's word."""
        self._change(destination, lambda state: state.ask(OptOutSource.API, at_ms))
        return self.state(destination)

    def lift(self, destination: str, version: int, at_ms: int) -> OptOutState:
        """Lift whatever holds, if the item is still the `version` that was read; raises `VersionChanged`."""
        read = self.state(destination)
        if read.version != version:
            raise VersionChanged(read)
        after = read.lift(read.standing, max((at_ms, *(at + 1 for at in read.standing.values()))))
        failed = self._write(destination, read, after)
        if failed is not None:
            raise VersionChanged(OptOutState.from_item(failed.item))
        return self.state(destination)

    def forget(self, destination: str, version: int) -> None:
        """Delete what is known of a destination that has not opted out, if it is still this `version`; raises
        `VersionChanged`."""
        if not version:
            return
        key = self._key(destination)
        if not self._table.delete(key, condition="#version = :version", values={"version": version}):
            raise VersionChanged(self.state(destination))

    def _key(self, destination: str) -> dict[str, str]:
        return {"pk": keys.recipient(destination), "sk": keys.recipient_state(self._channel)}

    def _change(self, destination: str, change: Callable[[OptOutState], OptOutState]) -> bool:
        item: Item | None = self._table.get(self._key(destination))
        for _ in range(MAX_TRIES):
            read = OptOutState.from_item(item)
            after = change(read)
            if after == read:
                return False
            failed = self._write(destination, read, after)
            if failed is None:
                return True
            item = failed.item
        raise RuntimeError(f"an opt-out was changed by others {MAX_TRIES} times in a row")

    def _write(self, destination: str, before: OptOutState, after: OptOutState) -> ConditionFailed | None:
        """Write `after` if the item is as it was read; what it is instead otherwise."""
        values = after.attributes()
        gone = sorted(before.attributes().keys() - values.keys())
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        removes = f" REMOVE {', '.join(f'#{name}' for name in gone)}" if gone else ""
        condition = "#version = :was" if before.version else "attribute_not_exists(#version)"
        try:
            self._table.update(
                self._key(destination),
                f"SET {sets}, #version = :next{removes}",
                {**values, "next": before.version + 1, **({"was": before.version} if before.version else {})},
                condition=condition,
            )
        except ConditionFailed as failed:
            return failed
        return None


class ChannelRegisters:
    """The registers of every channel."""

    def __init__(self, table: Table) -> None:
        self._by_channel = {channel: OptOutRegister(table, channel) for channel in Channel}

    def __getitem__(self, channel: Channel) -> OptOutRegister:
        return self._by_channel[channel]
