"""Uplines (上级): who invited a member, and who had invited that one, from the stored relation alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from loyalty.members.models import Member
from loyalty.referrals.models import Referral
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import ReferralState

_Referee, _First, _Second = aliased(Member), aliased(Member), aliased(Member)


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
    first = func.coalesce(_First.merged_into_id, _First.id)
    second = func.coalesce(_Second.merged_into_id, _Second.id)
    asked = select(Member.id, func.coalesce(Member.merged_into_id, Member.id).label("survivor_id"))
    asked_for = asked.where(Member.id.in_(member_ids)).subquery("asked")
    survivor_id = asked_for.c.survivor_id
    rows = session.execute(
        select(
            *(asked_for.c.id, survivor_id, first, second),
            *(Referral.came_at, Referral.state, Referral.id, Referral.channel),
        )
        .select_from(asked_for)
        .join(_Referee, or_(_Referee.id == survivor_id, _Referee.merged_into_id == survivor_id))
        .join(Referral, Referral.member_id == _Referee.id)
        .join(_First, _First.id == Referral.referrer_id)
        .outerjoin(_Second, _Second.id == Referral.second_referrer_id)
        .where(Referral.is_standing, Referral.came_at <= at, first != survivor_id)
        .order_by(Referral.came_at.desc(), Referral.id.desc())
    )
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
