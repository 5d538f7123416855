"""Making up (补签): a missed day becomes one checked in, for a card; it pays nothing and heals the streak.

What later days have paid stays, and what the next ones pay goes by the healed streak. The row of the day is what a
second attempt runs into. Streaks are reckoned from rows, again after everything that may have come in between.
"""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.orm import Session

from loyalty.check_ins.cards import (
    grant_cards,
    plan_revision_on,
    rules_in_force,
    sale_limit,
    take_card,
    use_limit,
)
from loyalty.check_ins.models import CheckIn, MakeUpCard, MakeUpPolicy
from loyalty.check_ins.rules import (
    DAYS_BACK_MAX,
    DayNotMissed,
    MakeUpDayRefused,
    MakeUpLimitReached,
    MakeUpNotOffered,
    MakeUpRules,
    check_make_up_rules,
    days_to_make_up,
    mended,
)
from loyalty.kernel import audit, outbox
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import AnyRow
from loyalty.kernel.idempotency import IdempotencyKeyReused
from loyalty.limits.rules import Limit, LimitExhausted
from loyalty.limits.service import reserve
from loyalty.members.queries import require_living
from loyalty.points.service import spend


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A day that was made up, and how many days in a row that makes until today."""

    on: date
    streak: int
    is_replay: bool = False


def make_up(session: Session, *, member_id: int, on: date, key: str, zone: ZoneInfo, at: datetime) -> MadeUp:
    """Make a missed day up with the member's oldest card (补签); the same key again is a replay.

    Raises:
        MakeUpNotOffered: days cannot be made up.
        MakeUpDayRefused: the day is not past, too long ago, or before there was a plan or the membership.
        DayNotMissed: the member has checked in on that day.
        NoMakeUpCard: the member has no card.
        MakeUpLimitReached: as many as a member may make up in a month.
        IdempotencyKeyReused: the key was used for another day, or for a check-in.
        MemberGone: the member was closed or merged.
    """
    today = business_date(at, zone)
    member = require_living(session, member_id=member_id)
    known = _known(session, member_id, key)
    if known is not None:
        if known.checked_in_on != on or known.make_up_card_id is None:
            raise IdempotencyKeyReused
        return MadeUp(on, _streak_until(session, member_id, today), is_replay=True)
    rules, plan_revision = _allowed(session, on, today, business_date(member.enrolled_at, zone))
    if _is_done(session, member_id, on):
        raise DayNotMissed(on=on.isoformat())
    card_id = take_card(session, member_id=member_id, on=on, at=at)
    if not _insert(session, member_id, on, card_id, plan_revision, key, at):
        raise DayNotMissed(on=on.isoformat())
    mend_streaks(session, member_id=member_id, on=on)
    told = {"member_id": member_id, "checked_in_on": on.isoformat(), "made_up_at": at.isoformat()}
    outbox.record(session, "check_in.made_up", told, at=at)
    _reserve(session, use_limit(rules, member_id, today))
    return MadeUp(on, _streak_until(session, member_id, today))


def buy_card(session: Session, *, member_id: int, key: str, zone: ZoneInfo, at: datetime) -> int:
    """Buy a card for points (积分换补签卡), once by the key; return what it cost.

    Raises:
        MakeUpNotOffered: no cards are sold.
        MakeUpLimitReached: as many as a member may buy in a month.
        InsufficientPoints: the member cannot pay it.
        MemberGone: the member was closed or merged.
    """
    require_living(session, member_id=member_id)
    reference = f"purchase:{key}"
    paid = session.scalar(
        select(MakeUpCard.points_paid).where(MakeUpCard.member_id == member_id, MakeUpCard.reference == reference)
    )
    if paid is not None:
        return paid
    rules = rules_in_force(session)
    if rules is None or rules.card_price is None:
        raise MakeUpNotOffered
    spend(
        session,
        member_id=member_id,
        points=rules.card_price,
        reference=f"make_up_card:{key}",
        explanation={"rule": "make_up_card"},
        occurred_at=at,
        at=at,
        actor=f"member:{member_id}",
    )
    grant_cards(session, member_id=member_id, cards=1, reference=reference, at=at, points_paid=rules.card_price)
    _reserve(session, sale_limit(rules, member_id, business_date(at, zone)))
    return rules.card_price


def mend_streaks(session: Session, *, member_id: int, on: date) -> None:
    """Reckon the streaks of a day and of those that follow it without a gap from the rows; again, nothing changes."""
    rows = session.execute(
        select(CheckIn.checked_in_on, CheckIn.streak)
        .where(CheckIn.member_id == member_id, CheckIn.checked_in_on >= on - timedelta(days=1))
        .order_by(CheckIn.checked_in_on)
        .limit(2 * DAYS_BACK_MAX)
    ).all()
    days = [(row.checked_in_on, row.streak) for row in rows]
    before = days.pop(0)[1] if days and days[0][0] < on else 0
    for day, streak in mended(before, days).items():
        session.execute(
            update(CheckIn)
            .where(CheckIn.member_id == member_id, CheckIn.checked_in_on == day)
            .values(streak=streak)
            .execution_options(synchronize_session=False)
        )


def save_rules(session: Session, *, rules: MakeUpRules, actor: Actor, at: datetime) -> None:
    """Set by which rules days are made up from now on (补签规则).

    Raises:
        InvalidMakeUpPolicy: they could not be kept as they read.
    """
    check_make_up_rules(rules)
    before = rules_in_force(session)
    session.execute(insert(MakeUpPolicy).values(**asdict(rules), created_by=actor.name, created_at=at))
    audit.write(
        session,
        actor=actor,
        action="check_ins.save_make_up_rules",
        subject="check_ins:make_up",
        before=None if before is None else asdict(before),
        after=asdict(rules),
        at=at,
    )


def _known(session: Session, member_id: int, key: str) -> AnyRow | None:
    """Return what the key was used for: days made up and check-ins share their rows and so their keys."""
    return session.execute(
        select(CheckIn.checked_in_on, CheckIn.make_up_card_id).where(
            CheckIn.member_id == member_id, CheckIn.idempotency_key == key
        )
    ).one_or_none()


def _allowed(session: Session, on: date, today: date, enrolled_on: date) -> tuple[MakeUpRules, int]:
    rules = rules_in_force(session)
    if rules is None:
        raise MakeUpNotOffered
    plan_revision = (
        plan_revision_on(session, on) if on in days_to_make_up(rules, today, enrolled_on=enrolled_on) else None
    )
    if plan_revision is None:
        raise MakeUpDayRefused(on=on.isoformat())
    return rules, plan_revision


def _is_done(session: Session, member_id: int, on: date) -> bool:
    return session.get(CheckIn, (member_id, on), populate_existing=True) is not None


def _insert(
    session: Session, member_id: int, on: date, card_id: int, plan_revision: int, key: str, at: datetime
) -> bool:
    written = session.execute(
        insert_or_skip(CheckIn)
        .values(
            member_id=member_id,
            checked_in_on=on,
            streak=1,
            base=0,
            bonus=0,
            growth=0,
            plan_revision=plan_revision,
            idempotency_key=key,
            make_up_card_id=card_id,
            checked_in_at=at,
        )
        .on_conflict_do_nothing()
        .returning(CheckIn.checked_in_on)
    )
    return written.first() is not None


def _reserve(session: Session, limit: Limit) -> None:
    try:
        reserve(session, limits=[limit], amount=1)
    except LimitExhausted as exhausted:
        raise MakeUpLimitReached(**exhausted.details) from exhausted


def _streak_until(session: Session, member_id: int, today: date) -> int:
    streak = session.scalar(
        select(CheckIn.streak)
        .where(CheckIn.member_id == member_id, CheckIn.checked_in_on.in_([today, today - timedelta(days=1)]))
        .order_by(CheckIn.checked_in_on.desc())
        .limit(1)
    )
    return streak or 0
