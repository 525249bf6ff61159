"""SES: identities, configuration sets and their event destinations."""

from __future__ import annotations

from localcloud.monitor import Created
from localcloud.provision.task import Provisioner, Task

_SERVICE = "sesv2"


def identity(task: Task) -> Created:
    """An address or a domain that mail is sent from; verified at once here."""
    name = task.inputs["emailIdentity"]
    made = task.call(_SERVICE, "create_email_identity", ConfigurationSetName=None)
    dkim = made["DkimAttributes"]
    outputs = {
        "arn": task.arn("ses", f"identity/{name}"),
        "identityType": made["IdentityType"],
        "verificationStatus": "SUCCESS",
        "verifiedForSendingStatus": made["VerifiedForSendingStatus"],
        "dkimSigningAttributes": {"status": dkim["Status"], "tokens": dkim["Tokens"]},
    }
    return Created(name, outputs)


def configuration_set(task: Task) -> Created:
    """How mails of a kind are sent, and where their events go."""
    name = task.inputs["configurationSetName"]
    task.call(_SERVICE, "create_configuration_set")
    return Created(name, {"arn": task.arn("ses", f"configuration-set/{name}")})


def event_destination(task: Task) -> Created:
    """Where a configuration set publishes its events; disabled unless the program enables it, as on AWS."""
    task.call(_SERVICE, "create_configuration_set_event_destination")
    return Created(f"{task.inputs['configurationSetName']}|{task.inputs['eventDestinationName']}", {})


PROVISIONERS: dict[str, Provisioner] = {
    "aws:sesv2/emailIdentity:EmailIdentity": identity,
    "aws:sesv2/configurationSet:ConfigurationSet": configuration_set,
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": event_destination,
}
