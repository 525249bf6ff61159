"""Computed outputs of what SMS and email are sent with: numbers, pools, identities, configuration sets."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.monitor import Created
from localcloud.provision.names import fingerprint
from localcloud.provision.sketch import Sketch


def _configuration_set(it: Sketch) -> Created:
    name = it.name(longest=64)
    return Created(name, {"name": name, "arn": it.arn("sms-voice", f"configuration-set/{name}")})


def _event_destination(it: Sketch) -> Created:
    owner = it.inputs["configurationSetName"]
    arn = it.arn("sms-voice", f"configuration-set/{owner}")
    return Created(f"{owner},{it.inputs['eventDestinationName']}", {"configurationSetArn": arn})


def _opt_out_list(it: Sketch) -> Created:
    name = it.name(longest=64)
    return Created(name, {"name": name, "arn": it.arn("sms-voice", f"opt-out-list/{name}")})


def _phone_number(it: Sketch) -> Created:
    id_ = f"phone-{fingerprint(it.urn, 32)}"
    outputs = {
        "arn": it.arn("sms-voice", f"phone-number/{id_}"),
        "phoneNumber": "+12065550100",
        "monthlyLeasingPrice": "0.00",
    }
    return Created(id_, outputs)


def _pool(it: Sketch) -> Created:
    id_ = f"pool-{fingerprint(it.urn, 32)}"
    return Created(id_, {"arn": it.arn("sms-voice", f"pool/{id_}")})


def _keyword(it: Sketch) -> Created:
    word = str(it.inputs["keyword"])
    usual = "OPT_OUT" if word.upper() == "STOP" else "AUTOMATIC_RESPONSE"
    action = it.inputs.get("keywordAction") or usual
    return Created(f"{it.inputs['originationIdentityArn']},{word}", {"keywordAction": action})


def _email_identity(it: Sketch) -> Created:
    name = str(it.inputs["emailIdentity"])
    is_domain = "@" not in name
    tokens = [fingerprint(f"{it.urn}{n}", 32) for n in range(3)] if is_domain else []
    outputs = {
        "arn": it.arn("ses", f"identity/{name}"),
        "identityType": "DOMAIN" if is_domain else "EMAIL_ADDRESS",
        "verificationStatus": "SUCCESS",
        "verifiedForSendingStatus": True,
        "dkimSigningAttributes": {"status": "PENDING" if is_domain else "NOT_STARTED", "tokens": tokens},
    }
    return Created(name, outputs)


def _email_configuration_set(it: Sketch) -> Created:
    name = str(it.inputs["configurationSetName"])
    return Created(name, {"arn": it.arn("ses", f"configuration-set/{name}")})


def _email_event_destination(it: Sketch) -> Created:
    return Created(f"{it.inputs['configurationSetName']}|{it.inputs['eventDestinationName']}", {})


CHANNEL_SKETCHES: dict[str, Callable[[Sketch], Created]] = {
    "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet": _configuration_set,
    "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination": _event_destination,
    "aws:pinpoint/smsvoicev2OptOutList:Smsvoicev2OptOutList": _opt_out_list,
    "aws:pinpoint/smsvoicev2PhoneNumber:Smsvoicev2PhoneNumber": _phone_number,
    "aws:pinpoint/smsvoicev2Pool:Smsvoicev2Pool": _pool,
    "aws:pinpoint/smsvoicev2Keyword:Smsvoicev2Keyword": _keyword,
    "aws:sesv2/emailIdentity:EmailIdentity": _email_identity,
    "aws:sesv2/configurationSet:ConfigurationSet": _email_configuration_set,
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": _email_event_destination,
}
