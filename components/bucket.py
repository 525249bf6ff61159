"""A private bucket: encrypted, TLS only, emptied by age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pulumi
import pulumi_aws as aws

from components.iam import READ, WRITE, Statement, document, tls_only
from components.platform import Platform


class Bucket(pulumi.ComponentResource):
    """The bucket and everything that keeps it private; objects expire after the environment's data retention, under the
    prefixes of `short_lived` after so many days.

    No versions are kept: objects are written once, and what is erased must be gone. Pages of `origins` may post forms
    to it and follow links into it; either still needs a signature.
    """

    bucket: aws.s3.Bucket
    name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        thing: str,
        platform: Platform,
        *,
        origins: Sequence[str] = (),
        short_lived: Mapping[str, int] = MappingProxyType({}),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("cpaas:bucket:Bucket", name, {}, opts)
        policy = platform.site.policy
        child = pulumi.ResourceOptions(parent=self)
        self.bucket = aws.s3.Bucket(
            f"{name}-bucket",
            force_destroy=not policy.protect,
            tags=platform.site.named(thing),
            opts=pulumi.ResourceOptions(parent=self, protect=policy.protect, retain_on_delete=policy.retain_data),
        )
        self.name, self.arn = self.bucket.bucket, self.bucket.arn
        private = aws.s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=self.name,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=self.name,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=self.name,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="aws:kms", kms_master_key_id=platform.key_arn
                        )
                    ),
                    bucket_key_enabled=True,
                )
            ],
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=self.name,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="expire",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=policy.data_retention_days),
                    abort_incomplete_multipart_upload=(
                        aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                            days_after_initiation=1
                        )
                    ),
                ),
                *(
                    aws.s3.BucketLifecycleConfigurationRuleArgs(
                        id=f"expire-{prefix}",
                        status="Enabled",
                        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=f"{prefix}/"),
                        expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
                    )
                    for prefix, days in short_lived.items()
                ),
            ],
            opts=child,
        )
        if origins:
            aws.s3.BucketCorsConfiguration(
                f"{name}-cors",
                bucket=self.name,
                cors_rules=[
                    aws.s3.BucketCorsConfigurationCorsRuleArgs(
                        allowed_headers=["*"],
                        allowed_methods=["GET", "POST"],
                        allowed_origins=list(origins),
                        max_age_seconds=3_600,
                    )
                ],
                opts=child,
            )
        aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=self.name,
            policy=document([tls_only([self.arn, pulumi.Output.concat(self.arn, "/*")], "s3:*")]),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[private]),
        )
        self.register_outputs({"name": self.name, "arn": self.arn})

    def read(self, sid: str, prefix: str) -> Statement:
        """The right to read the objects under `prefix`."""
        return self._objects(sid, "s3:GetObject", [prefix], READ)

    def write(self, sid: str, *prefixes: str) -> Statement:
        """The right to write objects under `prefixes`."""
        return self._objects(sid, "s3:PutObject", prefixes, WRITE)

    def list(self, sid: str, prefix: str) -> Statement:
        """The right to list what lies under `prefix`."""
        return Statement(
            sid=sid,
            actions=["s3:ListBucket"],
            resources=[self.arn],
            conditions={"StringLike": {"s3:prefix": f"{prefix}/*"}},
        )

    def _objects(self, sid: str, action: str, prefixes: Sequence[str], key_actions: frozenset[str]) -> Statement:
        return Statement(
            sid=sid,
            actions=[action],
            resources=[pulumi.Output.concat(self.arn, f"/{prefix}/*") for prefix in prefixes],
            key_actions=key_actions,
        )
