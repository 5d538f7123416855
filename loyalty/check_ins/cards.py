"""Make-up cards (补签卡): what a member has, how they come and go, and by which rules days are made up.

A card is a row: it is used by whoever locks it first, and never twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Date, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.check_ins.models import CheckIn, CheckInPlan, MakeUpCard, MakeUpPolicy
from loyalty.check_ins.queries import plan_live_on
from loyalty.check_ins.rules import MakeUpRules, NoMakeUpCard, days_to_make_up
from loyalty.kernel.clock import business_date
from loyalty.limits.rules import Limit, member_entity, month_of
from loyalty.limits.service import used_of_many
from loyalty.members.models import Member

_UNUSED = MakeUpCard.used_at.is_(None) & MakeUpCard.withdrawn_at.is_(None)


@dataclass(frozen=True, slots=True)
class MakeUpView:
    """What a member can make up today, and with what."""

    rules: MakeUpRules | None
    """None when days cannot be made up."""
    cards: int
    left_this_month: int
    days: tuple[date, ...]
    """The missed days that may be made up, the earliest first."""


def rules_in_force(session: Session) -> MakeUpRules | None:
    """Return by which rules days are made up; nothing when they cannot be."""
    row = session.execute(
        select(MakeUpPolicy.days_back, MakeUpPolicy.month_limit, MakeUpPolicy.card_price)
        .order_by(MakeUpPolicy.revision.desc())
        .limit(1)
    ).first()
    return MakeUpRules(*row) if row is not None and row.days_back else None


def make_up_view(session: Session, *, member_id: int, zone: ZoneInfo, at: datetime) -> MakeUpView:
    """Return a member's cards and the missed days that they could make up now."""
    rules, today = rules_in_force(session), business_date(at, zone)
    cards = session.scalar(select(func.count()).where(MakeUpCard.member_id == member_id, _UNUSED)) or 0
    if rules is None:
        return MakeUpView(None, cards, 0, ())
    limit = use_limit(rules, member_id, today)
    left = max(0, limit.ceiling - used_of_many(session, limits=[limit]).get(limit.key, 0))
    enrolled_at = session.execute(select(Member.enrolled_at).where(Member.id == member_id)).scalar_one()
    days = days_to_make_up(rules, today, enrolled_on=business_date(enrolled_at, zone))
    return MakeUpView(rules, cards, left, _missed(session, member_id, days))


def plan_revision_on(session: Session, day: date) -> int | None:
    """Return the revision of the plan that was in force on a business date; None when none was."""
    return session.scalar(select(plan_live_on(literal(day, Date)).c.revision))


def use_limit(rules: MakeUpRules, member_id: int, today: date) -> Limit:
    """Return what bounds how many days a member makes up in the month of a day."""
    return Limit("make_up", member_entity(member_id), month_of(today), rules.month_limit, "make_up")


def sale_limit(rules: MakeUpRules, member_id: int, today: date) -> Limit:
    """Return what bounds how many cards a member buys in the month of a day."""
    return Limit("make_up_card", member_entity(member_id), month_of(today), rules.month_limit, "make_up_card")


def grant_cards(
    session: Session, *, member_id: int, cards: int, reference: str, at: datetime, points_paid: int = 0
) -> int:
    """Give a member some cards (发补签卡), once by the reference; return how many are new."""
    fresh = session.execute(
        insert(MakeUpCard)
        .values(
            [
                {"member_id": member_id, "reference": one, "points_paid": points_paid, "granted_at": at}
                for one in _references(reference, cards)
            ]
        )
        .on_conflict_do_nothing()
        .returning(MakeUpCard.id)
    )
    return len(fresh.all())


def withdraw_cards(session: Session, *, member_id: int, cards: int, reference: str, at: datetime) -> bool:
    """Take back what ``grant_cards`` gave, all of it or, where one was used meanwhile, nothing; tell which."""
    mine = (MakeUpCard.member_id == member_id) & MakeUpCard.reference.in_(_references(reference, cards))
    held = session.scalars(
        select(MakeUpCard)
        .where(mine)
        .order_by(MakeUpCard.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if any(card.used_at is not None for card in held):
        return False
    session.execute(update(MakeUpCard).where(mine, _UNUSED).values(withdrawn_at=at))
    return True


def take_card(session: Session, *, member_id: int, on: date, at: datetime) -> int:
    """Use the oldest card of a member for a day; return its id.

    Raises:
        NoMakeUpCard: the member has none.
    """
    card_id = session.scalar(
        select(MakeUpCard.id)
        .where(MakeUpCard.member_id == member_id, _UNUSED)
        .order_by(MakeUpCard.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if card_id is None:
        raise NoMakeUpCard
    session.execute(update(MakeUpCard).where(MakeUpCard.id == card_id).values(used_on=on, used_at=at))
    return card_id


def _references(reference: str, cards: int) -> list[str]:
    return [reference, *(f"{reference}:{number}" for number in range(2, cards + 1))]


def _missed(session: Session, member_id: int, days: Sequence[date]) -> tuple[date, ...]:
    """Return the days without a check-in on which a plan was in force, as one is from the first on."""
    first_on = session.scalar(select(func.min(CheckInPlan.live_from_on)))
    if first_on is None:
        return ()
    mine = (CheckIn.member_id == member_id) & CheckIn.checked_in_on.in_(days)
    done = set(session.scalars(select(CheckIn.checked_in_on).where(mine)))
    return tuple(day for day in days if day >= first_on and day not in done)
