"""Telephone numbers in E.164, by what libphonenumber knows of each country's numbering plan."""

from __future__ import annotations

import phonenumbers

from lambdas.core.addresses import Destination, NoDestination
from lambdas.core.number_forms import written_forms
from lambdas.core.simulator import is_simulator


def normalise_number(number: str) -> Destination | NoDestination:
    """E.164 form and country of a number written with its country code, if its country has such numbers.

    Valid is what libphonenumber's plan of the country knows, in one of the ways in which the line is written, and what
    AWS simulates. Letters are no digits here, though a telephone's keys have some, and nobody texts an extension.
    """
    parsed = _parse(number)
    if isinstance(parsed, NoDestination):
        return parsed
    written = _e164(parsed)
    country = phonenumbers.region_code_for_number(parsed)
    if country is None or not phonenumbers.is_valid_number_for_region(parsed, country):
        if not is_simulator(written) and not any(map(_is_valid, written_forms(written)[1:])):
            return NoDestination(f"+{parsed.country_code} has no such number")
        country = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return Destination(written, country)


def known_number(number: str) -> str | None:
    """The form in which a number is on record; None if it cannot be one (`addresses.known_as`)."""
    parsed = _parse(number)
    if isinstance(parsed, NoDestination):
        return None
    written = _e164(parsed)
    return written if any(map(_is_possible, written_forms(written))) else None


def _parse(number: str) -> phonenumbers.PhoneNumber | NoDestination:
    if any(character.isalpha() for character in number):
        return NoDestination("it has letters")
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return NoDestination("it is no number in international form (+, country code, number)")
    return parsed if parsed.extension is None else NoDestination("it has an extension")


def _e164(parsed: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _is_valid(written: str) -> bool:
    return bool(phonenumbers.is_valid_number(phonenumbers.parse(written, None)))


def _is_possible(written: str) -> bool:
    return bool(phonenumbers.is_possible_number(phonenumbers.parse(written, None)))
