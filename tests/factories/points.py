"""Points for tests: postings with the noise defaulted."""

from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.outbox import OutboxEvent
from loyalty.points import service
from loyalty.points.models import Draw, Lot, PointsAccount
from loyalty.points.rules.expiry import LotTerms
from loyalty.points.service import HoldView, Posting
from tests.factories.check_ins import SHANGHAI
from tests.support.settings import SEAL_KEY

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
# Far from the small numbers that tests write themselves: in random order any test may be the first to come.
_numbers = count(1_000_001)


def earn(
    session: Session,
    member_id: int,
    points: int = 100,
    *,
    reference: str = "",
    at: datetime = AT,
    occurred_at: datetime | None = None,
    available_at: datetime | None = None,
    expires_at: datetime | None = None,
    store_id: int | None = None,
    terms: LotTerms | None = None,
) -> Posting:
    return service.earn(
        session,
        member_id=member_id,
        points=points,
        reference=reference or f"order:{next(_numbers)}",
        explanation={"rule": "purchase"},
        occurred_at=occurred_at or at,
        at=at,
        available_at=available_at,
        store_id=store_id,
        terms=terms or LotTerms(expires_at),
    )


def spend(
    session: Session,
    member_id: int,
    points: int,
    *,
    reference: str = "",
    at: datetime = AT,
    store_id: int | None = None,
) -> Posting:
    return service.spend(
        session,
        member_id=member_id,
        points=points,
        reference=reference or f"exchange:{next(_numbers)}",
        explanation={"rule": "exchange"},
        occurred_at=at,
        at=at,
        store_id=store_id,
    )


def reverse(session: Session, member_id: int, entry_id: int, **changes: object) -> Posting:
    values: dict[str, object] = {"reference": f"refund:{next(_numbers)}", "at": AT, "zone": SHANGHAI}
    return service.reverse(session, member_id=member_id, entry_id=entry_id, **(values | changes))  # type: ignore[arg-type]


def place(
    session: Session,
    member_id: int,
    points: int = 60,
    *,
    reference: str = "",
    at: datetime = AT,
    expires_at: datetime | None = None,
    store_id: int | None = None,
    actor: str = "system",
) -> HoldView:
    return service.place(
        session,
        member_id=member_id,
        points=points,
        reference=reference or f"cart:{next(_numbers)}",
        expires_at=expires_at or at + timedelta(minutes=15),
        at=at,
        store_id=store_id,
        actor=actor,
    )


def capture(
    session: Session, member_id: int, reference: str, *, points: int | None = None, at: datetime = AT
) -> Posting:
    return service.capture(
        session,
        member_id=member_id,
        reference=reference,
        points=points,
        explanation={"rule": "exchange"},
        occurred_at=at,
        at=at,
    )


def lots_of(session: Session, member_id: int) -> list[int]:
    """What remains in each of a member's lots, in the order they were opened."""
    return list(session.scalars(select(Lot.remaining).where(Lot.member_id == member_id).order_by(Lot.id)))


def draws_of(session: Session, member_id: int, entry_id: int) -> list[int]:
    """What an entry drew on each lot, in the order the lots were opened."""
    return list(
        session.scalars(
            select(Draw.points).where(Draw.member_id == member_id, Draw.entry_id == entry_id).order_by(Draw.lot_id)
        )
    )


def balance_of(session: Session, member_id: int) -> int:
    return session.scalars(select(PointsAccount.balance).where(PointsAccount.member_id == member_id)).one()


def events_of(session: Session, member_id: int) -> list[tuple[str, dict[str, object]]]:
    """The events about a member still in the outbox, in their order."""
    rows = session.execute(
        select(OutboxEvent.kind, OutboxEvent.payload)
        .where(OutboxEvent.payload["member_id"].as_integer() == member_id)
        .order_by(OutboxEvent.id)
    )
    return [(kind, payload) for kind, payload in rows]


def assert_books_fit(session: Session, member_id: int) -> None:
    """Prove the books of one member."""
    session.flush()
    proof = service.verify(session, seal_key=SEAL_KEY, at=AT, member_id=member_id)
    assert proof.discrepancies == []
    assert proof.accounts_count == 1
