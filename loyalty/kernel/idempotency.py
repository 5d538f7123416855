"""Idempotency keys (幂等键): the same request answered the same, for ever.

A key belongs to a scope (a partner key, a member, a staff session). The first request with it
stores its answer in its own transaction; a repeat gets that answer; the same key with another
request is refused. Answers hold ids and figures only, so that erasure leaves them.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import LargeBinary, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from loyalty.kernel.database import Base, Json
from loyalty.kernel.errors import Conflict


class IdempotencyKeyReused(Conflict):
    """The key was used before with another request."""

    code = "idempotency_key_reused"
    message = "同一请求标识不能用于不同的请求"


class IdempotencyRecord(Base):
    """One row is a key and the answer its first request got; nothing changes after that."""

    __tablename__ = "idempotency_records"

    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    answer: Mapped[Json | None]
    recorded_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller was told: a status and a body, and whether this is a repeat."""

    status: int
    body: Json
    is_replay: bool = False


def request_hash(*parts: object) -> bytes:
    """Return the SHA-256 of the parts of a request in canonical JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str).encode()).digest()


def once(
    session: Session,
    *,
    scope: str,
    key: str,
    request: bytes,
    at: datetime,
    work: Callable[[], Answer],
) -> Answer:
    """Do ``work`` for the first request with this key, or return the answer it gave.

    A concurrent request with the same key waits for the first to commit.

    Raises:
        IdempotencyKeyReused: the key was used with another request.
    """
    inserted = session.execute(
        insert(IdempotencyRecord)
        .values(scope=scope, key=key, request_hash=request, recorded_at=at)
        .on_conflict_do_nothing()
        .returning(IdempotencyRecord.key)
    ).first()
    if inserted is None:
        return _stored(session, scope=scope, key=key, request=request)
    answer = work()
    session.execute(
        update(IdempotencyRecord)
        .where(IdempotencyRecord.scope == scope, IdempotencyRecord.key == key)
        .values(status=answer.status, answer=answer.body)
    )
    return answer


def _stored(session: Session, *, scope: str, key: str, request: bytes) -> Answer:
    record = session.execute(
        select(IdempotencyRecord.request_hash, IdempotencyRecord.status, IdempotencyRecord.answer).where(
            IdempotencyRecord.scope == scope, IdempotencyRecord.key == key
        )
    ).one()
    if record.request_hash != request:
        raise IdempotencyKeyReused(idempotency_key=key)
    return Answer(status=record.status, body=record.answer, is_replay=True)
