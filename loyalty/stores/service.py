"""Store use cases: the tree grows and changes, every change is audited, and no node is deleted."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json
from loyalty.kernel.errors import Conflict
from loyalty.stores import queries, rules
from loyalty.stores.models import Store
from loyalty.stores.rules import StoreKind


class StoreCodeTaken(Conflict):
    """Another node has this code, or there is a headquarters already."""

    code = "store_code_taken"
    message = "编码已被使用，或总部已经存在"


class HasOpenChildren(Conflict):
    """A node with open nodes below it cannot be closed."""

    code = "store_has_open_children"
    message = "请先关闭下级门店"


def create_store(
    session: Session,
    *,
    kind: StoreKind,
    parent_id: int | None,
    code: str,
    name: str,
    address: str | None = None,
    actor: Actor,
    at: datetime,
) -> Store:
    """Add a node to the tree.

    Raises:
        InvalidStore: the code or a text does not fit.
        WrongParent: such a node may not stand there, or its parent is closed.
        StoreNotFound: there is no such parent.
        StoreCodeTaken: the code is in use, or there is a headquarters already.
    """
    code, name, address = _cleaned(code, name, address)
    rules.check_details(code=code, name=name, address=address)
    _check_place(session, kind=kind, parent_id=parent_id)
    store_id = session.scalars(
        insert(Store)
        .values(kind=kind, parent_id=parent_id, code=code, name=name, address=address, created_at=at)
        .on_conflict_do_nothing()
        .returning(Store.id)
    ).one_or_none()
    if store_id is None:
        raise StoreCodeTaken(store_code=code)
    store = queries.get_store(session, store_id=store_id)
    _audit(session, store, action="stores.create", before=None, actor=actor, at=at)
    return store


def rename_store(
    session: Session, *, store_id: int, name: str, address: str | None, actor: Actor, at: datetime
) -> Store:
    """Change the name and the address of a node; its code and place stay.

    Raises:
        StoreNotFound: there is no such node.
        InvalidStore: a text does not fit.
    """
    store = queries.get_store(session, store_id=store_id)
    _, name, address = _cleaned(store.code, name, address)
    rules.check_details(code=store.code, name=name, address=address)
    before = _picture(store)
    store.name, store.address = name, address
    session.flush()
    _audit(session, store, action="stores.rename", before=before, actor=actor, at=at)
    return store


def close_store(session: Session, *, store_id: int, actor: Actor, at: datetime) -> None:
    """Close a node (停业); what it issued stays valid. Closing twice equals once.

    Raises:
        StoreNotFound: there is no such node.
        HasOpenChildren: nodes below it are still open.
    """
    store = queries.get_store(session, store_id=store_id)
    if not store.is_open:
        return
    has_open_children = session.scalar(select(Store.id).where(Store.parent_id == store_id, Store.is_open).limit(1))
    if has_open_children is not None:
        raise HasOpenChildren
    before = _picture(store)
    store.is_open, store.closed_at = False, at
    session.flush()
    _audit(session, store, action="stores.close", before=before, actor=actor, at=at)


def reopen_store(session: Session, *, store_id: int, actor: Actor, at: datetime) -> None:
    """Open a closed node again. Opening twice equals once.

    Raises:
        StoreNotFound: there is no such node.
        WrongParent: its parent is closed.
    """
    store = queries.get_store(session, store_id=store_id)
    if store.is_open:
        return
    _check_place(session, kind=StoreKind(store.kind), parent_id=store.parent_id)
    before = _picture(store)
    store.is_open, store.closed_at = True, None
    session.flush()
    _audit(session, store, action="stores.reopen", before=before, actor=actor, at=at)


def _check_place(session: Session, *, kind: StoreKind, parent_id: int | None) -> None:
    if parent_id is None:
        rules.check_parent(kind=kind, parent_kind=None)
        return
    # Locked, so that the parent is not closed at the same moment.
    parent = session.scalars(
        select(Store)
        .where(Store.id == parent_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if parent is None:
        raise queries.StoreNotFound
    rules.check_parent(kind=kind, parent_kind=StoreKind(parent.kind))
    if not parent.is_open:
        raise rules.WrongParent


def _cleaned(code: str, name: str, address: str | None) -> tuple[str, str, str | None]:
    return code.strip(), name.strip(), (address or "").strip() or None


def _picture(store: Store) -> Json:
    return {
        "kind": store.kind,
        "parent_id": store.parent_id,
        "code": store.code,
        "name": store.name,
        "address": store.address,
        "is_open": store.is_open,
    }


def _audit(
    session: Session,
    store: Store,
    *,
    action: str,
    before: Json | None,
    actor: Actor,
    at: datetime,
) -> None:
    audit.write(
        session,
        actor=actor,
        action=action,
        subject=f"store:{store.id}",
        before=before,
        after=_picture(store),
        at=at,
    )
