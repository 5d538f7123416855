"""Events beside purchases (其他事件): check-ins, enrolment, the profile, birthdays, what other systems report."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.earning.queries import live_revisions
from loyalty.earning.rules import EarningEvent, is_birthday_on
from loyalty.earning.service.award import Outcome, award
from loyalty.earning.service.facts import Happening, gather
from loyalty.kernel.clock import end_of
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.queries import lock_bearer
from loyalty.members.rules.members import MemberStatus

BIRTHDAYS_PER_PAGE = 500
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class BirthdayPage:
    """How many members of a page were awarded, and after whom the next begins; nobody when it was the last."""

    awarded: int
    last_member_id: int | None


def reward(
    session: Session, vault: Vault, *, happening: Happening, reference: str, at: datetime, zone: ZoneInfo
) -> Outcome:
    """Award an event once by its reference, to the survivor where the member was merged (事件奖励).

    Nobody is left of a member that was closed, and nothing is awarded then.
    """
    member = lock_bearer(session, member_id=happening.member_id)
    if member is None:
        return Outcome()
    gathered = gather(session, vault, happening=replace(happening, member_id=member.id), zone=zone, at=at)
    return award(session, gathered=gathered, reference=f"earning:{reference}", at=at, zone=zone)


def reward_birthdays(
    session: Session, vault: Vault, *, on: date, after_member_id: int, at: datetime, zone: ZoneInfo
) -> BirthdayPage:
    """Award a page of members whose birthday is celebrated on a business date (生日礼), each once a year.

    Birthdays are sealed, so that each member's is looked at; nothing is when no rule pays for birthdays.
    """
    occurred_at = min(at, end_of(on, zone) - _INSTANT)
    if not live_revisions(session, event=EarningEvent.BIRTHDAY, at=occurred_at, store_id=None):
        return BirthdayPage(0, None)
    rows = session.execute(
        select(Member.id, Member.birthday_sealed)
        .where(Member.id > after_member_id, Member.birthday_sealed.is_not(None), Member.status == MemberStatus.ACTIVE)
        .order_by(Member.id)
        .limit(BIRTHDAYS_PER_PAGE)
    ).all()
    celebrating = [row.id for row in rows if _is_celebrated(vault, row.birthday_sealed, on)]
    for member_id in celebrating:
        happening = Happening(event=EarningEvent.BIRTHDAY, member_id=member_id, occurred_at=occurred_at)
        reward(session, vault, happening=happening, reference=f"birthday:{on.year}", at=at, zone=zone)
    return BirthdayPage(len(celebrating), rows[-1].id if len(rows) == BIRTHDAYS_PER_PAGE else None)


def _is_celebrated(vault: Vault, sealed: bytes, on: date) -> bool:
    birthday = date.fromisoformat(vault.open(sealed, context="members.birthday"))
    return is_birthday_on((birthday.month, birthday.day), on)
