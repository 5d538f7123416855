"""The demo chain: headquarters, two regions, six stores."""

from dataclasses import dataclass
from datetime import datetime

from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Session
from loyalty.stores import queries
from loyalty.stores.rules import StoreKind
from loyalty.stores.service import create_store

ACTOR = Actor("system:demo_seed")
HEADQUARTERS = "HQ"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the tree, its parent named by code."""

    code: str
    kind: StoreKind
    parent: str | None
    name: str
    address: str | None = None


CHAIN = (
    Node(HEADQUARTERS, StoreKind.HEADQUARTERS, None, "示例连锁总部", "上海市静安区南京西路1266号"),
    Node("EAST", StoreKind.REGION, HEADQUARTERS, "华东区"),
    Node("SOUTH", StoreKind.REGION, HEADQUARTERS, "华南区"),
    Node("SH-JAS", StoreKind.STORE, "EAST", "上海静安寺店", "上海市静安区愚园路68号"),
    Node("SH-LJZ", StoreKind.STORE, "EAST", "上海陆家嘴店", "上海市浦东新区世纪大道8号"),
    Node("HZ-XHL", StoreKind.STORE, "EAST", "杭州西湖店", "杭州市上城区湖滨路28号"),
    Node("GZ-TIY", StoreKind.STORE, "SOUTH", "广州天河店", "广州市天河区天河路208号"),
    Node("SZ-NSH", StoreKind.STORE, "SOUTH", "深圳南山店", "深圳市南山区文心五路33号"),
    Node("XM-ZSL", StoreKind.STORE, "SOUTH", "厦门中山路店", "厦门市思明区中山路189号"),
)
STORE_CODES = tuple(node.code for node in CHAIN if node.kind is StoreKind.STORE)


def seed_chain(session: Session, *, at: datetime) -> dict[str, int]:
    """Make the nodes that are missing; return the id of each code."""
    ids: dict[str, int] = {}
    for node in CHAIN:
        found = queries.find_by_code(session, code=node.code)
        ids[node.code] = found.id if found is not None else _create(session, node, ids, at)
    return ids


def _create(session: Session, node: Node, ids: dict[str, int], at: datetime) -> int:
    made = create_store(
        session,
        kind=node.kind,
        parent_id=None if node.parent is None else ids[node.parent],
        code=node.code,
        name=node.name,
        address=node.address,
        actor=ACTOR,
        at=at,
    )
    return made.id
