"""Whether commissions still have a ground: the invitation stands, and those concerned are different people."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from loyalty.commissions.models import Commission
from loyalty.commissions.rules.states import STANDING
from loyalty.members.models import Member
from loyalty.members.queries import family_ids
from loyalty.referrals.models import Referral

_Earner, _Friend, _Referrer = aliased(Member), aliased(Member), aliased(Member)
_Above, _AboveMember, _AboveReferrer = aliased(Referral), aliased(Member), aliased(Member)


def unfounded_of(session: Session, *, member_id: int) -> Collection[int]:
    """Return the standing commissions without a ground of which a member is any side, merged ones included."""
    family = family_ids(member_id)
    sides = (Commission.member_id, Commission.referee_id, Referral.referrer_id)
    return session.scalars(
        _unfounded().where(Commission.state.in_(STANDING), or_(*(side.in_(family) for side in sides)))
    ).all()


def unfounded_among(session: Session, *, commission_ids: Collection[int]) -> Collection[int]:
    """Return which of some commissions have no ground."""
    return frozenset(session.scalars(_unfounded().where(Commission.id.in_(commission_ids))))


def _unfounded() -> Any:
    earner_id, friend_id = _survivor(_Earner), _survivor(_Friend)
    is_invited_by_earner = exists().where(
        _Above.is_standing,
        _Above.member_id == _AboveMember.id,
        _survivor(_AboveMember) == _survivor(_Referrer),
        _Above.referrer_id == _AboveReferrer.id,
        _survivor(_AboveReferrer) == earner_id,
    )
    return (
        select(Commission.id)
        .join(Referral, Referral.id == Commission.referral_id)
        .join(_Earner, _Earner.id == Commission.member_id)
        .join(_Friend, _Friend.id == Commission.referee_id)
        .join(_Referrer, _Referrer.id == Referral.referrer_id)
        .where(
            or_(
                ~Referral.is_standing,
                earner_id == friend_id,
                (Commission.level == 2) & ~is_invited_by_earner,
            )
        )
        .order_by(Commission.id)
    )


def _survivor(member: type[Member]) -> ColumnElement[int]:
    return func.coalesce(member.merged_into_id, member.id)
