"""Answers that are kept for ever (幂等): the same report again gets the first answer, other content is refused.

A natural key is taken by what is reported itself (``orders``, ``checkout``); so the answer is looked for before the
work and kept after it, and whoever came at the same moment reads the answer of the one who was first.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.database import Json
from loyalty.kernel.idempotency import Answer, IdempotencyKeyReused, IdempotencyRecord
from loyalty.kernel.prepared import send
from loyalty.members.models import Member
from loyalty.partners.rules.references import MemberName
from loyalty.partners.service.desk import Desk
from loyalty.partners.service.locating import Located, StoredAnswer, locate
from loyalty.points.posting import table_of

ANSWERS = table_of(IdempotencyRecord)
_KEEP = (
    insert(ANSWERS)
    .values({column.name: bindparam(column.name, type_=column.type) for column in ANSWERS.columns})
    .on_conflict_do_nothing()
    .returning(ANSWERS.c.key)
)
"""One row where the answer is the first under its key."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported under a natural key: ``content`` is a hash of all of it but who the member is."""

    scope: str
    key: str
    content: bytes
    store_code: str
    name: MemberName | None = None


def answer_once(session: Session, *, desk: Desk, report: Report, work: Callable[[Located], Answer]) -> Answer:
    """Do ``work`` for the first report under a key with what it is about, or return what the first was told.

    Raises:
        PhoneInvalid: the phone is no mobile number of the four regions.
        IdempotencyKeyReused: the key came before with other content or for another member.
    """
    located = locate(
        session,
        caller=desk.caller,
        vault=desk.vault,
        store_code=report.store_code,
        name=report.name,
        scope=report.scope,
        key=report.key,
        at=desk.at,
    )
    if located.answered is not None:
        return _again(session, report, located, located.answered)
    answer = work(located)
    member_id = None if located.found_member is None else located.found_member.member_id
    kept = {
        "scope": report.scope,
        "key": report.key,
        "request_hash": report.content,
        "status": answer.status,
        "answer": {"member_id": member_id, "body": answer.body},
        "recorded_at": desk.at,
    }
    if send(session, _KEEP, kept):
        return answer
    return _again(session, report, located, _stored(session, report))


def member_of(session: Session, *, scope: str, key: str) -> int | None:
    """Return whom an answered report was about, the survivor after a merge; nothing when it never came."""
    answered = (
        select(IdempotencyRecord.answer["member_id"].as_integer())
        .where(IdempotencyRecord.scope == scope, IdempotencyRecord.key == key)
        .scalar_subquery()
    )
    return session.scalar(select(func.coalesce(Member.merged_into_id, Member.id)).where(Member.id == answered))


def _again(session: Session, report: Report, located: Located, stored: StoredAnswer) -> Answer:
    is_other = stored.request_hash != report.content or _is_of_another(session, located, stored.answer)
    if is_other:
        raise IdempotencyKeyReused(idempotency_key=report.key)
    return Answer(stored.status, stored.answer["body"], is_replay=True)


def _is_of_another(session: Session, located: Located, answer: Json) -> bool:
    """Tell whether the member named now is another; a reference that has expired names nobody any more."""
    if located.found_member is None or located.found_member.member_id == answer["member_id"]:
        return False
    survivor = select(Member.merged_into_id).where(Member.id == answer["member_id"])
    return session.scalar(survivor) != located.found_member.member_id


def _stored(session: Session, report: Report) -> StoredAnswer:
    row = session.execute(
        select(IdempotencyRecord.request_hash, IdempotencyRecord.status, IdempotencyRecord.answer).where(
            IdempotencyRecord.scope == report.scope, IdempotencyRecord.key == report.key
        )
    ).one()
    return StoredAnswer(row.request_hash, row.status, row.answer)
