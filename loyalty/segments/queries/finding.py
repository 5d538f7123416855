"""Whom a condition finds now: how many, and some of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, ScalarSelect, Select, func, select
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import MemberView, read_member
from loyalty.segments.matching import members_matching, plan_by_sets
from loyalty.segments.rules.conditions import Condition
from loyalty.stores.rules import EVERYTHING, StoreScope

SAMPLE_SIZE = 10


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a condition finds."""

    count: int
    sample: Sequence[MemberView]
    """Some of them, old and new alike, each time the same ones."""
    also: Sequence[int]
    """How many of them each further condition finds."""


def count(
    session: Session,
    condition: Condition,
    *,
    at: datetime,
    zone: ZoneInfo,
    vault: Vault,
    scope: StoreScope = EVERYTHING,
) -> int:
    """Return how many living members a condition finds; a narrower scope sees those enrolled at its stores."""
    plan_by_sets(session)
    found = _in_scope(members_matching(condition, at=at, zone=zone, vault=vault), scope).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def find(
    session: Session,
    condition: Condition,
    *,
    at: datetime,
    zone: ZoneInfo,
    vault: Vault,
    scope: StoreScope = EVERYTHING,
    also: Sequence[Condition] = (),
) -> Found:
    """Return how many living members a condition finds, some of them, and how many of them others find too.

    The condition is worked out once for all of that. A narrower scope sees those enrolled at its stores.
    """
    plan_by_sets(session)
    found = _in_scope(members_matching(condition, at=at, zone=zone, vault=vault), scope).cte("found")
    of_both = (members_matching(one, at=at, zone=zone, vault=vault) for one in also)
    asked = select(_count(found), _some(found), *(_count(found, one) for one in of_both))
    total, chosen, *figures = session.execute(asked).one()
    rows = session.scalars(select(Member).where(Member.id.in_(chosen or ())).order_by(Member.id))
    return Found(total, [read_member(member, vault) for member in rows], figures)


def _count(found: CTE, others: Select[Any] | None = None) -> ScalarSelect[int]:
    counted = select(func.count()).select_from(found)
    if others is not None:
        also = others.subquery()
        counted = counted.join(also, also.c.member_id == found.c.member_id)
    return counted.scalar_subquery()


def _some(found: CTE) -> ScalarSelect[Any]:
    mixed = select(found.c.member_id).order_by(func.hashint8(found.c.member_id)).limit(SAMPLE_SIZE).subquery()
    return select(func.array_agg(mixed.c.member_id)).scalar_subquery()


def _in_scope(found: Select[Any], scope: StoreScope) -> Select[Any]:
    return found if scope.is_chain_wide else found.where(Member.enrolled_store_id.in_(scope.store_ids))
