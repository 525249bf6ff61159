"""S3 buckets; each property of a bucket is a resource of its own."""

from __future__ import annotations

from localcloud.monitor import Created
from localcloud.provision.fit import text
from localcloud.provision.task import Provisioner, Task

_CLASSIC_REGION = "us-east-1"
"""The one region that S3 refuses as a location constraint."""


def bucket(task: Task) -> Created:
    """An empty bucket with its tags."""
    name = task.named("bucket", longest=63).lower()
    place = None if task.region == _CLASSIC_REGION else {"LocationConstraint": task.region}
    task.call(
        "s3",
        "create_bucket",
        {"ObjectLockEnabledForBucket": "objectLockEnabled"},
        Bucket=name,
        CreateBucketConfiguration=place,
    )
    if tags := task.inputs.get("tags"):
        task.call("s3", "put_bucket_tagging", Bucket=name, source={"tagging": {"tagSet": tags}})
    return Created(
        name,
        {
            "bucket": name,
            "arn": f"arn:aws:s3:::{name}",
            "bucketDomainName": f"{name}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{name}.s3.{task.region}.amazonaws.com",
        },
    )


def _property(operation: str, member: str, key: str | None = None) -> Provisioner:
    """A provisioner for one property: `operation`'s parameter `member` is the input `key`, or all inputs."""

    def create(task: Task) -> Created:
        name = task.inputs["bucket"]
        task.call("s3", operation, Bucket=name, source={member: task.inputs[key] if key else task.inputs})
        return Created(name, {})

    return create


def lifecycle(task: Task) -> Created:
    """Lifecycle rules; a rule without a filter gets the one that matches everything, as the provider sends it."""
    name = task.inputs["bucket"]
    source = {"lifecycleConfiguration": task.inputs}
    if size := task.inputs.get("transitionDefaultMinimumObjectSize"):
        source["transitionDefaultMinimumObjectSize"] = size
    parameters = task.fitted("s3", "put_bucket_lifecycle_configuration", Bucket=name, source=source)
    for rule in parameters["LifecycleConfiguration"]["Rules"]:
        rule.setdefault("Filter", {"Prefix": ""})
    task.client("s3").put_bucket_lifecycle_configuration(**parameters)
    return Created(name, {})


def policy(task: Task) -> Created:
    """A bucket policy."""
    name = task.inputs["bucket"]
    task.client("s3").put_bucket_policy(Bucket=name, Policy=text(task.inputs["policy"]))
    return Created(name, {})


PROVISIONERS: dict[str, Provisioner] = {
    "aws:s3/bucket:Bucket": bucket,
    "aws:s3/bucketVersioning:BucketVersioning": _property(
        "put_bucket_versioning", "versioningConfiguration", "versioningConfiguration"
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _property(
        "put_public_access_block", "publicAccessBlockConfiguration"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _property(
        "put_bucket_encryption", "serverSideEncryptionConfiguration"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _property(
        "put_bucket_ownership_controls", "ownershipControls"
    ),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _property("put_bucket_cors", "corsConfiguration"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lifecycle,
    "aws:s3/bucketPolicy:BucketPolicy": policy,
}
