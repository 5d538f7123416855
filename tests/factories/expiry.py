"""Expiry for tests: the nightly jobs over all pages, and messages that reached their member."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.clock import business_date, end_of
from loyalty.members.models import Member
from loyalty.notices.models import Notice, NoticeDelivery
from loyalty.notices.service import mark_all_read
from loyalty.points import service
from tests.factories.members import make_identity, make_member
from tests.factories.points import AT, earn

SHANGHAI = ZoneInfo("Asia/Shanghai")


def plan(session: Session, at: datetime) -> int:
    """Owe the messages of a day; return how many."""
    return sum(
        page.notices_count
        for page in _pages(
            lambda after: service.plan_expiry_notices(session, after_member_id=after, at=at, zone=SHANGHAI)
        )
    )


def grace(session: Session, at: datetime) -> int:
    """Do the evening's work; return how many lots were given a grace."""
    until = end_of(business_date(at, SHANGHAI), SHANGHAI)
    return sum(
        page.settled.graces_count
        for page in _pages(
            lambda after: service.grant_graces(session, until=until, after_member_id=after, at=at, zone=SHANGHAI)
        )
    )


def expire(session: Session, at: datetime, *, run: str = "", limit: int = 300) -> int:
    """Book out what has ended; return how many points."""
    return sum(
        page.points
        for page in _pages(
            lambda after: service.expire_lots(
                session, run=run or at.isoformat(), after_member_id=after, at=at, zone=SHANGHAI, limit=limit
            )
        )
    )


def open_inbox(session: Session, member_id: int, *, at: datetime) -> None:
    mark_all_read(session, member_id=member_id, at=at)


def told_member(session: Session, *lots: tuple[int, datetime]) -> int:
    """A member who opened the message about all lots that end soon, told on the day that tests happen."""
    member = make_member(session)
    for points, expires_at in lots:
        earn(session, member.id, points, expires_at=expires_at)
    plan(session, AT)
    open_inbox(session, member.id, at=AT)
    return member.id


def accept(session: Session, member: Member, *, at: datetime, state: str = "sent") -> None:
    """Let WeChat answer in this way to every notice of a member."""
    identity = make_identity(session, member=member, is_following=True)
    for notice_id in session.scalars(select(Notice.id).where(Notice.member_id == member.id)):
        session.add(
            NoticeDelivery(
                notice_id=notice_id, member_id=member.id, identity_id=identity.id, channel="template",
                template_id="t", state=state, started_at=at, settled_at=at,
            )
        )  # fmt: skip
    session.flush()


def _pages(step: Callable[[int], Any]) -> list[Any]:
    pages: list[Any] = []
    while (page := step(pages[-1].last_member_id if pages else 0)) is not None:
        pages.append(page)
    return pages
