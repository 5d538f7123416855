"""Gathering facts (取数): what is known of a member when an event happens, and the rules in force, in one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Select, bindparam, exists, func, select
from sqlalchemy.orm import Session

from loyalty.earning.live import LIVE, read_live
from loyalty.earning.rules import EarningEvent, EventFacts, FactLine, RuleRevision, is_birthday_on
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import AnyRow
from loyalty.kernel.local_time import local_time
from loyalty.kernel.prepared import send
from loyalty.members.models import Member
from loyalty.members.queries import family_ids
from loyalty.members.rules.members import MemberNotFound
from loyalty.orders.models import Order
from loyalty.points.expiry_models import PointsProgramme
from loyalty.points.posting import ACCOUNTS, table_of
from loyalty.points.rules.expiry import DEFAULT_POLICY, ExpiryPolicy, policy_of
from loyalty.points.service import open_account
from loyalty.stores.queries import region_of
from loyalty.tags.queries import TAG_IDS
from loyalty.tiers.models import MemberTier
from loyalty.tiers.periods import LEVEL
from loyalty.tiers.queries import MULTIPLIER
from loyalty.tiers.rules import LOWEST_LEVEL, ONE_TIME

MEMBERS, ORDERS, TIERS, PROGRAMMES = map(table_of, (Member, Order, MemberTier, PointsProgramme))
_MEMBER_ID, _STORE_ID, _ORDER_ID = (bindparam(name, type_=BigInteger) for name in ("member_id", "store_id", "order_id"))

DEFAULT_EXPIRY = (
    select(PROGRAMMES.c.expiry_policy)
    .order_by(PROGRAMMES.c.id.desc())
    .limit(1)
    .scalar_subquery()
    .label("default_expiry")
)
"""The programme's expiry policy, for a statement to take along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What happened, before it is known to whom (事件)."""

    event: EarningEvent
    member_id: int
    occurred_at: datetime
    store_id: int | None = None
    channel: str | None = None
    lines: tuple[FactLine, ...] = ()
    order_id: int | None = None
    """The purchase itself, which the first purchase has no other beside."""
    custom_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts of an event, the revisions in force, and how long points live where a rule says nothing else."""

    facts: EventFacts
    revisions: Sequence[RuleRevision]
    default_expiry: ExpiryPolicy


def gather(session: Session, vault: Vault, *, happening: Happening, zone: ZoneInfo, at: datetime) -> Gathered:
    """Return the facts of an event, and hold the member's points account until the transaction ends.

    Of the birthday no more is kept than whether it is on the day or in the month of the event.

    Raises:
        MemberNotFound: there is no such member.
    """
    row = _sent(session, _FACTS, happening)
    if row is None and _is_known(session, happening.member_id):
        open_account(session, member_id=happening.member_id, at=at)
        row = _sent(session, _FACTS, happening)
    return _gathered(row, happening, vault, zone)


def gather_to_look(session: Session, vault: Vault, *, happening: Happening, zone: ZoneInfo) -> Gathered:
    """Return the facts of an event that has not happened, holding nothing.

    Raises:
        MemberNotFound: there is no such member.
    """
    return _gathered(_sent(session, _PREVIEW, happening), happening, vault, zone)


def gather_for_anybody(session: Session, *, happening: Happening, zone: ZoneInfo) -> Gathered:
    """Return the facts of an event of somebody without any membership: on the lowest tier, without a birthday."""
    row = _sent(session, _ANYBODY, happening)
    assert row is not None
    facts = _facts_of(happening, zone, region_id=row.region_id, tier_level=LOWEST_LEVEL)
    return _with_rules(row, facts)


def read_default_expiry(row: AnyRow) -> ExpiryPolicy:
    """Read the programme's expiry policy from a row that took ``DEFAULT_EXPIRY`` along."""
    return DEFAULT_POLICY if row.default_expiry is None else policy_of(row.default_expiry)


def _gathered(row: AnyRow | None, happening: Happening, vault: Vault, zone: ZoneInfo) -> Gathered:
    if row is None:
        raise MemberNotFound(member_id=happening.member_id)
    birthday, on = _birthday(row, vault), business_date(happening.occurred_at, zone)
    facts = _facts_of(
        happening,
        zone,
        region_id=row.region_id,
        tier_level=row.tier_level,
        tier_multiplier_bp=row.tier_multiplier_bp,
        tags=frozenset(row.tag_ids or ()),
        is_first_purchase=happening.event is EarningEvent.PURCHASE and row.is_first_purchase,
        is_birthday=birthday is not None and is_birthday_on((birthday.month, birthday.day), on),
        is_birthday_month=birthday is not None and birthday.month == on.month,
    )
    return _with_rules(row, facts)


def _with_rules(row: AnyRow, facts: EventFacts) -> Gathered:
    return Gathered(facts, read_live(row.live, store_id=facts.store_id), read_default_expiry(row))


def _facts_of(happening: Happening, zone: ZoneInfo, **known: Any) -> EventFacts:
    return EventFacts(
        event=happening.event,
        occurred_at=happening.occurred_at,
        local=local_time(happening.occurred_at, zone),
        member_id=happening.member_id,
        store_id=happening.store_id,
        channel=happening.channel,
        lines=happening.lines,
        custom_kind=happening.custom_kind,
        **known,
    )


def _sent(session: Session, statement: Select[Any], happening: Happening) -> AnyRow | None:
    values = {
        "member_id": happening.member_id,
        "store_id": happening.store_id,
        "order_id": happening.order_id,
        "event": happening.event.value,
        "at": happening.occurred_at,
    }
    return next(iter(send(session, statement, values)), None)


def _is_known(session: Session, member_id: int) -> bool:
    return session.scalar(select(MEMBERS.c.id).where(MEMBERS.c.id == member_id)) is not None


def _birthday(row: AnyRow, vault: Vault) -> date | None:
    if row.birthday_sealed is None:
        return None
    return date.fromisoformat(vault.open(row.birthday_sealed, context="members.birthday"))


_REGION = region_of(_STORE_ID)


def _facts() -> Select[Any]:
    is_own = ORDERS.c.member_id.in_(family_ids(_MEMBER_ID))
    another = exists().where(is_own, ~ORDERS.c.is_refunded, ORDERS.c.id.is_distinct_from(_ORDER_ID))
    level = select(LEVEL).where(TIERS.c.member_id == _MEMBER_ID).scalar_subquery()
    return select(
        MEMBERS.c.birthday_sealed,
        (~another).label("is_first_purchase"),
        _REGION.label("region_id"),
        func.coalesce(level, LOWEST_LEVEL).label("tier_level"),
        func.coalesce(MULTIPLIER.scalar_subquery(), ONE_TIME).label("tier_multiplier_bp"),
        TAG_IDS,
        LIVE,
        DEFAULT_EXPIRY,
    ).where(MEMBERS.c.id == _MEMBER_ID)


_ANYBODY = select(_REGION.label("region_id"), LIVE, DEFAULT_EXPIRY)
_PREVIEW = _facts()
# The lock comes with the facts: what they say of orders is exact, since whoever records one holds the member.
_FACTS = _facts().where(ACCOUNTS.c.member_id == MEMBERS.c.id).with_for_update(of=ACCOUNTS, key_share=True)
