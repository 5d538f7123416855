"""The format of the chain, recomputed without PostgreSQL: chains already written must stay provable for ever."""

import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.points.models import LedgerEntry
from tests.factories.members import make_member
from tests.factories.points import earn, reverse, spend
from tests.factories.stores import make_store

BYTES, BIGINT, INSTANT = 17, 20, 1184
POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def field(type_number: int, value: bytes | int | datetime | None) -> bytes:
    """Write a column as PostgreSQL does: the number of its type, its length, and then the value."""
    if value is None:
        return struct.pack(">Ii", type_number, -1)
    if isinstance(value, datetime):
        value = (value - POSTGRES_EPOCH) // timedelta(microseconds=1)
    written = value if isinstance(value, bytes) else struct.pack(">q", value)
    return struct.pack(">Ii", type_number, len(written)) + written


def as_jsonb_prints(explanation: dict[str, object]) -> bytes:
    """Write an explanation as JSONB does: the shorter keys first, in UTF-8."""
    in_order = {key: explanation[key] for key in sorted(explanation, key=lambda key: (len(key), key))}
    return json.dumps(in_order, ensure_ascii=False).encode()


def digest_of(previous: bytes, entry: LedgerEntry) -> bytes:
    fields = [
        field(BYTES, previous),
        field(BIGINT, entry.member_id),
        field(BIGINT, entry.id),
        field(BIGINT, entry.sequence),
        field(BYTES, entry.kind.encode()),
        field(BIGINT, entry.points),
        field(BIGINT, entry.balance_after),
        field(BIGINT, entry.debt_after),
        field(BYTES, entry.reference.encode()),
        field(BIGINT, entry.store_id),
        field(BYTES, entry.actor.encode()),
        field(BIGINT, entry.revision_id),
        field(BIGINT, entry.reversed_entry_id),
        field(BIGINT, entry.reversed_points),
        field(BYTES, as_jsonb_prints(entry.explanation)),
        field(INSTANT, entry.occurred_at),
        field(INSTANT, entry.recorded_at),
    ]
    return hashlib.sha256(struct.pack(">i", len(fields)) + b"".join(fields)).digest()


class TestDigest:
    def test_is_what_anybody_can_recompute_from_the_row(self, session: Session, at: datetime) -> None:
        member, store = make_member(session), make_store(session)
        earn(
            session,
            member.id,
            120,
            reference="订单:四字节😀",
            store_id=store.id,
            occurred_at=at - timedelta(days=1, microseconds=1),
        )
        spent = spend(session, member.id, 70)
        reverse(session, member.id, spent.entry_id, points=20)

        entries = session.scalars(
            select(LedgerEntry).where(LedgerEntry.member_id == member.id).order_by(LedgerEntry.sequence)
        ).all()

        previous = b""
        for entry in entries:
            assert entry.digest == digest_of(previous, entry)
            previous = entry.digest
        assert len(entries) == 3
