"""Cognito user pools and their clients.

Tokens name the AWS address of their pool as issuer (`https://<endpoint>`), here too. The keys that verify them are at
`<address of the emulator>/<pool id>/.well-known/jwks.json`.
"""

from __future__ import annotations

from localcloud.monitor import Created
from localcloud.provision.task import Provisioner, Task


def user_pool(task: Task) -> Created:
    """A user pool with its password policy and second factors."""
    name, inputs = task.named(longest=128), task.inputs
    policies = None
    if policy := inputs.get("passwordPolicy"):
        source = {"policies": {"passwordPolicy": policy}}
        policies = task.fitted("cognito-idp", "create_user_pool", source=source)["Policies"]
    made = task.call(
        "cognito-idp",
        "create_user_pool",
        {"UserPoolTags": "tags"},
        PoolName=name,
        Policies=policies,
        MfaConfiguration=None,
    )["UserPool"]
    id_ = str(made["Id"])
    if inputs.get("mfaConfiguration", "OFF") != "OFF":
        task.call("cognito-idp", "set_user_pool_mfa_config", UserPoolId=id_)
    outputs = {"name": name, "arn": made["Arn"], "endpoint": f"cognito-idp.{task.region}.amazonaws.com/{id_}"}
    return Created(id_, outputs)


def user_pool_client(task: Task) -> Created:
    """An app client of a user pool."""
    name = task.named(longest=128)
    made = task.call("cognito-idp", "create_user_pool_client", ClientName=name)["UserPoolClient"]
    return Created(made["ClientId"], {"name": name, "clientSecret": made.get("ClientSecret", "")})


PROVISIONERS: dict[str, Provisioner] = {
    "aws:cognito/userPool:UserPool": user_pool,
    "aws:cognito/userPoolClient:UserPoolClient": user_pool_client,
}
