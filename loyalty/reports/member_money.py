"""A member's money at a glance: what they have, what they may withdraw now, and if not, why not."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.earnings import queries as earnings
from loyalty.earnings.rules import Balance
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.wording import yuan
from loyalty.limits import service as limits
from loyalty.payouts.queries.configuration import find_programme, find_rate, find_scene
from loyalty.payouts.queries.payees import find_payee_name
from loyalty.payouts.queries.payouts import find_pause
from loyalty.payouts.rules.errors import (
    PayoutBlocked,
    PayoutSceneNotConfigured,
    PayoutsOff,
    PayoutTaxNotConfigured,
    PayoutTooSmall,
    PayUnavailable,
)
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.rules.words import masked_name
from loyalty.payouts.service.records import limits_of
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.rules.subjects import Subject
from loyalty.risk.service import places_of


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why nothing can be withdrawn now: a code for programs, a sentence for the member."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class MemberMoney:
    """What a member has, and what they may do with it."""

    balance: Balance
    programme: PayoutProgramme | None
    left_today_fen: int
    """What the limits of the day leave to this member."""
    obstacle: Obstacle | None
    money_obstacle: Obstacle | None
    """What stands in the way of money only; points instead may still be had."""
    is_queue_paused: bool
    """Nothing is sent for now; what is asked for waits."""
    payee_name: str | None
    """Masked; none without a name or the consent to its use."""

    @property
    def most_fen(self) -> int:
        """The most that can be asked for at once."""
        return 0 if self.obstacle else min(self.balance.available_fen, self.left_today_fen)


def member_money(
    session: Session,
    *,
    vault: Vault,
    member_id: int,
    ip: str,
    has_merchant: bool,
    is_tax_required: bool,
    zone: ZoneInfo,
    at: datetime,
) -> MemberMoney:
    """Return a member's money at an instant; nothing is locked, so the withdrawal itself decides."""
    balance, programme = earnings.balance(session, member_id=member_id), find_programme(session)
    left_fen = _left_today(session, programme, member_id, zone, at) if programme else 0
    who = Subject(member_id, ip=ip)
    is_refused = is_blocked(session, subject=who, at=at, values=places_of(vault, subject=who))
    name = find_payee_name(session, vault=vault, member_id=member_id)
    money_obstacle = _money_obstacle(session, programme, is_tax_required=is_tax_required, zone=zone, at=at)
    return MemberMoney(
        balance=balance,
        programme=programme,
        left_today_fen=left_fen,
        obstacle=_obstacle(balance, programme, left_fen, is_refused=is_refused),
        money_obstacle=money_obstacle if has_merchant else _told(PayUnavailable()),
        is_queue_paused=find_pause(session) is not None,
        payee_name=None if name is None else masked_name(name),
    )


def _left_today(session: Session, programme: PayoutProgramme, member_id: int, zone: ZoneInfo, at: datetime) -> int:
    counted = limits_of(programme, member_id=member_id, requested_at=at, zone=zone)
    used = limits.used_of_many(session, limits=counted)
    return max(0, min(limit.ceiling - used.get(limit.key, 0) for limit in counted))


def _obstacle(
    balance: Balance, programme: PayoutProgramme | None, left_fen: int, *, is_refused: bool
) -> Obstacle | None:
    if programme is None:
        return _told(PayoutsOff())
    if is_refused:
        return _told(PayoutBlocked())
    if balance.available_fen < programme.minimum_fen:
        return Obstacle(PayoutTooSmall.code, f"满 {yuan(programme.minimum_fen)} 可提现")
    if left_fen < programme.minimum_fen:
        return Obstacle("limit_exhausted", "今日可提现额度已用完，请明天再来")
    return None


def _money_obstacle(
    session: Session, programme: PayoutProgramme | None, *, is_tax_required: bool, zone: ZoneInfo, at: datetime
) -> Obstacle | None:
    if programme is None:
        return _told(PayoutsOff())
    if find_scene(session) is None:
        return _told(PayoutSceneNotConfigured())
    on = business_date(at, zone)
    if is_tax_required and find_rate(session, income_kind=programme.income_kind, on=on) is None:
        return _told(PayoutTaxNotConfigured())
    return None


def _told(error: LoyaltyError) -> Obstacle:
    return Obstacle(error.code, error.message)
