"""The steps of SMS: which countries it may go to, what it may cost in a month, whom the sandbox lets it reach."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from console.domain import ConsoleError, ProblemKind
from console.setup.steps import Finding, Step, by_hand, there, would
from console.setup.wishes import Wishes
from console.sources.clients import Clients
from console.text import safe_line
from lambdas.core.outputs import MessagingOutputs, StackIdentity
from lambdas.core.redaction import mask_number

_SERVICE = "pinpoint-sms-voice-v2"
_SMS = "SMS"
_BLOCK = "BLOCK"
_LIMIT = "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT"


def steps(clients: Clients, identity: StackIdentity, outputs: MessagingOutputs, wishes: Wishes) -> Iterator[Step]:
    """What is asked for."""
    if wishes.allowed_countries:
        protect = Protect(clients, identity, outputs.sms_configuration_set, wishes)
        yield Step("protect configuration", protect.exists)
        yield Step("allowed countries", protect.rules)
        yield Step("protect applies", protect.applies)
    if wishes.monthly_limit_usd is not None:
        yield Step("SMS spend limit", partial(_spend, clients, wishes.monthly_limit_usd))
    for number in wishes.test_numbers:
        yield Step(f"test number {mask_number(number)}", partial(_test_number, clients, outputs, number))


class Protect:
    """The stack's protect configuration: that of its configuration set, else the one with the stack's tags, as an
    interrupted setup may have left it."""

    def __init__(self, clients: Clients, identity: StackIdentity, configuration_set: str, wishes: Wishes) -> None:
        self._clients = clients
        self._tags = {"Project": identity.project, "Stack": identity.stack}
        self._set = configuration_set
        self._wishes = wishes

    @property
    def _client(self) -> Any:
        return self._clients.client(_SERVICE)

    def exists(self) -> Finding:
        """Whether there is one."""
        id_ = self._find()
        if id_ is not None:
            return there(id_)

        def act() -> str:
            tags = [{"Key": name, "Value": value} for name, value in self._tags.items()]
            return f"created {self._client.create_protect_configuration(Tags=tags)['ProtectConfigurationId']}"

        return would("create one with the stack's tags", act)

    def rules(self) -> Finding:
        """Whether exactly the allowed countries are open."""
        id_, allowed = self._find(), self._wishes.allowed_countries
        words = f"{', '.join(sorted(allowed))} and no other"
        if id_ is None:
            return would(f"allow {words}", lambda: self._raise_missing())
        answer = self._client.get_protect_configuration_country_rule_set(
            ProtectConfigurationId=id_, NumberCapability=_SMS
        )
        current = {country: rule["ProtectStatus"] for country, rule in answer["CountryRuleSet"].items()}
        if unknown := sorted(allowed - current.keys()):
            raise ConsoleError(
                ProblemKind.BAD_INPUT, f"AWS knows no country {unknown[0]}", "correct sms.allowed_countries"
            )
        changes = {
            country: "ALLOW" if country in allowed else _BLOCK
            for country, status in current.items()
            if (status == _BLOCK) == (country in allowed)
        }
        if not changes:
            return there(words)

        def act() -> str:
            self._client.update_protect_configuration_country_rule_set(
                ProtectConfigurationId=id_,
                NumberCapability=_SMS,
                CountryRuleSetUpdates={country: {"ProtectStatus": status} for country, status in changes.items()},
            )
            return f"allowed: {words}"

        opened = sorted(country for country in changes if country in allowed)
        detail = f"allow {words}: blocks {len(changes) - len(opened)} countries"
        return would(f"{detail}, opens {', '.join(opened)}" if opened else detail, act)

    def applies(self) -> Finding:
        """Whether it holds for the stack's messages, or for all of the account's."""
        id_ = self._find()
        if self._wishes.account_default:
            if id_ is not None and any(each["AccountDefault"] for each in self._all() if _id(each) == id_):
                return there("it is the account's default, also for SNS and Cognito")
            return would("make it the account's default, also for SNS and Cognito", lambda: self._make_default())
        if id_ is not None and id_ == self._associated():
            return there(f"it holds for {self._set}")
        return would(f"make it hold for {self._set}", lambda: self._associate())

    def _associate(self) -> str:
        id_ = self._find() or self._raise_missing()
        self._client.associate_protect_configuration(ProtectConfigurationId=id_, ConfigurationSetName=self._set)
        return f"it holds for {self._set}"

    def _make_default(self) -> str:
        id_ = self._find() or self._raise_missing()
        self._client.set_account_default_protect_configuration(ProtectConfigurationId=id_)
        return "it is the account's default"

    def _raise_missing(self) -> str:
        raise ConsoleError(
            ProblemKind.NOT_FOUND, "there is no protect configuration yet", "see the step before; run setup again"
        )

    def _find(self) -> str | None:
        associated = self._associated()
        if associated is not None:
            return associated
        for each in self._all():
            answer = self._client.list_tags_for_resource(ResourceArn=each["ProtectConfigurationArn"])
            tags = {tag["Key"]: tag["Value"] for tag in answer.get("Tags") or []}
            if self._tags.items() <= tags.items():
                return _id(each)
        return None

    def _associated(self) -> str | None:
        sets = self._client.describe_configuration_sets(ConfigurationSetNames=[self._set])["ConfigurationSets"]
        found = sets[0].get("ProtectConfigurationId") if sets else None
        return None if found is None else str(found)

    def _all(self) -> list[dict[str, Any]]:
        return pages(self._client.describe_protect_configurations, "ProtectConfigurations")


def _id(configuration: dict[str, Any]) -> str:
    return str(configuration["ProtectConfigurationId"])


def _spend(clients: Clients, wanted: int) -> Finding:
    client = clients.client(_SERVICE)
    limits = {each["Name"]: each for each in pages(client.describe_spend_limits, "SpendLimits")}
    if _LIMIT not in limits:
        raise ConsoleError(ProblemKind.BAD_ANSWER, "AWS names no spend limit for text messages")
    enforced, most = int(limits[_LIMIT]["EnforcedLimit"]), int(limits[_LIMIT]["MaxLimit"])
    if enforced == wanted:
        return there(f"${enforced} a month, of at most ${most}")
    if wanted > most:
        return by_hand(
            f"${wanted} a month is asked for, AWS allows at most ${most}",
            "Service Quotas, AWS End User Messaging SMS, monthly text spend: request an increase",
        )

    def act() -> str:
        client.set_text_message_spend_limit_override(MonthlyLimit=wanted)
        return f"${wanted} a month"

    return would(f"set it to ${wanted} a month; it is ${enforced}, of at most ${most}", act)


def _test_number(clients: Clients, outputs: MessagingOutputs, number: str) -> Finding:
    client = clients.client(_SERVICE)
    found = find_number(clients, number)
    if found is not None and found["Status"] == "VERIFIED":
        return there("verified")
    masked = mask_number(number)
    if found is not None and found["Status"] == "PENDING":
        return by_hand(
            "a code is on its way, or has run out",
            f"cpaas-console setup --verify {masked} --code CODE (whole number); without --code it is sent again",
        )
    if found is not None:
        return by_hand(f"AWS cannot verify it (status {safe_line(found['Status'], 20)})", "take another number")

    def act() -> str:
        made = client.create_verified_destination_number(DestinationPhoneNumber=number)
        send_code(clients, outputs, str(made["VerifiedDestinationNumberId"]))
        return "a code was sent to it; then: cpaas-console setup --verify NUMBER --code CODE"

    return would("register it and send it a code by SMS", act)


def find_number(clients: Clients, number: str) -> dict[str, Any] | None:
    """The account's verified destination number, None where it was never registered."""
    listed = pages(clients.client(_SERVICE).describe_verified_destination_numbers, "VerifiedDestinationNumbers")
    return next((each for each in listed if each["DestinationPhoneNumber"] == number), None)


def send_code(clients: Clients, outputs: MessagingOutputs, id_: str) -> None:
    """Send the code of a number that is to be verified, from the stack's own identity where it names one."""
    identity = {"OriginationIdentity": outputs.sms_origination_identity} if outputs.sms_origination_identity else {}
    clients.client(_SERVICE).send_destination_number_verification_code(
        VerifiedDestinationNumberId=id_, VerificationChannel="TEXT", **identity
    )


def verify(clients: Clients, outputs: MessagingOutputs, number: str, code: str | None) -> str:
    """Finish a number's verification with its code, or send the code (again); answers what was done."""
    found = find_number(clients, number)
    if found is None:
        raise ConsoleError(
            ProblemKind.NOT_FOUND,
            f"{mask_number(number)} is not to be verified",
            "name it in sms.test_numbers and apply the setup first",
        )
    if found["Status"] == "VERIFIED":
        return f"{mask_number(number)} is verified already"
    if code is None:
        send_code(clients, outputs, str(found["VerifiedDestinationNumberId"]))
        return f"a code was sent to {mask_number(number)}"
    clients.client(_SERVICE).verify_destination_number(
        VerifiedDestinationNumberId=str(found["VerifiedDestinationNumberId"]), VerificationCode=code
    )
    return f"{mask_number(number)} is verified"


def pages(call: Any, key: str) -> list[dict[str, Any]]:
    """All items of an operation of End User Messaging SMS that answers in pages."""
    items: list[dict[str, Any]] = []
    request: dict[str, Any] = {}
    while True:
        answer = call(**request)
        items += answer.get(key) or []
        if not answer.get("NextToken"):
            return items
        request["NextToken"] = answer["NextToken"]
