"""STOP and START that people send to us, recorded for every form in which their number may be written to."""

from __future__ import annotations

from lambdas.adapters.opt_out_register import ChannelRegisters
from lambdas.core.inbound import InboundMessage
from lambdas.core.number_forms import written_forms
from lambdas.core.opt_out_words import OptOutWord, opt_out_word


def heed(registers: ChannelRegisters, message: InboundMessage, *, received_ms: int) -> OptOutWord | None:
    """Record what an inbound message asks for on its channel; the word that was acted on, None for any other text.

    `received_ms` stands for its time where the message does not tell one. HELP is not ours to answer: AWS does so for
    SMS, whoever talks to people does on WhatsApp.
    """
    word = opt_out_word(message.text)
    if word is None or word is OptOutWord.HELP:
        return None
    at_ms = message.at_ms if message.at_ms is not None else received_ms
    for number in written_forms(message.sender):
        registers[message.channel].said(number, word, at_ms)
    return word
