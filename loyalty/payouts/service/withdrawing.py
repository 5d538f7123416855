"""Withdrawing (提现) as a member asks for it: risk looks at it first, then the money is taken and owed.

What risk says is written in a transaction of its own, so that it outlives the refusal.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.payouts.queries.payouts import PayoutView, find_by_key
from loyalty.payouts.rules.errors import PayoutBlocked, PayUnavailable
from loyalty.payouts.rules.states import Destination
from loyalty.payouts.service.exchanging import exchange
from loyalty.payouts.service.requesting import Wish, request
from loyalty.payouts.service.risking import ask_risk
from loyalty.risk.rules.subjects import Subject, Verdict


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What a member asks for, and where they are seen."""

    wish: Wish
    destination: Destination
    ip: str
    device: str | None


def withdraw(
    database: Database,
    *,
    vault: Vault,
    withdrawal: Withdrawal,
    has_merchant: bool,
    is_tax_required: bool,
    zone: ZoneInfo,
    at: datetime,
) -> PayoutView:
    """Pay a member what they ask for, in money or in points; the same key again returns the same payout.

    What risk wants people to look at waits for a second person, or is refused where points would be gone at once.

    Raises:
        PayUnavailable: money is asked for, and there is no merchant account that could send it.
        PayoutBlocked: risk refuses.
        and whatever ``requesting.request`` and ``exchanging.exchange`` raise.
    """
    if withdrawal.destination is Destination.WECHAT and not has_merchant:
        raise PayUnavailable
    verdict = run(database, lambda session: _verdict(session, vault, withdrawal, at))
    is_points = withdrawal.destination is Destination.POINTS
    if verdict is Verdict.DENY or (is_points and verdict is Verdict.REVIEW):
        raise PayoutBlocked
    wish = replace(withdrawal.wish, is_suspicious=verdict is Verdict.REVIEW)
    actor = Actor(f"member:{wish.member_id}", withdrawal.ip)

    def work(session: Session) -> PayoutView:
        if is_points:
            return _exchange(session, vault, wish, zone, at, actor)
        return request(session, vault=vault, wish=wish, is_tax_required=is_tax_required, zone=zone, at=at, actor=actor)

    return run(database, work)


def _exchange(session: Session, vault: Vault, wish: Wish, zone: ZoneInfo, at: datetime, actor: Actor) -> PayoutView:
    return exchange(
        session,
        vault=vault,
        member_id=wish.member_id,
        amount_fen=wish.amount_fen,
        key=wish.key,
        zone=zone,
        at=at,
        actor=actor,
    )


def _verdict(session: Session, vault: Vault, withdrawal: Withdrawal, at: datetime) -> Verdict:
    """Ask risk about this withdrawal; what was asked for before stays as it was."""
    wish = withdrawal.wish
    if find_by_key(session, member_id=wish.member_id, key=wish.key) is not None:
        return Verdict.ALLOW
    subject = Subject(member_id=wish.member_id, device=withdrawal.device, ip=withdrawal.ip)
    return ask_risk(session, vault=vault, subject=subject, key=wish.key, at=at)
