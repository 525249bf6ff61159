"""IAM roles and policies."""

from __future__ import annotations

from localcloud.monitor import Created
from localcloud.provision.fit import text
from localcloud.provision.task import Provisioner, Task


def role(task: Task) -> Created:
    """A role with its trust policy, inline policies and attachments."""
    name = task.named(longest=64)
    made = task.call("iam", "create_role", {"AssumeRolePolicyDocument": "assumeRolePolicy"}, RoleName=name)["Role"]
    client = task.client("iam")
    for inline in task.inputs.get("inlinePolicies", []):
        client.put_role_policy(RoleName=name, PolicyName=inline["name"], PolicyDocument=text(inline["policy"]))
    for arn in task.inputs.get("managedPolicyArns", []):
        client.attach_role_policy(RoleName=name, PolicyArn=arn)
    outputs = {
        "name": name,
        "arn": made["Arn"],
        "uniqueId": made["RoleId"],
        "createDate": made["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return Created(name, outputs)


def role_policy(task: Task) -> Created:
    """An inline policy of a role."""
    name = task.named(longest=128)
    owner = task.inputs["role"]
    task.call("iam", "put_role_policy", {"PolicyDocument": "policy"}, RoleName=owner, PolicyName=name)
    return Created(f"{owner}:{name}", {"name": name})


def role_policy_attachment(task: Task) -> Created:
    """A managed policy attached to a role."""
    owner = task.inputs["role"]
    task.call("iam", "attach_role_policy", RoleName=owner)
    return Created(f"{owner}/{task.inputs['policyArn']}", {})


def policy(task: Task) -> Created:
    """A managed policy."""
    name = task.named(longest=128)
    made = task.call("iam", "create_policy", {"PolicyDocument": "policy"}, PolicyName=name)["Policy"]
    return Created(made["Arn"], {"name": name, "arn": made["Arn"], "policyId": made["PolicyId"]})


PROVISIONERS: dict[str, Provisioner] = {
    "aws:iam/role:Role": role,
    "aws:iam/rolePolicy:RolePolicy": role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": role_policy_attachment,
    "aws:iam/policy:Policy": policy,
}
