"""Keywords of the simulated carrier's numbers and pools. Nothing is received here, so none of them is ever answered."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.carrier_account import Account, Answer, Params, not_found, page
from localcloud.carrier_numbers import Numbers
from localcloud.carrier_pools import Pools
from localcloud.wire import ServiceError


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word that a recipient may send, and what follows."""

    word: str
    message: str
    action: str

    def view(self) -> Answer:
        """As AWS describes it."""
        return {"Keyword": self.word, "KeywordMessage": self.message, "KeywordAction": self.action}


REQUIRED = (
    Keyword("HELP", "Reply STOP to end. Msg&Data rates may apply.", "AUTOMATIC_RESPONSE"),
    Keyword("STOP", "You are opted out and will get no more messages.", "OPT_OUT"),
)
"""Every identity has them; their messages may change, their actions may not (AWS End User Messaging SMS user guide,
"Keywords")."""


class Keywords:
    """Operations on keywords, named as AWS names them."""

    def __init__(self, account: Account, numbers: Numbers, pools: Pools) -> None:
        self._account = account
        self._numbers = numbers
        self._pools = pools
        self._keywords: dict[str, dict[str, Keyword]] = {}

    def PutKeyword(self, params: Params) -> Answer:  # named by AWS
        head, known = self._of(params["OriginationIdentity"])
        word = params["Keyword"].upper()
        before = known.get(word)
        action = params.get("KeywordAction") or (before.action if before else "AUTOMATIC_RESPONSE")
        if before is not None and _is_required(word) and action != before.action:
            raise _fixed(word, "RESOURCE_MODIFICATION_NOT_ALLOWED")
        known[word] = Keyword(word, params["KeywordMessage"], action)
        return {**head, **known[word].view()}

    def DeleteKeyword(self, params: Params) -> Answer:
        head, known = self._of(params["OriginationIdentity"])
        word = params["Keyword"].upper()
        if _is_required(word):
            raise _fixed(word, "RESOURCE_DELETION_NOT_ALLOWED")
        if word not in known:
            raise not_found("keyword", word)
        return {**head, **known.pop(word).view()}

    def DescribeKeywords(self, params: Params) -> Answer:
        head, known = self._of(params["OriginationIdentity"])
        wanted = [word.upper() for word in params.get("Keywords") or known]
        missing = next((word for word in wanted if word not in known), None)
        if missing is not None:
            raise not_found("keyword", missing)
        return {**head, **page("Keywords", [known[word].view() for word in wanted], params)}

    def _of(self, reference: str) -> tuple[Answer, dict[str, Keyword]]:
        """An identity's head in answers, and its keywords."""
        pool = self._pools.find(reference)
        if pool is not None:
            id_, arn = pool.id, self._pools.arn(pool)
        else:
            id_ = self._numbers.identity(reference).id
            arn = self._numbers.identity_arn(id_)
        known = self._keywords.setdefault(id_, {keyword.word: keyword for keyword in REQUIRED})
        return {"OriginationIdentityArn": arn, "OriginationIdentity": id_}, known


def _is_required(word: str) -> bool:
    return any(word == keyword.word for keyword in REQUIRED)


def _fixed(word: str, reason: str) -> ServiceError:
    return ServiceError(
        "ConflictException",
        f"the keyword {word} is required and keeps its action",
        Reason=reason,
        ResourceType="keyword",
        ResourceId=word,
    )
