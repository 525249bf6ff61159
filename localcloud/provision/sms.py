"""End User Messaging SMS: configuration sets, numbers, pools, keywords, opt-out lists, served by the carrier."""

from __future__ import annotations

from localcloud.monitor import Created
from localcloud.provision.task import Provisioner, Task

_SERVICE = "pinpoint-sms-voice-v2"


def configuration_set(task: Task) -> Created:
    """A configuration set."""
    name = task.named(longest=64)
    made = task.call(_SERVICE, "create_configuration_set", ConfigurationSetName=name)
    return Created(name, {"name": name, "arn": made["ConfigurationSetArn"]})


def event_destination(task: Task) -> Created:
    """Where a configuration set publishes its events."""
    made = task.call(_SERVICE, "create_event_destination")
    if task.inputs.get("enabled") is False:
        task.call(_SERVICE, "update_event_destination", Enabled=False)
    id_ = f"{task.inputs['configurationSetName']},{task.inputs['eventDestinationName']}"
    return Created(id_, {"configurationSetArn": made["ConfigurationSetArn"]})


def opt_out_list(task: Task) -> Created:
    """A list of numbers that no longer want messages."""
    name = task.named(longest=64)
    made = task.call(_SERVICE, "create_opt_out_list", OptOutListName=name)
    return Created(name, {"name": name, "arn": made["OptOutListArn"]})


def phone_number(task: Task) -> Created:
    """A leased number."""
    made = task.call(_SERVICE, "request_phone_number")
    outputs = {
        "arn": made["PhoneNumberArn"],
        "phoneNumber": made["PhoneNumber"],
        "monthlyLeasingPrice": made.get("MonthlyLeasingPrice", "0.00"),
    }
    return Created(made["PhoneNumberId"], outputs)


def pool(task: Task) -> Created:
    """A pool of origination identities."""
    first, *others = task.inputs["originationIdentities"]
    made = task.call(_SERVICE, "create_pool", OriginationIdentity=first)
    for identity in others:
        task.client(_SERVICE).associate_origination_identity(PoolId=made["PoolId"], OriginationIdentity=identity)
    task.call(_SERVICE, "update_pool", PoolId=made["PoolId"])
    return Created(made["PoolId"], {"arn": made["PoolArn"]})


def keyword(task: Task) -> Created:
    """A keyword of a number or a pool."""
    names = {"OriginationIdentity": "originationIdentityArn"}
    made = task.call(_SERVICE, "put_keyword", names)
    id_ = f"{task.inputs['originationIdentityArn']},{task.inputs['keyword']}"
    return Created(id_, {"keywordAction": made["KeywordAction"]})


PROVISIONERS: dict[str, Provisioner] = {
    "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet": configuration_set,
    "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination": event_destination,
    "aws:pinpoint/smsvoicev2OptOutList:Smsvoicev2OptOutList": opt_out_list,
    "aws:pinpoint/smsvoicev2PhoneNumber:Smsvoicev2PhoneNumber": phone_number,
    "aws:pinpoint/smsvoicev2Pool:Smsvoicev2Pool": pool,
    "aws:pinpoint/smsvoicev2Keyword:Smsvoicev2Keyword": keyword,
}
