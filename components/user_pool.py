"""Who speakers are: a Cognito user pool of the stack, or an existing one, and where its tokens are verified."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.platform import Platform

PASSWORD_LENGTH = 14
INVITATION_DAYS = 3
TOKEN_MINUTES = 10
"""How long ID and access tokens hold. A speaker's travels in a query string, which may end up in a log; it is needed
only while connecting, so clients fetch a fresh one before that. Cognito allows five minutes and more."""
REFRESH_HOURS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSource:
    """A pool and the app client that its tokens are issued to."""

    user_pool_id: pulumi.Input[str]
    client_id: pulumi.Input[str]

    def issuer(self) -> pulumi.Output[str]:
        """`iss` of the pool's tokens, which names the region that the pool's id begins with (Cognito developer guide,
        "Verifying JSON web tokens")."""
        return pulumi.Output.from_input(self.user_pool_id).apply(_issuer)

    def keys_url(self, endpoint_url: str | None) -> pulumi.Output[str]:
        """Where the pool's public keys are; an embedded cloud serves them at its own address."""
        if endpoint_url is None:
            return pulumi.Output.concat(self.issuer(), "/.well-known/jwks.json")
        return pulumi.Output.concat(f"{endpoint_url}/", self.user_pool_id, "/.well-known/jwks.json")


def _issuer(user_pool_id: str) -> str:
    region = user_pool_id.partition("_")[0]
    return f"https://cognito-idp.{region}.amazonaws.com/{user_pool_id}"


class UserPool(pulumi.ComponentResource):
    """A pool whose users somebody invites, with one client that holds no secret: browsers could not keep it.

    A second factor is offered, not required: whoever invites speakers decides about them, and tools that sign in on
    their own (`ADMIN_USER_PASSWORD_AUTH`, for which the caller needs rights of its own) have none.
    """

    tokens: TokenSource

    def __init__(self, name: str, platform: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("cpaas:user_pool:UserPool", name, {}, opts)
        site, policy = platform.site, platform.site.policy
        pool = aws.cognito.UserPool(
            f"{name}-pool",
            name=site.physical(name),
            username_attributes=["email"],
            username_configuration=aws.cognito.UserPoolUsernameConfigurationArgs(case_sensitive=False),
            auto_verified_attributes=["email"],
            admin_create_user_config=aws.cognito.UserPoolAdminCreateUserConfigArgs(allow_admin_create_user_only=True),
            password_policy=aws.cognito.UserPoolPasswordPolicyArgs(
                minimum_length=PASSWORD_LENGTH,
                require_lowercase=True,
                require_uppercase=True,
                require_numbers=True,
                require_symbols=True,
                temporary_password_validity_days=INVITATION_DAYS,
            ),
            mfa_configuration="OPTIONAL",
            software_token_mfa_configuration=aws.cognito.UserPoolSoftwareTokenMfaConfigurationArgs(enabled=True),
            account_recovery_setting=aws.cognito.UserPoolAccountRecoverySettingArgs(
                recovery_mechanisms=[
                    aws.cognito.UserPoolAccountRecoverySettingRecoveryMechanismArgs(name="verified_email", priority=1)
                ]
            ),
            deletion_protection="ACTIVE" if policy.deletion_protection else "INACTIVE",
            tags=site.tags,
            opts=pulumi.ResourceOptions(
                parent=self, protect=policy.protect, retain_on_delete=policy.retain_data, delete_before_replace=True
            ),
        )
        client = aws.cognito.UserPoolClient(
            f"{name}-client",
            name=site.physical(name),
            user_pool_id=pool.id,
            generate_secret=False,
            explicit_auth_flows=[
                "ALLOW_ADMIN_USER_PASSWORD_AUTH",
                "ALLOW_REFRESH_TOKEN_AUTH",
                "ALLOW_USER_SRP_AUTH",
            ],
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            id_token_validity=TOKEN_MINUTES,
            access_token_validity=TOKEN_MINUTES,
            refresh_token_validity=REFRESH_HOURS,
            token_validity_units=aws.cognito.UserPoolClientTokenValidityUnitsArgs(
                id_token="minutes",  # noqa: S106 - a unit
                access_token="minutes",  # noqa: S106 - a unit
                refresh_token="hours",  # noqa: S106 - a unit
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.tokens = TokenSource(user_pool_id=pool.id, client_id=client.id)
        self.register_outputs({"user_pool_id": pool.id, "client_id": client.id})
