"""Stores for tests: one chain with a region and stores under it."""

from datetime import UTC, datetime
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.stores import service
from loyalty.stores.models import Store
from loyalty.stores.rules import StoreKind

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_ACTOR = Actor("system:tests")
_numbers = count(1)


def make_headquarters(session: Session) -> Store:
    """Return the headquarters, made when there is none yet."""
    found = session.scalars(select(Store).where(Store.kind == StoreKind.HEADQUARTERS)).one_or_none()
    return found or _make(session, StoreKind.HEADQUARTERS, None, "示例连锁总部")


def make_region(session: Session, *, name: str = "华东区") -> Store:
    """Return a new region under headquarters."""
    return _make(session, StoreKind.REGION, make_headquarters(session), name)


def make_store(session: Session, *, parent: Store | None = None, name: str = "人民路店") -> Store:
    """Return a new store, under headquarters unless another parent is given."""
    return _make(session, StoreKind.STORE, parent or make_headquarters(session), name)


def _make(session: Session, kind: StoreKind, parent: Store | None, name: str) -> Store:
    return service.create_store(
        session,
        kind=kind,
        parent_id=parent.id if parent else None,
        code=f"S{next(_numbers):05d}",
        name=name,
        actor=_ACTOR,
        at=_AT,
    )
