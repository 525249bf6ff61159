"""Who must not be written to: `/api/opt-outs/{channel}/{address}` and `DELETE /api/recipients/{address}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from lambdas.adapters.opt_out_register import ChannelRegisters, OptOutRegister, VersionChanged
from lambdas.campaign_api.answers import Answer, ApiError
from lambdas.core.addresses import known_as
from lambdas.core.channels import Channel
from lambdas.core.opt_out_state import ON_PROVIDERS_LISTS, OptOutState
from lambdas.core.simulator import is_simulator

Verb = Callable[[Mapping[str, str], Mapping[str, str]], Answer]

CONFIRMED = "provider_list_lifted"
"""The query parameter by which a caller says that the provider's own list has been dealt with."""


class OptOutService:
    """Shows, records and lifts opt-outs, and forgets recipients."""

    def __init__(self, registers: ChannelRegisters, now_ms: Callable[[], int]) -> None:
        self._registers = registers
        self._now_ms = now_ms

    def verbs(self) -> Mapping[str, Verb]:
        """Each route of the resource, by its key; a verb takes the path's parameters and the query's."""
        return {
            "GET /api/opt-outs/{channel}/{address}": self.show,
            "PUT /api/opt-outs/{channel}/{address}": self.record,
            "DELETE /api/opt-outs/{channel}/{address}": self.lift,
            "DELETE /api/recipients/{address}": self.forget,
        }

    def show(self, parameters: Mapping[str, str], _query: Mapping[str, str]) -> Answer:
        """200 with what is known, also of who has never opted out."""
        channel, address = _named(parameters)
        return Answer(200, _view(channel, address, self._registers[channel].state(address)))

    def record(self, parameters: Mapping[str, str], _query: Mapping[str, str]) -> Answer:
        """200 with the opt-out; from now on nothing is sent to the address on this channel."""
        channel, address = _named(parameters)
        if is_simulator(address):
            raise ApiError(400, "simulator", "the provider's simulator destinations reach nobody and cannot opt out")
        return Answer(200, _view(channel, address, self._registers[channel].record(address, self._now_ms())))

    def lift(self, parameters: Mapping[str, str], query: Mapping[str, str]) -> Answer:
        """200 with the address writable again, if nothing has changed since `expected_version` was read.

        What the provider keeps a list of too is only lifted when the caller says that it is lifted there.
        """
        channel, address = _named(parameters)
        register = self._registers[channel]
        version = _version(query)
        state = register.state(address)
        if state.version != version:
            raise _changed(state)
        if not state.opted_out:
            raise ApiError(404, "not_opted_out", f"the address has not opted out on {channel}")
        listed = sorted(ON_PROVIDERS_LISTS.intersection(state.standing))
        if listed and query.get(CONFIRMED) != "true":
            raise ApiError(
                409,
                "on_providers_list",
                f"the opt-out stands on the provider's own list ({', '.join(listed)}), which cannot be lifted here:"
                f" remove the address there ({_REMEDIES[channel]}), then repeat this with {CONFIRMED}=true",
                sources=listed,
            )
        try:
            lifted = register.lift(address, version, self._now_ms())
        except VersionChanged as error:
            raise _changed(error.state) from error
        return Answer(200, _view(channel, address, lifted))

    def forget(self, parameters: Mapping[str, str], _query: Mapping[str, str]) -> Answer:
        """200 with what was deleted of a recipient and what had to stay.

        An opt-out that holds stays: without it the recipient would be written to again.
        """
        address = unquote(parameters.get("address", ""))
        known = [(channel, found) for channel in Channel if (found := known_as(channel, address))]
        if not known:
            raise ApiError(400, "invalid_destination", "the address is neither a number in E.164 form nor an email")
        kept: list[str] = []
        deleted: list[str] = []
        for channel, destination in known:
            (kept if self._kept(self._registers[channel], destination) else deleted).append(channel.value)
        return Answer(200, {"forgotten": deleted, "opt_outs_kept": kept})

    def _kept(self, register: OptOutRegister, destination: str) -> bool:
        """Delete a channel's item unless an opt-out holds; whether one does."""
        state = register.state(destination)
        while not state.opted_out:
            try:
                register.forget(destination, state.version)
            except VersionChanged as error:
                state = error.state
                continue
            return False
        return True


_REMEDIES: Mapping[Channel, str] = {
    Channel.SMS: "aws pinpoint-sms-voice-v2 delete-opted-out-number, at most once in 30 days",
    Channel.WHATSAPP: "only the recipient can resume marketing messages, in WhatsApp",
    Channel.EMAIL: "aws sesv2 delete-suppressed-destination",
}


def _named(parameters: Mapping[str, str]) -> tuple[Channel, str]:
    """The channel and the destination that a path names."""
    name = parameters.get("channel", "")
    if name not in tuple(Channel):
        raise ApiError(404, "unknown_channel", f"the channel must be one of {', '.join(Channel)}")
    channel = Channel(name)
    found = known_as(channel, unquote(parameters.get("address", "")))
    if found is None:
        form = "an email address" if channel is Channel.EMAIL else "a number in E.164 form, such as +14255550123"
        raise ApiError(400, "invalid_destination", f"the address must be {form}")
    return channel, found


def _version(query: Mapping[str, str]) -> int:
    text = query.get("expected_version", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ApiError(400, "invalid_request", "expected_version must be the version that GET has shown")
    return int(text)


def _changed(state: OptOutState) -> ApiError:
    return ApiError(409, "version_changed", f"the opt-out is at version {state.version} now; read it again")


def _view(channel: Channel, address: str, state: OptOutState) -> dict[str, Any]:
    first = state.first
    return {
        "channel": channel.value,
        "address": address,
        "opted_out": state.opted_out,
        "since_ms": first[1] if first else None,
        "sources": dict(sorted(state.standing.items())),
        "version": state.version,
    }
