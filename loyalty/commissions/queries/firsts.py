"""Which purchase of a friend is the first (首单) since they were invited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, bindparam, func, or_, select
from sqlalchemy import column as named_column
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from loyalty.commissions.models import Commission
from loyalty.commissions.rules.states import STANDING
from loyalty.kernel.arrays import SentArray
from loyalty.members.models import Member
from loyalty.orders.models import Order


@dataclass(frozen=True, slots=True)
class Invited:
    """A friend, and since when they are one."""

    member_id: int
    since: datetime


def first_orders(session: Session, *, invited: Sequence[Invited]) -> Mapping[int, int]:
    """Return the first purchase of each friend: the one that earned already, or else the earliest that still stands."""
    given = {
        "member_ids": [one.member_id for one in invited],
        "sinces": [one.since for one in invited],
    }
    earliest = session.execute(_EARLIEST, given)
    found = {row.member_id: row.id for row in earliest}
    earned = session.execute(_EARNED, {"member_ids": given["member_ids"]})
    return {**found, **{row.member_id: row.order_id for row in earned}}


_GIVEN = (
    func.unnest(
        bindparam("member_ids", type_=SentArray(BigInteger())),
        bindparam("sinces", type_=SentArray(DateTime(timezone=True))),
    )
    .table_valued(named_column("member_id", BigInteger()), named_column("since", DateTime(timezone=True)), name="given")
    .render_derived()
)
_EARLIEST = (
    select(_GIVEN.c.member_id, Order.id)
    .ext(distinct_on(_GIVEN.c.member_id))
    .join_from(_GIVEN, Member, or_(Member.id == _GIVEN.c.member_id, Member.merged_into_id == _GIVEN.c.member_id))
    .join(Order, (Order.member_id == Member.id) & (Order.paid_at >= _GIVEN.c.since) & ~Order.is_refunded)
    .order_by(_GIVEN.c.member_id, Order.paid_at, Order.id)
)
_ASKED = (
    func.unnest(bindparam("member_ids", type_=SentArray(BigInteger())))
    .table_valued(named_column("member_id", BigInteger()), name="asked")
    .render_derived()
)
_EARNED = (
    select(_ASKED.c.member_id, Commission.order_id)
    .join_from(_ASKED, Member, or_(Member.id == _ASKED.c.member_id, Member.merged_into_id == _ASKED.c.member_id))
    .join(Commission, (Commission.referee_id == Member.id) & Commission.state.in_(STANDING))
    .order_by(_ASKED.c.member_id, Commission.paid_at.desc(), Commission.id.desc())
)
