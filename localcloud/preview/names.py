"""What people call resources: ARNs and identities resolved through the graph that knows them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from localcloud import resource_types as types
from localcloud.graph import RecordedGraph, Registration

KINDS = {
    types.API: "API",
    types.ALARM: "alarm",
    types.COMPOSITE_ALARM: "alarm",
    types.DASHBOARD: "dashboard",
    types.EVENT_BUS: "event bus",
    types.EVENT_RULE: "rule",
    types.LOG_GROUP: "log group",
    types.TABLE: "table",
    types.ROLE: "role",
    types.ROLE_POLICY: "role policy",
    types.KEY: "key",
    types.FUNCTION: "function",
    types.LAYER: "layer",
    types.PHONE_NUMBER: "phone number",
    types.BUCKET: "bucket",
    types.SECRET: "secret",
    types.TOPIC: "topic",
    types.QUEUE: "queue",
    types.PARAMETER: "parameter",
    types.EVENT_SOURCE_MAPPING: "mapping",
    "aws:pinpoint/smsvoicev2ConfigurationSet:Smsvoicev2ConfigurationSet": "configuration set",
    "aws:sesv2/configurationSet:ConfigurationSet": "configuration set",
    types.EMAIL_IDENTITY: "e-mail identity",
}

SERVICES = {
    "apigateway.amazonaws.com": "API Gateway",
    "cloudwatch.amazonaws.com": "CloudWatch",
    "events.amazonaws.com": "EventBridge",
    "lambda.amazonaws.com": "Lambda",
    "scheduler.amazonaws.com": "EventBridge Scheduler",
    "ses.amazonaws.com": "SES",
    "sms-voice.amazonaws.com": "End User Messaging SMS",
    "sns.amazonaws.com": "SNS",
    "social-messaging.amazonaws.com": "End User Messaging Social",
}

_WHOLE_KINDS = {
    ("dynamodb", "table"): "every table",
    ("sqs", ""): "every queue",
    ("sns", ""): "every topic",
    ("lambda", "function"): "every function",
    ("logs", "log-group"): "every log group",
    ("s3", ""): "every bucket",
    ("kms", "key"): "every key",
    ("sms-voice", ""): "every identity and configuration set",
    ("sms-voice", "phone-number"): "every phone number",
    ("secretsmanager", "secret"): "every secret",
    ("ssm", "parameter"): "every parameter",
    ("events", "rule"): "every rule",
}
_ARN = re.compile(r"arn:[^:]*:(?P<service>[^:]*):(?P<region>[^:]*):(?P<account>[^:]*):(?P<rest>.*)\Z")


class Names:
    """The names of one graph's resources."""

    def __init__(self, graph: RecordedGraph) -> None:
        stack = next((item for item in graph.registrations if item.type == types.STACK), None)
        # urn:pulumi:<stack>::<project>::...
        parts = stack.urn.split(":") if stack else []
        self._stack, self._project = (parts[2], parts[4]) if len(parts) > 4 else ("", "")
        self._by_arn: dict[str, str] = {}
        self._functions: dict[str, Registration] = {}
        for item in graph.registrations:
            for output, form in (("arn", "{}"), ("streamArn", "changes of {}"), ("executionArn", "{}")):
                arn = item.outputs.get(output)
                if isinstance(arn, str) and output not in item.inputs and item.custom:
                    self._by_arn.setdefault(arn, form.format(title(item)))
            if item.type == types.FUNCTION:
                self._functions |= dict.fromkeys(item.property_dependencies.get("role", ()), item)

    def role(self, role: Registration) -> str:
        """Who acts as `role`: its function where it has one, without project and stack."""
        function = self._functions.get(role.urn)
        return self.brief(physical(function)) if function else f"role {self.brief(physical(role))}"

    def brief(self, name: str) -> str:
        """A physical name without the project and stack around it."""
        return name.removeprefix(f"{self._project}-").removesuffix(f"-{self._stack}")

    def resource(self, arn: str) -> str:
        """What `arn`, or a pattern of ARNs, stands for."""
        if arn == "*":
            return "every resource of every kind (*)"
        if arn in self._by_arn:
            return self._by_arn[arn]
        for known, name in self._prefixes(arn):
            return _part(name, arn[len(known) :])
        match = _ARN.match(arn)
        if match is None:
            return arn
        kind, _, rest = match["rest"].rpartition("/") if "/" in match["rest"] else match["rest"].rpartition(":")
        whole = _WHOLE_KINDS.get((match["service"], kind)) if rest == "*" else None
        return f"{whole} of the account ({arn})" if whole else arn

    def knows(self, arn: str) -> bool:
        """Whether `arn` is a resource of the graph, or a part of one."""
        return arn in self._by_arn or any(True for _ in self._prefixes(arn))

    def principal(self, kind: str, who: str) -> str:
        """A principal of a trust or resource policy."""
        if kind == "*":
            return "everybody" if who == "*" else who
        if kind == "Service":
            return SERVICES.get(who, who)
        if who in self._by_arn:
            return self._by_arn[who]
        match = _ARN.match(who)
        if kind == "AWS" and match and match["rest"] == "root":
            return f"account {match['account']}"
        if kind == "AWS" and who.isdigit():
            return f"account {who}"
        return who

    def _prefixes(self, arn: str) -> Iterator[tuple[str, str]]:
        known = [each for each in self._by_arn if arn.startswith((f"{each}/", f"{each}:"))]
        yield from ((each, self._by_arn[each]) for each in sorted(known, key=len, reverse=True))


def physical(item: Registration) -> str:
    """What the resource is called in AWS; its `Name` tag, or its name in the program, where AWS's is made up."""
    for key in ("name", "alarmName", "dashboardName", "bucket", "layerName"):
        if isinstance(name := item.inputs.get(key), str) and not _names_another(item, key):
            return name
    tags = item.inputs.get("tags")
    named = tags.get("Name") if isinstance(tags, dict) else None
    return str(named or item.name)


def title(item: Registration) -> str:
    """Kind and name."""
    kind = KINDS.get(item.type)
    return f"{kind} {physical(item)}" if kind else f"{item.type.rpartition(':')[2]} {item.name}"


def _names_another(item: Registration, key: str) -> bool:
    """A bucket's satellites have its name among their inputs."""
    return key == "bucket" and item.type != types.BUCKET


def _part(name: str, rest: str) -> str:
    """A part of the resource called `name`; `rest` is what follows its ARN."""
    kind = name.split(" ")[0]
    if rest.startswith("/index/"):
        index = rest.removeprefix("/index/")
        return f"every index of {name}" if index == "*" else f"index {index} of {name}"
    if kind == "bucket":
        prefix = rest.removeprefix("/").removesuffix("*")
        return f"objects under {prefix} of {name}" if prefix else f"objects of {name}"
    if rest == ":*":
        return name
    return f"{name} ({rest.lstrip('/:')})"
