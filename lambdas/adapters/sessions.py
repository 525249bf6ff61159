"""Sessions, their roster and their short history, in the sessions table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from lambdas.adapters.dynamo import ConditionFailed, Table, without_throttling
from lambdas.core.attribute_values import to_item
from lambdas.core.keys import SESSION_ROSTER
from lambdas.core.session import EndReason, Session, SessionStatus, Suspicion
from lambdas.core.session_drift import EVERY_LOOK, Blur
from lambdas.core.session_history import MOST_LANGUAGES, KeptMessage, slot
from lambdas.core.session_ports import Admission, Roster

ENDED_KEPT_S = 86_400
"""So long an ended session can still be asked for by whoever comes too late, and one whose time is over is still there
for the reconciler to end it."""


_UNSUSPECTED = (
    "attribute_not_exists(#suspicion) OR (#suspicion[2] < :left AND (#suspicion[2] < :since OR #suspicion[2] > :until))"
)
"""That no suspicion is hidden by a `Blur`."""


class Sessions:
    """The part of `lambdas.core.session_ports.SessionStore` that is about sessions."""

    def __init__(self, table: Table, once: Table | None = None) -> None:
        """`once` is the same table through a client that never repeats a call."""
        self._table = table
        self._once = once or table

    def open_session(self, session: Session, max_active: int) -> bool:
        """Write the session and put it among the active ones, both or neither; False when there are enough."""
        listed = self._table.update_arguments(
            {"sessionId": SESSION_ROSTER},
            "ADD #sessions :id",
            {"id": {session.id}, "max": max_active},
            condition="attribute_not_exists(#sessions) OR size(#sessions) < :max",
        )
        written = {
            "TableName": self._table.name,
            "Item": to_item(_to_attributes(session)),
            "ConditionExpression": "attribute_not_exists(sessionId)",
        }
        try:
            self._table.transact([{"Update": listed}, {"Put": written}])
        except ConditionFailed:
            return False
        return True

    def session(self, session_id: str) -> Session | None:
        """One session, as it is now."""
        item = self._table.get({"sessionId": session_id})
        return _from_attributes(item) if item else None

    def sessions(self, session_ids: Collection[str]) -> list[Session]:
        """Those that exist of many."""
        items = self._table.batch_get([{"sessionId": each} for each in sorted(session_ids)], consistent=True)
        return [_from_attributes(item) for item in items]

    def roster(self) -> Roster:
        """Which sessions there are."""
        item = self._table.get({"sessionId": SESSION_ROSTER}) or {}
        return Roster(item.get("sessions", frozenset()), item.get("closing", frozenset()))

    def end(self, session_id: str, reason: EndReason, now_ms: int, *, gone_since_ms: int | None = None) -> bool:
        """End a session; False if it is not active, or its speaker is not gone since `gone_since_ms`."""
        values = {
            "ended": SessionStatus.ENDED.value,
            "active": SessionStatus.ACTIVE.value,
            "now": now_ms,
            "reason": reason.value,
            "expires": now_ms // 1000 + ENDED_KEPT_S,
        }
        condition = "#status = :active"
        if gone_since_ms is not None:
            condition, values = f"{condition} AND #speakerGoneAt = :gone", {**values, "gone": gone_since_ms}
        return self._changed(
            session_id,
            "SET #status = :ended, #endedAt = :now, #reason = :reason, #expiresAt = :expires",
            values,
            condition,
        )

    def move_to_closing(self, session_id: str) -> None:
        """Put a session that has ended from the active ones to those that close."""
        ids = {"id": {session_id}}
        self._table.update({"sessionId": SESSION_ROSTER}, "DELETE #sessions :id ADD #closing :id", ids)

    def retire(self, session_id: str) -> None:
        """Take a session out of the roster; nothing happens to one that is not there."""
        self._table.update({"sessionId": SESSION_ROSTER}, "DELETE #closing :id", {"id": {session_id}})

    def admit(self, session_id: str, max_listeners: int, now_ms: int) -> Admission:
        """Take one listener's place in an active session."""
        try:
            self._table.update(
                {"sessionId": session_id},
                "SET #changedAt = :now ADD #listeners :one",
                {"now": now_ms, "one": 1, "max": max_listeners, "active": SessionStatus.ACTIVE.value},
                condition="#status = :active AND #listeners < :max",
            )
        except ConditionFailed as failed:
            if failed.item is None:
                return Admission.UNKNOWN
            return Admission.FULL if _from_attributes(failed.item).active else Admission.ENDED
        return Admission.ADMITTED

    def dismiss(self, session_id: str, places: int, now_ms: int, blur: Blur = EVERY_LOOK) -> None:
        """Give listeners' places back, never below none, and withdraw a suspicion that may have meant them.

        A call whose answer got lost may have counted, and is not repeated: a number that is too high is found by the
        reconciler, one too low lets in more than may be. One that was throttled has not counted.
        """
        update, enough = "SET #changedAt = :now ADD #listeners :less", "#listeners >= :places"
        values = {"now": now_ms, "less": -places, "places": places}
        looks = {"left": blur.left_ms, "since": blur.since_ms, "until": blur.until_ms}
        if not self._lowered(session_id, update, values | looks, f"{enough} AND ({_UNSUSPECTED})"):
            self._lowered(session_id, f"{update} REMOVE #suspicion", values, enough)

    def _lowered(self, session_id: str, update: str, values: Mapping[str, Any], condition: str) -> bool:
        """False if the condition did not hold; True if it was written, or nobody can say."""
        key = {"sessionId": session_id}
        try:
            without_throttling(lambda: self._once.update(key, update, values, condition=condition))
        except ConditionFailed:
            return False
        except HTTPClientError:
            return True
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                raise
        return True

    def touch(self, session_id: str, now_ms: int) -> None:
        """One listener is about to take another's place; the number stays."""
        active = {"now": now_ms, "active": SessionStatus.ACTIVE.value}
        self._changed(session_id, "SET #changedAt = :now", active, "#status = :active")

    def suspect(self, session: Session, suspicion: Suspicion) -> None:
        """Note that a number is perhaps too high, unless somebody has come or gone since `session` was read."""
        noted = [suspicion.listeners, suspicion.unaccounted, suspicion.at_ms]
        values = {"noted": noted, "seen": session.listeners, "changed": session.changed_ms}
        self._changed(session.id, "SET #suspicion = :noted", values, "#listeners = :seen AND #changedAt = :changed")

    def withdraw(self, session_id: str, suspicion: Suspicion) -> None:
        """Forget a suspicion, if it is still this one."""
        self._changed(session_id, "REMOVE #suspicion", {"at": suspicion.at_ms}, "#suspicion[2] = :at")

    def write_off(self, session_id: str, suspicion: Suspicion, places: int, now_ms: int) -> bool:
        """Lower a number by places that are nobody's; False if the suspicion they were found by is another by now."""
        return self._changed(
            session_id,
            "SET #changedAt = :now ADD #listeners :less REMOVE #suspicion",
            {"now": now_ms, "less": -places, "places": places, "at": suspicion.at_ms},
            "#suspicion[2] = :at AND #listeners >= :places",
        )

    def speaker_arrived(self, session_id: str, connection_id: str, before: str) -> bool:
        """The connection is the speaker's now; False if the one `before` was not, or the session is not active."""
        return self._changed(
            session_id,
            "SET #speakerConnection = :id REMOVE #speakerGoneAt",
            {"id": connection_id, "before": before, "active": SessionStatus.ACTIVE.value},
            "#status = :active AND #speakerConnection = :before",
        )

    def speaker_left(self, session_id: str, connection_id: str, now_ms: int) -> None:
        """The speaker's connection is gone, unless another one has taken over."""
        self._changed(
            session_id,
            "SET #speakerGoneAt = if_not_exists(#speakerGoneAt, :now)",
            {"id": connection_id, "now": now_ms},
            "#speakerConnection = :id",
        )

    def next_message(self, session_id: str, language: str | None) -> Session | None:
        """Number the session's next message, to one language or to all; the session before it, None if not active.

        One to a language too many is noted as one to all: listeners of others then ask in vain for what they seem to
        have missed, and none fails to notice what it has missed.
        """
        active = "#status = :active"
        if language is not None:
            last = f"#toLanguages.#{_language_name(language)}"
            room = f"{active} AND (attribute_exists({last}) OR size(#toLanguages) < :most)"
            try:
                return self._numbered(session_id, f"{last} = #sequence + :one", {"most": MOST_LANGUAGES}, room)
            except ConditionFailed as failed:
                if failed.item is None or not _from_attributes(failed.item).active:
                    return None
        try:
            return self._numbered(session_id, "#toAll = #sequence + :one, #toLanguages = :none", {"none": {}}, active)
        except ConditionFailed:
            return None

    def _numbered(self, session_id: str, noted: str, values: Mapping[str, Any], condition: str) -> Session:
        """Number a message and have it `noted`; the session as it was before. Raises `ConditionFailed`."""
        before = self._table.update(
            {"sessionId": session_id},
            f"SET #sequence = #sequence + :one, {noted}",
            {"one": 1, "active": SessionStatus.ACTIVE.value, **values},
            condition=condition,
            before=True,
        )
        return _from_attributes(before)

    def keep(self, session_id: str, message: KeptMessage, expires_s: int) -> None:
        """Put a message into its slot, over an older one; one that comes late leaves the newer there."""
        values = {"sequence": message.sequence, "text": message.text, "expires": expires_s}
        update = "SET #sequence = :sequence, #text = :text, #expiresAt = :expires"
        if message.language is not None:
            values["language"] = message.language
            update += ", #language = :language"
        else:
            update += " REMOVE #language"
        self._changed(
            _slot_key(session_id, message.sequence),
            update,
            values,
            "attribute_not_exists(#sequence) OR #sequence < :sequence",
        )

    def kept(self, session_id: str, sequences: Iterable[int]) -> list[KeptMessage]:
        """What lies in the slots of these numbers."""
        keys = [{"sessionId": _slot_key(session_id, sequence)} for sequence in sequences]
        items = self._table.batch_get(keys, consistent=True)
        return [KeptMessage(item["sequence"], item.get("language"), item["text"]) for item in items]

    def _changed(self, session_id: str, update: str, values: Mapping[str, Any], condition: str) -> bool:
        try:
            self._table.update({"sessionId": session_id}, update, values, condition=condition)
        except ConditionFailed:
            return False
        return True


def _slot_key(session_id: str, sequence: int) -> str:
    return f"{session_id}#{slot(sequence)}"


def _language_name(language: str) -> str:
    """A language as a name in expressions, which have no hyphens."""
    return language.replace("-", "_")


def _to_attributes(session: Session) -> dict[str, Any]:
    return {
        "sessionId": session.id,
        "status": session.status.value,
        "speaker": session.speaker,
        "speakerConnection": session.speaker_connection,
        "speakerGoneAt": session.speaker_gone_ms,
        "sourceLanguage": session.source_language,
        "createdAt": session.created_ms,
        "changedAt": session.changed_ms,
        "endedAt": session.ended_ms,
        "reason": session.reason or None,
        "endsAt": session.expires_s,
        "expiresAt": session.expires_s + ENDED_KEPT_S,
        "listeners": session.listeners,
        "sequence": session.sequence,
        "toAll": session.to_all,
        "toLanguages": {_language_name(language): number for language, number in session.to_languages.items()},
    }


def _from_attributes(item: Mapping[str, Any]) -> Session:
    return Session(
        id=item["sessionId"],
        status=SessionStatus(item["status"]),
        speaker=item["speaker"],
        speaker_connection=item["speakerConnection"],
        speaker_gone_ms=item.get("speakerGoneAt"),
        source_language=item["sourceLanguage"],
        created_ms=item["createdAt"],
        changed_ms=item["changedAt"],
        ended_ms=item.get("endedAt"),
        reason=item.get("reason", ""),
        expires_s=item["endsAt"],
        listeners=item["listeners"],
        sequence=item["sequence"],
        to_all=item.get("toAll", item["sequence"]),
        to_languages={name.replace("_", "-"): number for name, number in item.get("toLanguages", {}).items()},
        suspicion=Suspicion(*item["suspicion"]) if "suspicion" in item else None,
    )
