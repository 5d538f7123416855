"""What happens to a referral after the fact: refunds, words of reviewers, and members who turn out to be one."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import family_ids, family_of, survivor_of
from loyalty.referrals.models import Referral
from loyalty.referrals.queries.programmes import programme_of
from loyalty.referrals.rules.states import Against, ReferralState
from loyalty.referrals.service.ending import end, refuse
from loyalty.referrals.service.purchases import fulfil, lock_referral, stands
from loyalty.referrals.service.settling import settle
from loyalty.risk.queries.decisions import DecisionView, get_decision
from loyalty.risk.rules.subjects import DecisionState

_PENDING = (ReferralState.ATTRIBUTED, ReferralState.HELD, ReferralState.QUALIFIED)


def follow_refund(session: Session, *, order_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Take back what a purchase brought that a refund leaves too little of; what is pending looks again by itself."""
    for referral_id in session.scalars(select(Referral.id).where(Referral.order_id == order_id)).all():
        referral = lock_referral(session, referral_id=referral_id)
        if referral.state != ReferralState.REWARDED or referral.programme_id is None:
            continue
        purchase = programme_of(session, programme_id=referral.programme_id).purchase
        if purchase is not None and not stands(session, order_id=order_id, purchase=purchase):
            end(session, referral=referral, reason=Against.REFUNDED, is_standing=True, at=at, zone=zone)


def follow_release(session: Session, *, vault: Vault, decision_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Let an invitation go on that a person let go: held until now, or refused by a rule and by nothing else since.

    Its rewards are due if it is fulfilled; while its channel is off, it waits.
    """
    referral = _of_decision(session, decision_id)
    if referral is None or not _is_stopped_by(referral, get_decision(session, decision_id=decision_id)):
        return
    _reopen(session, referral, at)
    against = _against_now(session, referral)
    if against is not None:
        refuse(session, referral=referral, reason=against, at=at)
        return
    settle(session, vault=vault, referral_id=referral.id, at=at, zone=zone)


def follow_reversal(session: Session, *, decision_id: int, at: datetime, zone: ZoneInfo) -> None:
    """End an invitation that a person found to be fraud, whatever was paid."""
    referral = _of_decision(session, decision_id)
    if referral is not None:
        end(session, referral=referral, reason=Against.REVIEWED, is_standing=False, at=at, zone=zone)


def follow_merge(session: Session, *, member_id: int, at: datetime, zone: ZoneInfo) -> None:
    """End invitations that a merge shows to be none: of oneself, in a circle, or of who was a member before.

    The last of these keeps what was paid in good faith.
    """
    family, joined_at = _person(session, member_id)
    concerned = select(Referral.id).where(
        Referral.member_id.in_(family) | Referral.referrer_id.in_(family), Referral.is_standing
    )
    for referral_id in session.scalars(concerned.order_by(Referral.id)).all():
        referral = lock_referral(session, referral_id=referral_id)
        against = _since_merge(session, referral, family, joined_at)
        if against is not None:
            end(session, referral=referral, reason=against, is_standing=False, at=at, zone=zone)


def _is_stopped_by(referral: Referral, decision: DecisionView) -> bool:
    """Tell whether nothing but this decision stands in the way; what ended for another reason stays ended."""
    if decision.state is not DecisionState.RELEASED or referral.decision_id != decision.id:
        return False
    is_refused_by_it = referral.state == ReferralState.REFUSED and referral.reason == decision.rule_name
    return referral.state == ReferralState.HELD or is_refused_by_it


def _reopen(session: Session, referral: Referral, at: datetime) -> None:
    """Let it wait again, for a purchase that came meanwhile too; without one in time it lapses."""
    referral.state, referral.reason = ReferralState.ATTRIBUTED, None
    referral.ended_at, referral.is_standing = None, True
    session.flush()
    fulfil(session, referral_id=referral.id, at=at)


def _against_now(session: Session, referral: Referral) -> Against | None:
    """Return what merges have shown meanwhile, which nobody looked for while it was refused."""
    family, joined_at = _person(session, referral.member_id)
    return _since_merge(session, referral, family, joined_at)


def _person(session: Session, member_id: int) -> tuple[Sequence[int], datetime]:
    """Return all members that a member turned out to be, and when the first of them joined."""
    family = family_of(session, member_id=survivor_of(session, member_id=member_id))
    joined_at = session.scalars(select(func.min(Member.enrolled_at)).where(Member.id.in_(family))).one()
    return family, joined_at


def _since_merge(session: Session, referral: Referral, family: Sequence[int], joined_at: datetime) -> Against | None:
    is_referee, is_referrer = referral.member_id in family, referral.referrer_id in family
    if is_referee and is_referrer:
        return Against.SELF
    if _closes_circle(session, referral):
        return Against.CIRCULAR
    is_pending = referral.state in _PENDING
    return Against.ALREADY_A_MEMBER if is_referee and is_pending and joined_at < referral.touched_at else None


def _closes_circle(session: Session, referral: Referral) -> bool:
    """Tell whether the referee had invited the referrer before; of the two, the later one is wrong."""
    referee_id = survivor_of(session, member_id=referral.member_id)
    referrer_id = survivor_of(session, member_id=referral.referrer_id)
    other = select(Referral.id).where(
        Referral.member_id.in_(family_ids(referrer_id)),
        Referral.referrer_id.in_(family_ids(referee_id)),
        Referral.is_standing,
        Referral.id < referral.id,
    )
    return bool(session.scalar(select(other.exists())))


def _of_decision(session: Session, decision_id: int) -> Referral | None:
    """Return the referral that a decision is about, also where risk has looked anew since."""
    subject, referral_id, *_ = get_decision(session, decision_id=decision_id).reference.split(":")
    known = select(Referral.id).where(Referral.id == int(referral_id))
    found = session.scalar(known) if subject == "referral" else None
    return None if found is None else lock_referral(session, referral_id=found)
