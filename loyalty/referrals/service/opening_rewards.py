"""Paying for an opening alone: only where the operator has taken that upon himself, and only what risk allows."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.limits.rules import LimitExhausted
from loyalty.limits.service import reserve
from loyalty.members.models import Identity
from loyalty.members.queries import family_of, lock_bearer
from loyalty.points import service as points
from loyalty.points.rules.expiry import lot_terms
from loyalty.points.service.accounts import open_and_lock_account
from loyalty.referrals.models import ReferralReward, ShareOpening, ShareToken
from loyalty.referrals.queries.programmes import channels_on, is_on, open_programme
from loyalty.referrals.rules.limiting import opening_limits
from loyalty.referrals.rules.programme import OpeningReward
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.rules.states import Against, RewardState, Side
from loyalty.referrals.service.taking_back import take_opening_back
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.queries.counting import share_device
from loyalty.risk.rules.signals import Fact
from loyalty.risk.rules.subjects import Decision, Occasion, Subject, Verdict
from loyalty.risk.service import assess

_UNPAID = (RewardState.WAITING, RewardState.MISSED)


def reward_opening(session: Session, *, vault: Vault, opening_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Pay who shared for an opening that counted, once, within the caps.

    Held by risk it waits for a person; refused, the reason is kept until a person lets it go. It waits while its
    channel is off, or while somebody concerned is blocked who was not when risk looked.
    """
    opening = _hold(session, opening_id)
    share = session.get_one(ShareToken, opening.share_token_id)
    paying, known = _paying(session), _known(session, opening_id)
    if paying is None or opening.reason is not None or (known is not None and known.state not in _UNPAID):
        return
    bearer = lock_bearer(session, member_id=share.member_id)
    if bearer is None:
        _write(session, opening_id, share.member_id, at, state=RewardState.MISSED, reason=Against.REFERRER_GONE)
    elif is_on(session, channel=Channel(share.channel)):
        decision = _assess(session, vault, opening, bearer.id, at)
        if known is None or known.state == RewardState.WAITING or _is_let_go(known, decision):
            _heed(session, opening, bearer.id, decision, paying, at, zone)
    elif known is None:
        _write(session, opening_id, bearer.id, at, state=RewardState.WAITING)


def reverse_opening(session: Session, *, opening_id: int, at: datetime, zone: ZoneInfo) -> None:
    """Take back what was paid for an opening that a person found to be fraud, or let it never be paid."""
    opening = _hold(session, opening_id)
    share = session.get_one(ShareToken, opening.share_token_id)
    take_opening_back(session, opening_id=opening_id, at=at, zone=zone)
    missed = {"state": RewardState.MISSED, "reason": Against.REVIEWED, "recorded_at": at}
    session.execute(
        insert(ReferralReward)
        .values(member_id=share.member_id, side=Side.SHARER, opening_id=opening_id, points=0, **missed)
        .on_conflict_do_update(
            index_elements=["opening_id"], set_=missed, where=ReferralReward.state == RewardState.WAITING
        )
    )


def waiting(session: Session, *, after_id: int, limit: int = 200) -> Sequence[int]:
    """Return the openings whose reward waits, of channels that are on, by ascending id."""
    found = (
        select(ReferralReward.opening_id)
        .join(ShareOpening, ShareOpening.id == ReferralReward.opening_id)
        .join(ShareToken, ShareToken.id == ShareOpening.share_token_id)
        .where(
            ReferralReward.state == RewardState.WAITING,
            ReferralReward.opening_id > after_id,
            ShareToken.channel.in_(channels_on(session)),
        )
    )
    ids = session.scalars(found.order_by(ReferralReward.opening_id).limit(limit))
    return [opening_id for opening_id in ids if opening_id is not None]


def _hold(session: Session, opening_id: int) -> ShareOpening:
    return session.get_one(ShareOpening, opening_id, with_for_update={"key_share": True}, populate_existing=True)


def _paying(session: Session) -> OpeningReward | None:
    current = open_programme(session)
    return None if current is None else current.programme.opening


def _known(session: Session, opening_id: int) -> ReferralReward | None:
    found = select(ReferralReward).where(ReferralReward.opening_id == opening_id)
    return session.scalar(found.execution_options(populate_existing=True))


def _heed(
    session: Session,
    opening: ShareOpening,
    member_id: int,
    decision: Decision,
    paying: OpeningReward,
    at: datetime,
    zone: ZoneInfo,
) -> None:
    if decision.verdict is Verdict.DENY:
        _write(session, opening.id, member_id, at, state=RewardState.MISSED, reason=decision.rule_name)
    elif decision.verdict is Verdict.ALLOW and _is_anybody_blocked(session, opening, member_id, at):
        _write(session, opening.id, member_id, at, state=RewardState.WAITING)
    elif decision.verdict is Verdict.ALLOW:
        _pay(session, opening, member_id, paying, at, zone)


def _is_let_go(missed: ReferralReward, decision: Decision) -> bool:
    """Tell whether what was missed for a rule of risk was let go by a person since; a cap stays one."""
    return decision.verdict is Verdict.ALLOW and decision.rule_name is not None and missed.reason == decision.rule_name


def _is_anybody_blocked(session: Session, opening: ShareOpening, sharer_id: int, at: datetime) -> bool:
    return is_blocked(session, subject=_visitor(session, opening), at=at, beside=[Subject(sharer_id)])


def _visitor(session: Session, opening: ShareOpening) -> Subject:
    """Return who opened, as the member who they may be by now."""
    member_id = session.scalar(select(Identity.member_id).where(Identity.id == opening.identity_id))
    return Subject(member_id, opening.identity_id)


def _assess(session: Session, vault: Vault, opening: ShareOpening, sharer_id: int, at: datetime) -> Decision:
    visitor = _visitor(session, opening)
    sharers = family_of(session, member_id=sharer_id)
    return assess(
        session,
        vault=vault,
        occasion=Occasion.OPENING,
        reference=f"opening:{opening.id}",
        subject=visitor,
        facts={Fact.SAME_PERSON_DEVICE: int(share_device(session, subject=visitor, others=sharers))},
        at=at,
        beside=[Subject(sharer_id)],
    )


def _pay(
    session: Session, opening: ShareOpening, member_id: int, paying: OpeningReward, at: datetime, zone: ZoneInfo
) -> None:
    open_and_lock_account(session, member_id=member_id, at=at)
    try:
        reserve(session, limits=opening_limits(paying, member_id=member_id, on=business_date(at, zone)), amount=1)
    except LimitExhausted as exhausted:
        _write(session, opening.id, member_id, at, state=RewardState.MISSED, reason=str(exhausted.details["limit"]))
        return
    posting = points.earn(
        session,
        member_id=member_id,
        points=paying.points,
        reference=f"share_opening:{opening.id}",
        explanation={"rule": "referral", "side": Side.SHARER.value},
        occurred_at=opening.opened_at,
        at=at,
        terms=lot_terms(points.programme_policy(session), at, zone),
    )
    _write(session, opening.id, member_id, at, state=RewardState.PAID, points=paying.points, entry_id=posting.entry_id)


def _write(
    session: Session,
    opening_id: int,
    member_id: int,
    at: datetime,
    *,
    state: RewardState,
    reason: str | None = None,
    points: int = 0,
    entry_id: int | None = None,
) -> None:
    became = {
        "member_id": member_id,
        "state": state,
        "reason": reason,
        "points": points,
        "entry_id": entry_id,
        "recorded_at": at,
    }
    row = insert(ReferralReward).values(side=Side.SHARER, opening_id=opening_id, **became)
    session.execute(
        row.on_conflict_do_update(index_elements=["opening_id"], set_=became, where=ReferralReward.state.in_(_UNPAID))
    )
