"""Rights compared grant by grant, and said in words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud import resource_types as types
from localcloud.costs import Usage
from localcloud.graph import RecordedGraph, Registration, Secret
from localcloud.preview.document import document
from localcloud.preview.grants import Grant, document_changed, gained, grants, narrowed
from localcloud.preview.names import Names
from localcloud.preview.words import gains, losses, unreadable

ACCOUNT = "123456789012"
TABLE_ARN = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/shop-orders-dev"
BUCKET_ARN = "arn:aws:s3:::shop-files"


def item(
    type_: str, name: str, inputs: dict[str, Any], outputs: dict[str, Any] | None = None, **links: str
) -> Registration:
    return Registration(
        urn=f"urn:pulumi:dev::shop::{type_}::{name}",
        type=type_,
        name=name,
        custom=True,
        property_dependencies={key: (urn,) for key, urn in links.items()},
        inputs=inputs,
        outputs={**inputs, **(outputs or {})},
    )


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


ROLE = item(
    types.ROLE,
    "worker-role",
    {
        "tags": {"Name": "shop-worker-dev"},
        "assumeRolePolicy": policy({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}),
    },
    {"arn": f"arn:aws:iam::{ACCOUNT}:role/worker-role-1"},
)
FUNCTION = item(
    types.FUNCTION,
    "worker",
    {"name": "shop-worker-dev"},
    {"arn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:shop-worker-dev"},
    role=ROLE.urn,
)
TABLE = item(
    types.TABLE, "orders", {"name": "shop-orders-dev"}, {"arn": TABLE_ARN, "streamArn": f"{TABLE_ARN}/stream/1"}
)
BUCKET = item(types.BUCKET, "files", {"tags": {"Name": "shop-files-dev"}}, {"arn": BUCKET_ARN})
QUEUE = item(types.QUEUE, "work", {"name": "shop-work-dev"}, {"arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:shop-work-dev"})
RULE = item(
    types.EVENT_RULE,
    "tick",
    {"name": "shop-tick-dev"},
    {"arn": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/shop-tick-dev"},
)
STACK = Registration(
    urn="urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev",
    type=types.STACK,
    name="shop-dev",
    custom=False,
    property_dependencies={},
    inputs={},
    outputs={},
)


def world(*more: Registration) -> RecordedGraph:
    return RecordedGraph((STACK, ROLE, FUNCTION, TABLE, BUCKET, QUEUE, RULE, *more), {})


def may(*statements: dict[str, Any]) -> RecordedGraph:
    """A world whose worker has these rights."""
    return world(item(types.ROLE_POLICY, "worker-policy", {"policy": policy(*statements)}, role=ROLE.urn))


def told(before: RecordedGraph, after: RecordedGraph) -> tuple[list[str], list[str]]:
    """Sentences of what was gained and lost."""
    old_names, new_names = Names(before), Names(after)
    old, new = grants(before, old_names), grants(after, new_names)
    wider, narrower = gained(old, new), gained(new, old)
    more = gains(wider, narrower, new_names)
    less = losses(narrower, wider, old_names, narrowed(narrower, new))
    return [each.sentence for each in more], [each.sentence for each in less]


READ = {"Action": ["dynamodb:GetItem", "dynamodb:DeleteItem"], "Resource": TABLE_ARN}


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (READ, "worker may now delete and read items in table shop-orders-dev"),
        (
            {"Action": "dynamodb:Query", "Resource": f"{TABLE_ARN}/index/by-day"},
            "worker may now query items in index by-day of table shop-orders-dev",
        ),
        (
            {"Action": "dynamodb:GetRecords", "Resource": f"{TABLE_ARN}/stream/1"},
            "worker may now read changes of table shop-orders-dev",
        ),
        (
            {"Action": "s3:GetObject", "Resource": f"{BUCKET_ARN}/in/*"},
            "worker may now read objects under in/ of bucket shop-files-dev",
        ),
        (
            {"Action": "s3:PutObject", "Resource": f"{BUCKET_ARN}/*"},
            "worker may now write objects of bucket shop-files-dev",
        ),
        (
            {"Action": "sqs:AddPermission", "Resource": QUEUE.outputs["arn"]},
            "worker may now use sqs:AddPermission on queue shop-work-dev",
        ),
        (
            {"Action": "sqs:*", "Resource": f"arn:aws:sqs:us-east-1:{ACCOUNT}:*"},
            f"worker may now do anything (sqs:*) with every queue of the account (arn:aws:sqs:us-east-1:{ACCOUNT}:*)",
        ),
        (
            {"Action": "iam:PassRole", "Resource": "*"},
            "worker may now hand over every resource of every kind (*)",
        ),
        (
            {"NotAction": "iam:*", "Resource": "arn:aws:s3:::elsewhere"},
            "worker may now do everything but iam:* on arn:aws:s3:::elsewhere",
        ),
        (
            {**READ, "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}},
            "worker may now delete and read items in table shop-orders-dev, if aws:RequestedRegion is us-east-1 "
            "(StringEquals)",
        ),
    ],
)
def test_rights_in_plain_words(statement: dict[str, Any], sentence: str) -> None:
    assert told(may(), may(statement)) == ([sentence], [])
    assert told(may(statement), may()) == ([], [sentence.replace("may now", "may no longer")])


def test_a_rewritten_policy_that_means_the_same_says_nothing() -> None:
    apart = [{"Action": action, "Resource": [TABLE_ARN]} for action in reversed(READ["Action"])]
    assert told(may(READ), may(*apart)) == ([], [])
    assert not document_changed(policy(READ), policy({**READ, "Action": list(reversed(READ["Action"]))}))
    assert document_changed(policy(READ), policy())


def test_a_widened_resource_is_a_gain_and_no_loss() -> None:
    wide = {**READ, "Resource": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/*"}
    more, less = told(may(READ), may(wide))
    assert more == [f"worker may now delete and read items in every table of the account ({wide['Resource']})"]
    assert less == []
    narrower = f"{more[0].replace('may now', 'may no longer')}; narrower rights remain"
    assert told(may(wide), may(READ)) == ([], [narrower])


def test_a_condition_that_goes_is_a_gain() -> None:
    bound = {**READ, "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
    assert told(may(bound), may(READ)) == (["worker may now delete and read items in table shop-orders-dev"], [])
    more, less = told(may(READ), may(bound))
    assert more == []
    assert less == ["worker may no longer delete and read items in table shop-orders-dev; narrower rights remain"]


def test_who_may_become_a_role() -> None:
    opened = item(
        types.ROLE,
        "worker-role",
        {
            "tags": {"Name": "shop-worker-dev"},
            "assumeRolePolicy": policy({"Principal": {"AWS": "999999999999"}, "Action": "sts:AssumeRole"}),
        },
        {"arn": ROLE.outputs["arn"]},
    )
    after = RecordedGraph((STACK, opened, FUNCTION), {})
    assert told(RecordedGraph((STACK, ROLE, FUNCTION), {}), after) == (
        ["account 999999999999 may now act as role shop-worker-dev"],
        ["Lambda may no longer act as role shop-worker-dev"],
    )


def test_who_may_send_into_a_queue() -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": QUEUE.outputs["arn"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    let_in = {
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE.outputs["arn"],
        "Condition": {"ArnLike": {"aws:SourceArn": RULE.outputs["arn"]}},
    }
    closed = world(item(types.QUEUE_POLICY, "p", {"policy": policy(deny)}, queueUrl=QUEUE.urn))
    opened = world(item(types.QUEUE_POLICY, "p", {"policy": policy(let_in)}, queueUrl=QUEUE.urn))
    refusal = "to everybody: do anything (sqs:*) with queue shop-work-dev, over plain HTTP"
    entry = "send messages into queue shop-work-dev, for rule shop-tick-dev"
    assert told(closed, opened) == ([f"EventBridge may now {entry}", f"no longer refused {refusal}"], [])
    assert told(opened, closed) == ([], [f"EventBridge may no longer {entry}", f"now refused {refusal}"])


def test_permissions_attachments_and_managed_policies() -> None:
    api = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:abc"
    after = world(
        item(types.API, "api", {"name": "shop-api-dev"}, {"executionArn": api}),
        item(
            types.PERMISSION,
            "p",
            {"action": "lambda:InvokeFunction", "principal": "apigateway.amazonaws.com", "sourceArn": f"{api}/*/*"},
            function=FUNCTION.urn,
        ),
        item(types.ROLE_POLICY_ATTACHMENT, "a", {"policyArn": "arn:aws:iam::aws:policy/Admin"}, role=ROLE.urn),
        item(types.MANAGED_POLICY, "m", {"policy": policy(READ)}),
    )
    assert told(world(), after)[0] == [
        "API Gateway may now invoke function shop-worker-dev, for API shop-api-dev (*/*)",
        "whoever has policy m may now delete and read items in table shop-orders-dev",
        "worker may now do all that the managed policy Admin allows on every resource of every kind (*)",
    ]


USER = item("aws:iam/user:User", "ops", {"name": "shop-ops-dev"}, {"arn": f"arn:aws:iam::{ACCOUNT}:user/shop-ops-dev"})
KEY = item(types.KEY, "key", {"tags": {"Name": "shop-key-dev"}}, {"arn": "arn:aws:kms:k"})


@pytest.mark.parametrize(
    ("added", "sentences"),
    [
        (
            item(types.USER_POLICY, "p", {"policy": policy(READ)}, user=USER.urn),
            ["user ops may now delete and read items in table shop-orders-dev"],
        ),
        (
            item(types.GROUP_POLICY, "p", {"policy": policy(READ), "group": "admins"}),
            ["group admins may now delete and read items in table shop-orders-dev"],
        ),
        (
            item(types.POLICY_ATTACHMENT, "a",
                 {"policyArn": "arn:aws:iam::aws:policy/Admin", "groups": ["admins"], "users": ["shop-ops-dev", "eve"]},
                 roles=ROLE.urn, users=USER.urn),
            [
                "group admins may now do all that the managed policy Admin allows on every resource of every kind (*)",
                "user eve may now do all that the managed policy Admin allows on every resource of every kind (*)",
                "user ops may now do all that the managed policy Admin allows on every resource of every kind (*)",
                "worker may now do all that the managed policy Admin allows on every resource of every kind (*)",
            ],
        ),
        (
            item(types.USER_POLICY_ATTACHMENT, "a", {"policyArn": "arn:aws:iam::aws:policy/Admin"}, user=USER.urn),
            ["user ops may now do all that the managed policy Admin allows on every resource of every kind (*)"],
        ),
        (
            item(types.KEY_GRANT, "g",
                 {"operations": ["Decrypt", "Encrypt"], "granteePrincipal": f"arn:aws:iam::{ACCOUNT}:root",
                  "constraints": [{"encryptionContextEquals": {"who": "me"}}]}, keyId=KEY.urn),
            [
                f"account {ACCOUNT} may now decrypt and encrypt with key shop-key-dev, "
                "if kms:EncryptionContext:who is me (StringEquals)"
            ],
        ),
        (
            item(types.FUNCTION_URL, "u", {"authorizationType": "NONE"}, functionName=FUNCTION.urn),
            ["everybody may now call the URL of function shop-worker-dev"],
        ),
        (item(types.FUNCTION_URL, "u", {"authorizationType": "AWS_IAM"}, functionName=FUNCTION.urn), []),
        (
            item(types.TABLE_POLICY, "p",
                 {"policy": policy({**READ, "Principal": {"AWS": "999999999999"}})}, resourceArn=TABLE.urn),
            ["account 999999999999 may now delete and read items in table shop-orders-dev"],
        ),
        (
            item(types.SECRET, "s",
                 {"name": "code",
                  "policy": policy({"Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"})},
                 {"arn": "arn:aws:secretsmanager:s"}),
            ["everybody may now read the value of secret code"],
        ),
    ],
)  # fmt: skip
def test_every_form_of_a_right_is_read(added: Registration, sentences: list[str]) -> None:
    assert told(world(USER, KEY), world(USER, KEY, added)) == (sentences, [])
    assert unreadable(world(), world(added)) == ([], [])


def test_a_role_s_own_policies_are_read() -> None:
    inline = replace(ROLE, inputs={**ROLE.inputs, "inlinePolicies": [{"name": "more", "policy": policy(READ)}]})
    after = RecordedGraph((STACK, inline, FUNCTION, TABLE), {})
    assert told(RecordedGraph((STACK, ROLE, FUNCTION, TABLE), {}), after) == (
        ["worker may now delete and read items in table shop-orders-dev"],
        [],
    )


def test_what_cannot_be_read_is_told_as_such() -> None:
    def vault(text: str) -> RecordedGraph:
        return world(item("aws:backup/vaultPolicy:VaultPolicy", "vault", {"policy": text}))

    gained_words, lost_words = "gives rights that this preview cannot read", "no longer gives rights"
    assert [said.sentence for said in unreadable(world(), vault("{}"))[0]] == [f"VaultPolicy vault {gained_words}"]
    assert [said.sentence for said in unreadable(vault("{}"), vault("[]"))[0]] == [f"VaultPolicy vault {gained_words}"]
    assert unreadable(vault("{}"), vault("{}")) == ([], [])
    (lost,) = unreadable(vault("{}"), world())[1]
    assert lost_words in lost.sentence
    hidden = item(types.ROLE_POLICY, "hidden", {"policy": Secret(policy(READ))}, role=ROLE.urn)
    (said,) = unreadable(world(), world(hidden))[0]
    assert said.sentence == f"role policy hidden {gained_words} (policy)"
    shown = document(world(), vault("{}"), Usage())["permissions"]
    assert shown["gained"][0]["sentence"] == f"VaultPolicy vault {gained_words}"


def test_a_key_s_star_is_the_key_itself() -> None:
    statement = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "kms:Decrypt", "Resource": "*"}
    key = item(
        types.KEY, "key", {"tags": {"Name": "shop-key-dev"}, "policy": policy(statement)}, {"arn": "arn:aws:kms:k"}
    )
    assert told(world(), world(key))[0] == ["SNS may now decrypt with key shop-key-dev"]


TEXTS = st.text(alphabet="ab*:/[]?", min_size=1, max_size=4)
GRANTS = st.frozensets(st.builds(Grant, st.sampled_from("xy"), TEXTS, TEXTS), max_size=4)


@given(GRANTS, GRANTS)
def test_what_is_gained_is_new_and_what_stays_is_not(before: frozenset[Grant], after: frozenset[Grant]) -> None:
    found = gained(before, after)
    assert set(found) <= after - before
    assert gained(before, before) == []
    everything = frozenset(Grant(principal, "*", "*") for principal in "xy")
    assert gained(everything, after) == []
