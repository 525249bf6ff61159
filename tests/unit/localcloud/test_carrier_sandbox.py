"""An SMS account in the sandbox: whom its carrier lets it text."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lambdas.core.channels import Channel
from localcloud.carrier import Carrier
from localcloud.carrier_account import SANDBOX, AccountFigures
from localcloud.carrier_verified_numbers import VERIFICATION_CODE
from localcloud.profile import CarrierProfile
from localcloud.receipts import ORIGIN
from localcloud.traffic import Calls, Traffic
from localcloud.wire import ServiceError

ORDINARY = "+12065550142"


class NoReceipts:
    """Nobody listens."""

    async def publish(self, *_: Any, **__: Any) -> None:
        """Dropped."""


def refused(carrier: Carrier, destination: str) -> str | None:
    """The reason that a text to `destination` is refused for."""
    try:
        asyncio.run(carrier._send({"DestinationPhoneNumber": destination, "MessageBody": "x", "DryRun": True}))
    except ServiceError as error:
        return str(error.members.get("Reason"))
    return None


@pytest.mark.parametrize("tier", [SANDBOX, "PRODUCTION"])
def test_the_sandbox_reaches_simulators_and_verified_numbers_only(tier: str) -> None:
    traffic = Traffic(Channel.SMS, ORIGIN, NoReceipts(), Calls())  # type: ignore[arg-type]
    traffic.set_profile(CarrierProfile(latency_ms=(0, 0)))
    carrier = Carrier(account_id="000000000000", region="us-east-1", traffic=traffic, figures=AccountFigures(tier=tier))
    carrier.resources.numbers.add_number("+12065550150")
    assert refused(carrier, "+14254147755") is None
    unverified = "DESTINATION_PHONE_NUMBER_NOT_VERIFIED" if tier == SANDBOX else None
    assert refused(carrier, ORDINARY) == unverified

    numbers = carrier.resources.verified_numbers
    id_ = {
        "VerifiedDestinationNumberId": numbers.CreateVerifiedDestinationNumber({"DestinationPhoneNumber": ORDINARY})[
            "VerifiedDestinationNumberId"
        ]
    }
    numbers.SendDestinationNumberVerificationCode({**id_, "VerificationChannel": "TEXT"})
    assert refused(carrier, ORDINARY) == unverified
    numbers.VerifyDestinationNumber({**id_, "VerificationCode": VERIFICATION_CODE})
    assert refused(carrier, ORDINARY) is None
