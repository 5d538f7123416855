"""Refusing and reversing a referral: nothing more is paid, and what was paid is taken back."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.members.queries import family_ids, survivor_of
from loyalty.referrals.models import Referral
from loyalty.referrals.rules.states import ReferralState
from loyalty.referrals.service.taking_back import take_back


def refuse(session: Session, *, referral: Referral, reason: str, at: datetime) -> None:
    """Refuse a referral that paid nothing yet and that the caller holds: nobody counts as having invited anybody."""
    _end(session, referral, ReferralState.REFUSED, reason, is_standing=False, at=at)


def end(session: Session, *, referral: Referral, reason: str, is_standing: bool, at: datetime, zone: ZoneInfo) -> None:
    """End a referral that the caller holds, whatever was paid: refused before its rewards were due, else reversed.

    Points are taken back by the programme's policy for what was spent, unused coupons are voided. Ending it again
    changes nothing, but that a fraud is found after a refund. ``is_standing`` says that who invited whom is believed
    all the same, as after a refund.
    """
    is_over = referral.state in (ReferralState.REFUSED, ReferralState.REVERSED)
    if is_over and (is_standing or not referral.is_standing):
        return
    if referral.qualified_at is None and not is_standing:
        refuse(session, referral=referral, reason=reason, at=at)
        return
    _end(session, referral, ReferralState.REVERSED, reason, is_standing=is_standing, at=at)
    take_back(session, referral_id=referral.id, at=at, zone=zone)
    told = {"referral_id": referral.id, "referrer_id": referral.referrer_id}
    outbox.record(session, "referral.reversed", told, at=at)


def _end(
    session: Session, referral: Referral, state: ReferralState, reason: str, *, is_standing: bool, at: datetime
) -> None:
    referral.state, referral.reason, referral.ended_at = state, str(reason), at
    referral.is_standing = is_standing
    session.flush()
    if not is_standing:
        referee_id = survivor_of(session, member_id=referral.member_id)
        _let_nobody_stand_above(session, referee_id)
        outbox.record(session, "referral.ended", {"referral_id": referral.id, "member_id": referee_id}, at=at)


def _let_nobody_stand_above(session: Session, member_id: int) -> None:
    """Whoever the member invited has no second referrer any more."""
    session.execute(
        update(Referral)
        .where(Referral.referrer_id.in_(family_ids(member_id)), Referral.second_referrer_id.is_not(None))
        .values(second_referrer_id=None)
        .execution_options(synchronize_session=False)
    )
