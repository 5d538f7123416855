"""Points instead of money (提现换积分): out of the money account and into the points account in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.earnings import service as earnings
from loyalty.earnings.rules import taken
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.kernel.idempotency import IdempotencyKeyReused
from loyalty.limits import service as limits
from loyalty.limits.rules import month_of
from loyalty.members.queries import require_living
from loyalty.payouts.queries.configuration import current_programme
from loyalty.payouts.queries.payouts import PayoutView, find_by_key, get_payout
from loyalty.payouts.rules.errors import PayoutBlocked, PayoutsOff, PayoutTooSmall
from loyalty.payouts.rules.names import reference_of, sent_key_of
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.rules.states import Destination, PayoutState
from loyalty.payouts.service.records import enter, limits_of
from loyalty.payouts.service.requesting import out_bill_no_of
from loyalty.points import queries as points_queries
from loyalty.points import service as points
from loyalty.points.rules.expiry import lot_terms
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.rules.subjects import Subject

FEN_PER_YUAN = 100


@dataclass(frozen=True, slots=True)
class _Swap:
    """Money that becomes points."""

    member_id: int
    amount_fen: int
    points: int
    key: str
    actor: Actor
    at: datetime


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
        return _replayed(known, amount_fen)
    programme = current_programme(session)
    swap = _Swap(member_id, amount_fen, _points_for(programme, amount_fen), key, actor, at)
    _hold(session, swap)
    counted = limits_of(programme, member_id=member_id, requested_at=at, zone=zone)
    limits.reserve(session, limits=counted, amount=amount_fen)
    payout_id = enter(session, _row(vault, swap, programme, zone), "exchanged")
    _move(session, swap, payout_id, zone)
    return get_payout(session, payout_id=payout_id)


def _replayed(known: PayoutView, amount_fen: int) -> PayoutView:
    if (known.gross_fen, known.destination) != (amount_fen, Destination.POINTS):
        raise IdempotencyKeyReused(idempotency_key=sent_key_of(known.key))
    return known


def _points_for(programme: PayoutProgramme, amount_fen: int) -> int:
    if programme.points_per_yuan is None:
        raise PayoutsOff
    worth = amount_fen * programme.points_per_yuan // FEN_PER_YUAN
    if amount_fen < programme.minimum_fen or worth < 1:
        raise PayoutTooSmall(minimum_fen=programme.minimum_fen)
    return worth


def _hold(session: Session, swap: _Swap) -> None:
    """Hold both accounts, unless the member is blocked or has less."""
    if is_blocked(session, subject=Subject(swap.member_id), at=swap.at):
        raise PayoutBlocked
    points_queries.lock_account(session, member_id=swap.member_id)  # points are locked before money
    taken(earnings.lock(session, member_id=swap.member_id, at=swap.at), swap.amount_fen)


def _row(vault: Vault, swap: _Swap, programme: PayoutProgramme, zone: ZoneInfo) -> Mapping[str, Any]:
    return {
        "member_id": swap.member_id,
        "key": swap.key,
        "out_bill_no": out_bill_no_of(vault, member_id=swap.member_id, key=swap.key),
        "destination": Destination.POINTS,
        "state": PayoutState.SUCCESS,
        "gross_fen": swap.amount_fen,
        "tax_fen": 0,
        "net_fen": swap.amount_fen,
        "income_kind": programme.income_kind,
        "period": month_of(business_date(swap.at, zone)),
        "points": swap.points,
        "requested_by": swap.actor.name,
        "requested_at": swap.at,
        "settled_at": swap.at,
    }


def _move(session: Session, swap: _Swap, payout_id: int, zone: ZoneInfo) -> None:
    told, reference = {"payout_id": payout_id}, reference_of(payout_id)
    earnings.withdraw(
        session,
        member_id=swap.member_id,
        amount_fen=swap.amount_fen,
        reference=reference,
        explanation=told,
        at=swap.at,
        actor=swap.actor.name,
    )
    points.earn(
        session,
        member_id=swap.member_id,
        points=swap.points,
        reference=reference,
        explanation={"rule": "payout", "amount_fen": swap.amount_fen, **told},
        occurred_at=swap.at,
        at=swap.at,
        actor=swap.actor.name,
        terms=lot_terms(points.programme_policy(session), swap.at, zone),
    )
