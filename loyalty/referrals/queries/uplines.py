"""Uplines (上级): who invited a member, and who had invited that one, from the stored relation alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, any_, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased

from loyalty.kernel.arrays import SentArray
from loyalty.members.models import Member
from loyalty.referrals.models import Referral
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import ReferralState


@dataclass(frozen=True, slots=True)
class Upline:
    """Who invited a member, since when; ``second`` is who had invited the referrer, and there is no third."""

    referrer_id: int
    since: datetime
    second: int | None
    is_held: bool
    """Risk holds the invitation: whoever pays by it waits."""
    referral_id: int
    channel: Channel


def upline(session: Session, *, member_id: int, at: datetime) -> Upline | None:
    """Return who invited a member by ``at``, as the members are now after merges; None when nobody did."""
    return uplines(session, member_ids=[member_id], at=at).get(member_id)


def uplines(session: Session, *, member_ids: Collection[int], at: datetime) -> Mapping[int, Upline]:
    """Return the same of many members, by the ids asked for, in one statement.

    An invitation that was refused or taken back as fraud is none; one whose first purchase was refunded is.
    """
    rows = session.execute(_UPLINES, {"member_ids": list(member_ids), "at": at})
    return {  # of several, as after a merge, the earliest is written last
        asked_id: Upline(
            referrer_id=referrer_id,
            since=since,
            second=None if second_id in (own_id, referrer_id) else second_id,
            is_held=state == ReferralState.HELD,
            referral_id=referral_id,
            channel=Channel(channel),
        )
        for asked_id, own_id, referrer_id, second_id, since, state, referral_id, channel in rows
    }


def _uplines() -> Select[Any]:
    referee, first, second = aliased(Member), aliased(Member), aliased(Member)
    first_id = func.coalesce(first.merged_into_id, first.id)
    asked = (
        select(Member.id, func.coalesce(Member.merged_into_id, Member.id).label("survivor_id"))
        .where(Member.id == any_(bindparam("member_ids", type_=SentArray(BigInteger()))))
        .subquery("asked")
    )
    survivor_id = asked.c.survivor_id
    return (
        select(
            *(asked.c.id, survivor_id, first_id, func.coalesce(second.merged_into_id, second.id)),
            *(Referral.came_at, Referral.state, Referral.id, Referral.channel),
        )
        .select_from(asked)
        .join(referee, or_(referee.id == survivor_id, referee.merged_into_id == survivor_id))
        .join(Referral, Referral.member_id == referee.id)
        .join(first, first.id == Referral.referrer_id)
        .outerjoin(second, second.id == Referral.second_referrer_id)
        .where(Referral.is_standing, Referral.came_at <= bindparam("at", type_=Referral.came_at.type))
        .where(first_id != survivor_id)
        .order_by(Referral.came_at.desc(), Referral.id.desc())
    )


_UPLINES = _uplines()
