"""Points instead of money (提现换积分): out of the money account and into the points account in one transaction."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from sqlalchemy.orm import Session

from loyalty.earnings import service as earnings
from loyalty.earnings.rules import taken
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.kernel.idempotency import IdempotencyKeyReused
from loyalty.limits import service as limits
from loyalty.members.queries import require_living
from loyalty.payouts.models import Payout
from loyalty.payouts.queries.configuration import current_programme
from loyalty.payouts.queries.payouts import PayoutView, find_by_key, get_payout
from loyalty.payouts.rules.errors import PayoutBlocked, PayoutsOff, PayoutTooSmall
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.rules.states import Destination, PayoutState
from loyalty.payouts.service.records import limits_of, lock_payout, note
from loyalty.payouts.service.requesting import out_bill_no_of
from loyalty.points import queries as points_queries
from loyalty.points import service as points
from loyalty.points.rules.expiry import lot_terms
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.rules.subjects import Subject

FEN_PER_YUAN = 100


def exchange(
    session: Session,
    *,
    vault: Vault,
    member_id: int,
    amount_fen: int,
    key: str,
    zone: ZoneInfo,
    at: datetime,
    actor: Actor,
) -> PayoutView:
    """Pay a member in points what could be withdrawn in money (换积分), rounded down to whole points.

    It counts for the same limits and ends at once. Nothing is withheld: no money leaves. The same key again returns
    the same payout.

    Raises:
        PayoutsOff: the operator offers no points instead of money.
        MemberNotFound, MemberGone, MemberProvisional: there is nobody to pay.
        PayoutBlocked: the member is on the blocklist.
        PayoutTooSmall: it is below the minimum, or worth no whole point.
        InsufficientEarnings: less can be withdrawn.
        LimitExhausted: the day's limit of the member, or of all, is reached.
        IdempotencyKeyReused: the key was used for something else.
    """
    require_living(session, member_id=member_id)
    if (known := find_by_key(session, member_id=member_id, key=key)) is not None:
        if (known.gross_fen, known.destination) != (amount_fen, Destination.POINTS):
            raise IdempotencyKeyReused(idempotency_key=key)
        return known
    programme = current_programme(session)
    worth = _points_for(programme, amount_fen)
    if is_blocked(session, subject=Subject(member_id), at=at):
        raise PayoutBlocked
    points_queries.lock_account(session, member_id=member_id)  # accounts of points are locked before those of money
    taken(earnings.lock(session, member_id=member_id, at=at), amount_fen)
    counted = limits_of(programme, member_id=member_id, requested_at=at, zone=zone)
    limits.reserve(session, limits=counted, amount=amount_fen)
    payout_id = _write(session, programme, member_id, amount_fen, worth, key, vault, zone, at, actor)
    told = {"payout_id": payout_id}
    reference = f"payout:{payout_id}"
    earnings.withdraw(
        session,
        member_id=member_id,
        amount_fen=amount_fen,
        reference=reference,
        explanation=told,
        at=at,
        actor=actor.name,
    )
    points.earn(
        session,
        member_id=member_id,
        points=worth,
        reference=reference,
        explanation={"rule": "payout", "amount_fen": amount_fen, **told},
        occurred_at=at,
        at=at,
        actor=actor.name,
        terms=lot_terms(points.programme_policy(session), at, zone),
    )
    return get_payout(session, payout_id=payout_id)


def _points_for(programme: PayoutProgramme, amount_fen: int) -> int:
    if programme.points_per_yuan is None:
        raise PayoutsOff
    worth = amount_fen * programme.points_per_yuan // FEN_PER_YUAN
    if amount_fen < programme.minimum_fen or worth < 1:
        raise PayoutTooSmall(minimum_fen=programme.minimum_fen)
    return worth


def _write(
    session: Session,
    programme: PayoutProgramme,
    member_id: int,
    amount_fen: int,
    worth: int,
    key: str,
    vault: Vault,
    zone: ZoneInfo,
    at: datetime,
    actor: Actor,
) -> int:
    payout_id = session.execute(
        insert(Payout)
        .values(
            member_id=member_id,
            key=key,
            out_bill_no=out_bill_no_of(vault, member_id=member_id, key=key),
            destination=Destination.POINTS,
            state=PayoutState.SUCCESS,
            gross_fen=amount_fen,
            tax_fen=0,
            net_fen=amount_fen,
            income_kind=programme.income_kind,
            period=f"{business_date(at, zone):%Y-%m}",
            points=worth,
            requested_by=actor.name,
            requested_at=at,
            settled_at=at,
        )
        .returning(Payout.id)
    ).scalar_one()
    payout = lock_payout(session, payout_id)
    note(session, payout, "exchanged", before=PayoutState.SUCCESS, actor=actor.name, at=at)
    return payout_id
