"""KMS keys, SSM parameters."""

from __future__ import annotations

from localcloud.monitor import Created
from localcloud.provision.task import Provisioner, Task


def key(task: Task) -> Created:
    """A KMS key, rotating if asked."""
    metadata = task.call("kms", "create_key", {"KeySpec": "customerMasterKeySpec"}, CustomerMasterKeySpec=None)[
        "KeyMetadata"
    ]
    if task.inputs.get("enableKeyRotation"):
        task.call("kms", "enable_key_rotation", KeyId=metadata["KeyId"])
    if task.inputs.get("isEnabled") is False:
        task.call("kms", "disable_key", KeyId=metadata["KeyId"])
    return Created(metadata["KeyId"], {"keyId": metadata["KeyId"], "arn": metadata["Arn"]})


def alias(task: Task) -> Created:
    """A KMS alias; its name starts with `alias/`."""
    name = task.named()
    if not name.startswith("alias/"):
        name = f"alias/{name}"
    task.call("kms", "create_alias", AliasName=name)
    target = task.client("kms").describe_key(KeyId=task.inputs["targetKeyId"])["KeyMetadata"]["Arn"]
    return Created(name, {"name": name, "arn": task.arn("kms", name), "targetKeyArn": target})


def parameter(task: Task) -> Created:
    """An SSM parameter."""
    name = task.named()
    value = {"Value": "insecureValue"} if "insecureValue" in task.inputs else {}
    version = task.call("ssm", "put_parameter", value, Name=name)["Version"]
    outputs = {"name": name, "arn": task.arn("ssm", f"parameter/{name.lstrip('/')}"), "version": version}
    return Created(name, outputs)


PROVISIONERS: dict[str, Provisioner] = {
    "aws:kms/key:Key": key,
    "aws:kms/alias:Alias": alias,
    "aws:ssm/parameter:Parameter": parameter,
}
