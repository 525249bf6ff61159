"""Rules for what holds data: tables, buckets, keys, secrets, users and logs."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud import resource_types as types
from localcloud.graph import Unknown
from localcloud.iam_documents import refuses_plain_http
from localcloud.policies.rule import Fault, Rule, differs, lacks, policy_of
from localcloud.view import View, inside

STATEFUL = (types.TABLE, types.BUCKET, types.KEY, types.SECRET, types.PHONE_NUMBER, types.USER_POOL)
"""What cannot be made again from the program once it is gone."""

_PRIVACY = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _tables_recoverable(view: View) -> Iterator[Fault]:
    for table in view.of(types.TABLE):
        if policy_of(table).point_in_time_recovery and differs(
            inside(table.inputs, "pointInTimeRecovery", "enabled"), True
        ):
            yield Fault(table.urn, "cannot be restored to a point in time; enable point_in_time_recovery")


def _tables_encrypted(view: View) -> Iterator[Fault]:
    for table in view.of(types.TABLE):
        if lacks(inside(table.inputs, "serverSideEncryption", "kmsKeyArn")):
            yield Fault(table.urn, "is encrypted with AWS's own key; set server_side_encryption.kms_key_arn")


def _tables_undeletable(view: View) -> Iterator[Fault]:
    for table in view.of(types.TABLE):
        if policy_of(table).deletion_protection and differs(table.inputs.get("deletionProtectionEnabled"), True):
            yield Fault(table.urn, "can be deleted by one call; set deletion_protection_enabled")


def _user_pools_undeletable(view: View) -> Iterator[Fault]:
    for pool in view.of(types.USER_POOL):
        if policy_of(pool).deletion_protection and differs(pool.inputs.get("deletionProtection"), "ACTIVE"):
            yield Fault(pool.urn, "can be deleted by one call with everybody in it; set deletion_protection")


def _user_pools_closed(view: View) -> Iterator[Fault]:
    for pool in view.of(types.USER_POOL):
        if differs(inside(pool.inputs, "adminCreateUserConfig", "allowAdminCreateUserOnly"), True):
            yield Fault(pool.urn, "lets anybody sign up; set admin_create_user_config, or say in a waiver why they may")


def _tables_expire(view: View) -> Iterator[Fault]:
    for table in view.of(types.TABLE):
        if differs(inside(table.inputs, "ttl", "enabled"), True):
            yield Fault(table.urn, "keeps its rows for ever; declare a ttl, or say in a waiver why they must stay")


def _stateful_protected(view: View) -> Iterator[Fault]:
    for item in view.of(*STATEFUL):
        if policy_of(item).protect and not item.protect:
            yield Fault(item.urn, "holds data that a change of the program could delete; set protect in its options")


def _keys_rotate(view: View) -> Iterator[Fault]:
    for key in view.of(types.KEY):
        symmetric = key.inputs.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
        if symmetric and differs(key.inputs.get("enableKeyRotation"), True):
            yield Fault(key.urn, "never changes its key material; set enable_key_rotation")


def _secrets_rotate(view: View) -> Iterator[Fault]:
    for secret in view.of(types.SECRET):
        if not view.pointing(secret, types.SECRET_ROTATION, "secretId"):
            yield Fault(secret.urn, "never changes; add a SecretRotation, or say in a waiver who changes it and when")


def _logs_end(view: View) -> Iterator[Fault]:
    for group in view.of(types.LOG_GROUP):
        if lacks(group.inputs.get("retentionInDays")):
            yield Fault(group.urn, "keeps its lines for ever; set retention_in_days")


def _logs_encrypted(view: View) -> Iterator[Fault]:
    for group in view.of(types.LOG_GROUP):
        if lacks(group.inputs.get("kmsKeyId")):
            yield Fault(group.urn, "is not encrypted with the stack's key; set kms_key_id")


def _buckets_private(view: View) -> Iterator[Fault]:
    for bucket in view.of(types.BUCKET):
        blocks = view.pointing(bucket, types.BUCKET_PRIVACY, "bucket")
        if not any(all(not differs(block.inputs.get(name), True) for name in _PRIVACY) for block in blocks):
            yield Fault(bucket.urn, "may be opened to the public; add a BucketPublicAccessBlock with all four blocks")


def _buckets_encrypted(view: View) -> Iterator[Fault]:
    path = ("rules", "applyServerSideEncryptionByDefault", "kmsMasterKeyId")
    for bucket in view.of(types.BUCKET):
        configurations = view.pointing(bucket, types.BUCKET_ENCRYPTION, "bucket")
        if not any(not lacks(inside(item.inputs, *path)) for item in configurations):
            yield Fault(bucket.urn, "is not encrypted with the stack's key; add its server-side encryption")


def _buckets_tls(view: View) -> Iterator[Fault]:
    for bucket in view.of(types.BUCKET):
        documents = [item.inputs.get("policy") for item in view.pointing(bucket, types.BUCKET_POLICY, "bucket")]
        if not any(isinstance(each, Unknown) or refuses_plain_http(each) for each in documents):
            yield Fault(bucket.urn, "answers without TLS; deny what comes with aws:SecureTransport false")


RULES = (
    Rule(
        "table-recovery",
        "A table can be restored to a point in time where the environment asks for it.",
        _tables_recoverable,
        cdk_nag="AwsSolutions-DDB3",
    ),
    Rule("table-key", "A table is encrypted with a customer-managed key.", _tables_encrypted),
    Rule(
        "table-deletion-protection",
        "A table is protected from deletion where the environment asks for it.",
        _tables_undeletable,
    ),
    Rule(
        "user-pool-deletion-protection",
        "A user pool is protected from deletion where the environment asks for it.",
        _user_pools_undeletable,
    ),
    Rule("user-pool-closed", "Nobody gives themselves an account.", _user_pools_closed),
    Rule("table-expiry", "A table's rows expire.", _tables_expire),
    Rule(
        "stateful-protected",
        "What holds data is protected from deletion by a change of the program where the environment asks for it.",
        _stateful_protected,
    ),
    Rule("key-rotation", "A key's material rotates.", _keys_rotate, cdk_nag="AwsSolutions-KMS5"),
    Rule("secret-rotation", "A secret rotates.", _secrets_rotate, cdk_nag="AwsSolutions-SMG4"),
    Rule("log-retention", "Log lines expire.", _logs_end, cdk_nag="CloudWatchLogGroupRetentionPeriod"),
    Rule(
        "log-key",
        "A log group is encrypted with a customer-managed key.",
        _logs_encrypted,
        cdk_nag="CloudWatchLogGroupEncrypted",
    ),
    Rule("bucket-private", "A bucket blocks every public access.", _buckets_private, cdk_nag="AwsSolutions-S2"),
    Rule(
        "bucket-encrypted",
        "A bucket is encrypted with a customer-managed key.",
        _buckets_encrypted,
        cdk_nag="S3DefaultEncryptionKMS",
    ),
    Rule("bucket-tls", "A bucket refuses requests without TLS.", _buckets_tls, cdk_nag="AwsSolutions-S10"),
)
