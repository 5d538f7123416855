"""Reads of the store tree. It has a few thousand nodes at most, so whole branches are read at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, ScalarSelect, Select, select
from sqlalchemy.orm import Session, aliased

from loyalty.kernel.errors import NotFound
from loyalty.stores.models import Store
from loyalty.stores.rules import NOTHING, StoreKind, StoreScope


class StoreNotFound(NotFound):
    """No node of the tree has this id."""

    code = "store_not_found"
    message = "没有找到这个门店"


@dataclass(frozen=True, slots=True)
class StoreNode:
    """One node with its depth below headquarters, for lists that show the tree."""

    id: int
    kind: StoreKind
    parent_id: int | None
    code: str
    name: str
    address: str | None
    is_open: bool
    depth: int


def get_store(session: Session, *, store_id: int) -> Store:
    """Return one node.

    Raises:
        StoreNotFound: there is no such node.
    """
    store = session.get(Store, store_id)
    if store is None:
        raise StoreNotFound
    return store


def find_by_code(session: Session, *, code: str) -> Store | None:
    """Return the node with this code, or None."""
    return session.scalars(select(Store).where(Store.code == code)).one_or_none()


def store_id_of(session: Session, *, code: str | None) -> int | None:
    """Return the store that a member says to be in; none was named, none is returned.

    Raises:
        StoreNotFound: no open store has this code.
    """
    if code is None:
        return None
    store = find_by_code(session, code=code)
    if store is None or store.kind != StoreKind.STORE or not store.is_open:
        raise StoreNotFound(store_code=code)
    return store.id


def names(session: Session, store_ids: Collection[int]) -> dict[int, str]:
    """Return the names of some nodes by id."""
    rows = session.execute(select(Store.id, Store.name).where(Store.id.in_(store_ids)))
    return {row.id: row.name for row in rows}


def subtree(roots: Collection[int]) -> Select[int]:
    """Select the ids of these nodes and of all nodes below them."""
    branch = select(Store.id).where(Store.id.in_(roots)).cte(recursive=True)
    branch = branch.union(select(Store.id).join(branch, Store.parent_id == branch.c.id))
    return select(branch.c.id)


def region_of(store_id: int | ColumnElement[int]) -> ScalarSelect[int]:
    """Select the region to which a store belongs, if it does, for a statement to take along."""
    region = aliased(Store)
    return (
        select(region.id)
        .join(Store, Store.parent_id == region.id)
        .where(Store.id == store_id, region.kind == StoreKind.REGION)
        .scalar_subquery()
    )


def scope_of(session: Session, *, roots: Collection[int]) -> StoreScope:
    """Return what the holder of these nodes sees: all below them; everything with headquarters."""
    if not roots:
        return NOTHING
    rows = session.execute(select(Store.id, Store.kind).where(Store.id.in_(subtree(roots)))).all()
    return StoreScope(
        is_chain_wide=any(row.kind == StoreKind.HEADQUARTERS for row in rows),
        store_ids=frozenset(row.id for row in rows),
    )


def list_tree(session: Session, *, scope: StoreScope) -> list[StoreNode]:
    """Return the visible nodes, each parent before its children, siblings by code."""
    query = select(Store).order_by(Store.code)
    if not scope.is_chain_wide:
        query = query.where(Store.id.in_(scope.store_ids))
    return _arranged(session.scalars(query).all())


def _arranged(stores: Sequence[Store]) -> list[StoreNode]:
    known = {store.id for store in stores}
    children: dict[int | None, list[Store]] = {}
    for store in stores:
        parent_id = store.parent_id if store.parent_id in known else None
        children.setdefault(parent_id, []).append(store)
    nodes: list[StoreNode] = []
    waiting = [(store, 0) for store in reversed(children.get(None, []))]
    while waiting:
        store, depth = waiting.pop()
        nodes.append(_node(store, depth))
        waiting += [(child, depth + 1) for child in reversed(children.get(store.id, []))]
    return nodes


def _node(store: Store, depth: int) -> StoreNode:
    return StoreNode(
        id=store.id,
        kind=StoreKind(store.kind),
        parent_id=store.parent_id,
        code=store.code,
        name=store.name,
        address=store.address,
        is_open=store.is_open,
        depth=depth,
    )
