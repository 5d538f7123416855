"""Partner queries: keys as staff see them, and what a key's stores are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    any_,
    bindparam,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import Session, aliased

from loyalty.approvals.queries import find_latest, list_waiting
from loyalty.approvals.rules import ApprovalKind, ApprovalState, ApprovalView
from loyalty.kernel.database import AnyRow
from loyalty.kernel.prepared import send
from loyalty.partners.models import PartnerKey, PartnerKeyScope, PartnerSecret
from loyalty.partners.rules.keys import PartnerCaller, PartnerKeyNotFound
from loyalty.stores.models import Store
from loyalty.stores.queries import StoreNotFound
from loyalty.stores.rules import StoreKind

ROOTS = bindparam("roots", type_=ARRAY(BigInteger))
"""The roots of the scope of whoever asks, in statements that are the same for all keys."""


@dataclass(frozen=True, slots=True)
class PartnerKeyView:
    """A key as staff see it; its secrets are never among it."""

    id: int
    key_id: str
    name: str
    requests_per_minute: int
    is_active: bool
    created_by: str
    created_at: datetime
    scope_ids: Sequence[int]
    scope_names: Sequence[str]
    secret_made_at: datetime | None
    """Of the current one; empty while the first waits for approval."""
    old_secret_ends_at: datetime | None
    """Until when the secret before the current one is good too."""

    @property
    def subject(self) -> str:
        """How approvals and the audit log name the key."""
        return subject_of(self.id)


def subject_of(partner_key_id: int) -> str:
    """Return how approvals and the audit log name a key."""
    return f"partner_key:{partner_key_id}"


def waiting_change(session: Session, *, partner_key_id: int) -> ApprovalView | None:
    """Return the change of a key that waits for a second person, if there is one."""
    latest = find_latest(session, kind=ApprovalKind.PARTNER_KEY, subject=subject_of(partner_key_id))
    return latest if latest is not None and latest.state is ApprovalState.WAITING else None


def keys_waiting(session: Session) -> set[str]:
    """Return the subjects of the keys of which a change waits for a second person."""
    return {waiting.subject for waiting in list_waiting(session, kind=ApprovalKind.PARTNER_KEY)}


def list_keys(session: Session, *, text: str = "", is_active: bool | None = None, at: datetime) -> list[PartnerKeyView]:
    """Return the keys whose name or id holds a text, by name."""
    query = _keys(at).order_by(PartnerKey.name, PartnerKey.id)
    if text:
        holds = (column.icontains(text, autoescape=True) for column in (PartnerKey.name, PartnerKey.key_id))
        query = query.where(or_(*holds))
    if is_active is not None:
        query = query.where(PartnerKey.is_active.is_(is_active))
    return [_view(row) for row in session.execute(query)]


def names(session: Session, partner_key_ids: Collection[int]) -> dict[int, str]:
    """Return the names of some keys by id."""
    rows = session.execute(select(PartnerKey.id, PartnerKey.name).where(PartnerKey.id.in_(partner_key_ids)))
    return {row.id: row.name for row in rows}


def get_key(session: Session, *, partner_key_id: int, at: datetime) -> PartnerKeyView:
    """Return one key.

    Raises:
        PartnerKeyNotFound: there is none with this id.
    """
    row = session.execute(_keys(at).where(PartnerKey.id == partner_key_id)).first()
    if row is None:
        raise PartnerKeyNotFound(partner_key_id=partner_key_id)
    return _view(row)


def is_within(store: type[Store], roots: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say in SQL that a node is one of ``roots``, an array of ids, or below one; the tree has three levels."""
    region = aliased(Store)
    above = select(region.id).where(region.id == store.parent_id, region.parent_id == any_(roots)).exists()
    return or_(store.id == any_(roots), store.parent_id == any_(roots), above)


def stores_of(roots: ColumnElement[Any]) -> Select[int]:
    """Select the ids of the nodes that a key acts for, from the ``roots`` of its scope."""
    return select(Store.id).where(is_within(Store, roots))


def roots_of(caller: PartnerCaller) -> ColumnElement[Any]:
    """Return the roots of a key's scope, for a statement of its own."""
    return literal(list(caller.roots), ARRAY(BigInteger))


def open_store() -> Select[int]:
    """Select the open store that has ``store_code``, if it is one that the key with these ``roots`` acts for."""
    is_open = and_(Store.code == bindparam("store_code", type_=String), Store.kind == StoreKind.STORE, Store.is_open)
    return select(Store.id.label("store_id")).where(is_open, is_within(Store, ROOTS))


def require_store(session: Session, *, caller: PartnerCaller, code: str) -> int:
    """Return the store in whose name a request comes.

    Raises:
        StoreNotFound: no open store of this key has this code; whether another key has one is not told.
    """
    found = send(session, _OPEN_STORE, {"roots": list(caller.roots), "store_code": code})
    if not found:
        raise StoreNotFound(store_code=code)
    return int(found[0].store_id)


_OPEN_STORE = open_store()


def _keys(at: datetime) -> Select[Any]:
    scopes = (
        select(
            func.array_agg(aggregate_order_by(Store.id, Store.id)).label("scope_ids"),
            func.array_agg(aggregate_order_by(Store.name, Store.id)).label("scope_names"),
        )
        .join(PartnerKeyScope, PartnerKeyScope.store_id == Store.id)
        .where(PartnerKeyScope.partner_key_id == PartnerKey.id)
        .lateral("scopes")
    )
    secrets = (
        select(
            func.max(PartnerSecret.created_at).filter(PartnerSecret.approved_at <= at).label("secret_made_at"),
            func.max(PartnerSecret.ends_at).filter(PartnerSecret.ends_at > at).label("old_secret_ends_at"),
        )
        .where(PartnerSecret.partner_key_id == PartnerKey.id)
        .lateral("secrets")
    )
    return select(*PartnerKey.__table__.columns, *scopes.c, *secrets.c).select_from(
        PartnerKey.__table__.join(scopes, true()).join(secrets, true())
    )


def _view(row: AnyRow) -> PartnerKeyView:
    return PartnerKeyView(
        id=row.id,
        key_id=row.key_id,
        name=row.name,
        requests_per_minute=row.requests_per_minute,
        is_active=row.is_active,
        created_by=row.created_by,
        created_at=row.created_at,
        scope_ids=row.scope_ids or [],
        scope_names=row.scope_names or [],
        secret_made_at=row.secret_made_at,
        old_secret_ends_at=row.old_secret_ends_at,
    )
