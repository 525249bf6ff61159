"""Rules for the stack as a whole: owned, tagged, watched."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud import resource_types as types
from localcloud.policies.rule import Fault, Rule
from localcloud.view import View

REQUIRED_TAGS = frozenset({"Project", "Stack", "Environment", "Owner", "CostCenter"})

UNTAGGABLE = frozenset(
    {
        "aws:apigatewayv2/integration:Integration",
        "aws:apigatewayv2/authorizer:Authorizer",
        types.API_ROUTE,
        types.API_ROUTE_RESPONSE,
        types.USER_POOL_CLIENT,
        types.DASHBOARD,
        types.EVENT_BUS_POLICY,
        types.EVENT_TARGET,
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        types.ROLE_POLICY,
        types.ROLE_POLICY_ATTACHMENT,
        "aws:kms/alias:Alias",
        types.FUNCTION_INVOKE_CONFIG,
        types.LAYER,
        types.PERMISSION,
        "aws:pinpoint/smsvoicev2EventDestination:Smsvoicev2EventDestination",
        "aws:pinpoint/smsvoicev2Keyword:Smsvoicev2Keyword",
        "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        types.BUCKET_POLICY,
        types.BUCKET_PRIVACY,
        types.BUCKET_ENCRYPTION,
        types.SECRET_ROTATION,
        "aws:secretsmanager/secretVersion:SecretVersion",
        "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination",
        "aws:sesv2/emailIdentityFeedbackAttributes:EmailIdentityFeedbackAttributes",
        "aws:sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes",
        types.TOPIC_POLICY,
        types.TOPIC_SUBSCRIPTION,
        types.QUEUE_POLICY,
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        "aws:sqs/redrivePolicy:RedrivePolicy",
        types.EMAIL_IDENTITY_POLICY,
        types.FUNCTION_POLICY,
        types.FUNCTION_URL,
        types.GROUP_POLICY,
        types.GROUP_POLICY_ATTACHMENT,
        types.KEY_GRANT,
        types.KEY_POLICY,
        types.LOG_POLICY,
        types.PHONE_NUMBER_POLICY,
        types.POLICY_ATTACHMENT,
        types.SECRET_POLICY,
        types.TABLE_POLICY,
        types.USER_POLICY,
        types.USER_POLICY_ATTACHMENT,
    }
)
"""Types whose resources AWS does not tag; a test compares with the arguments of the provider's classes."""

WATCHED = (types.FUNCTION, types.QUEUE, types.TABLE, types.API, types.EVENT_RULE)


def _owned(view: View) -> Iterator[Fault]:
    for item in view.resources():
        if item.type.startswith("pulumi:"):
            continue
        parent = view.at(item.parent)
        if parent is None or parent.custom or parent.type == types.STACK:
            yield Fault(item.urn, "belongs to no component; build it inside one, with parent=self")


def _tagged(view: View) -> Iterator[Fault]:
    for item in view.resources():
        if item.type in UNTAGGABLE or item.type.startswith("pulumi:"):
            continue
        tags = item.inputs.get("tags")
        missing = REQUIRED_TAGS - (tags.keys() if isinstance(tags, dict) else frozenset())
        if missing:
            yield Fault(item.urn, f"lacks the tags {', '.join(sorted(missing))}; pass the site's tags")


def _watched(view: View) -> Iterator[Fault]:
    for item in view.of(*WATCHED):
        if not view.pointing(item, types.ALARM, "dimensions", "metricQueries"):
            yield Fault(item.urn, "can fail unseen; give it an alarm")


RULES = (
    Rule("component-parent", "A resource belongs to a component.", _owned),
    Rule("tags", "A resource says whose it is by its tags.", _tagged),
    Rule("alarm", "A function, queue, table, API or event rule has an alarm.", _watched),
)
