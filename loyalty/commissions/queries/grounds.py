"""What commissions rest on (依据): the friend's invitation, and on the second level that of the referrer too."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from loyalty.commissions.models import Commission
from loyalty.commissions.rules.states import CommissionState
from loyalty.members.models import Member
from loyalty.referrals.models import Referral
from loyalty.referrals.queries.programmes import channels_on
from loyalty.referrals.rules.states import UNSEEN, ReferralState
from loyalty.risk.models import RiskDecision
from loyalty.risk.rules.subjects import DecisionState

_Friends, _Above = aliased(Referral, name="friends"), aliased(Referral, name="above")
_Referrer, _Invited = aliased(Member), aliased(Member)
_OWN_ID = func.coalesce(_Referrer.merged_into_id, _Referrer.id)
_LET_PASS = (DecisionState.ALLOWED, DecisionState.RELEASED)


def waiting_among(session: Session, *, commission_ids: Collection[int]) -> Collection[int]:
    """Return which of some commissions wait: risk has let pass not all they rest on, or a channel is off."""
    grounds = _grounds(Commission.id.in_(commission_ids))
    found = (
        select(grounds.c.commission_id)
        .join(Referral, Referral.id == grounds.c.referral_id)
        .outerjoin(RiskDecision, RiskDecision.id == Referral.decision_id)
        .where(
            or_(
                Referral.channel.not_in(channels_on(session)),
                Referral.state == ReferralState.HELD,
                and_(Referral.decision_id.is_(None), Referral.state.in_(UNSEEN)),
                RiskDecision.state.not_in(_LET_PASS),
            )
        )
    )
    return frozenset(session.scalars(found))


def unseen_referrals(session: Session, *, after_id: int, at: datetime, limit: int = 200) -> Sequence[int]:
    """Return the referrals that commissions due rest on and that risk has not looked at, by ascending id."""
    grounds = _grounds(Commission.state == CommissionState.PENDING, Commission.approves_at <= at)
    on = channels_on(session)
    found = (
        select(Referral.id)
        .join(grounds, grounds.c.referral_id == Referral.id)
        .where(
            Referral.decision_id.is_(None), Referral.state.in_(UNSEEN), Referral.channel.in_(on), Referral.id > after_id
        )
        .distinct()
    )
    return session.scalars(found.order_by(Referral.id).limit(limit)).all()


def _grounds(*conditions: ColumnElement[bool]) -> Any:
    own = select(Commission.id.label("commission_id"), Commission.referral_id).where(*conditions)
    above = (
        select(Commission.id, _Above.id)
        .join(_Friends, _Friends.id == Commission.referral_id)
        .join(_Referrer, _Referrer.id == _Friends.referrer_id)
        .join(_Invited, or_(_Invited.id == _OWN_ID, _Invited.merged_into_id == _OWN_ID))
        .join(_Above, _Above.member_id == _Invited.id)
        .where(Commission.level == 2, _Above.is_standing, *conditions)
    )
    return union_all(own, above).subquery("grounds")
