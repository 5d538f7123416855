"""Withdrawing (提现) as a member asks for it: risk looks at it first, then the money is taken and owed.

What risk says is written in a transaction of its own, so that it outlives the refusal.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.gateways.protocols import MiniProgram
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.payouts.queries.payouts import PayoutView, find_by_key
from loyalty.payouts.rules.errors import PayoutBlocked, PayUnavailable
from loyalty.payouts.rules.names import key_of_request
from loyalty.payouts.rules.states import Destination
from loyalty.payouts.service.exchanging import exchange
from loyalty.payouts.service.requesting import Wish, request
from loyalty.payouts.service.risking import ask_risk, reference_of
from loyalty.risk.rules.subjects import Occasion, Subject, Verdict
from loyalty.risk.service import ask_wechat


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What a member asks for, and where they are seen."""

    wish: Wish
    """Its key is what their phone sent."""
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
    mini_program: MiniProgram | None = None,
) -> PayoutView:
    """Pay a member what they ask for, in money or in points; the same key again returns the same payout.

    Where they ask through a mini program, WeChat is asked for its opinion if a rule of risk looks at it.
    What risk wants people to look at waits for a second person, or is refused where points would be gone at once.

    Raises:
        PayUnavailable: money is asked for, and there is no merchant account that could send it.
        PayoutBlocked: risk refuses.
        and whatever ``requesting.request`` and ``exchanging.exchange`` raise.
    """
    if withdrawal.destination is Destination.WECHAT and not has_merchant:
        raise PayUnavailable
    asked = replace(withdrawal.wish, key=key_of_request(withdrawal.wish.key))
    withdrawal = replace(withdrawal, wish=asked)
    subject = _seen(database, withdrawal, mini_program)
    verdict = run(database, lambda session: _verdict(session, vault, asked, subject, at))
    is_points = withdrawal.destination is Destination.POINTS
    if verdict is Verdict.DENY or (is_points and verdict is Verdict.REVIEW):
        raise PayoutBlocked
    wish = replace(asked, is_suspicious=verdict is Verdict.REVIEW)
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


def _seen(database: Database, withdrawal: Withdrawal, mini_program: MiniProgram | None) -> Subject:
    wish = withdrawal.wish
    subject = Subject(member_id=wish.member_id, device=withdrawal.device, ip=withdrawal.ip)
    if mini_program is None:
        return subject
    return ask_wechat(
        database,
        subject=subject,
        occasion=Occasion.WITHDRAWAL,
        reference=reference_of(wish.member_id, wish.key),
        mini_program=mini_program,
        openid=wish.openid,
        ip=withdrawal.ip,
    )


def _verdict(session: Session, vault: Vault, wish: Wish, subject: Subject, at: datetime) -> Verdict:
    """Ask risk about this withdrawal; what was asked for before stays as it was."""
    if find_by_key(session, member_id=wish.member_id, key=wish.key) is not None:
        return Verdict.ALLOW
    return ask_risk(session, vault=vault, subject=subject, key=wish.key, at=at)
